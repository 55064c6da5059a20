// The kernels of groups of numbers. They capture the group's shape, which is nothing to be counted.

internal import CVectors
internal import KerfElements

extension NumberGrid {
  static func kernels(_ format: GroupFormat, divisor: Float) -> CodecKernels {
    let shape = GroupShape(format, divisor: divisor)
    typealias Plain = NumberGroups<Self, Uniform>
    return CodecKernels(
      encodeReference: { Plain.encode(shape, .reference, $0, nil, $1, $2, $3) },
      encodeOptimal: { Plain.encode(shape, .optimal, $0, nil, $1, $2, $3) },
      encodeWeighted: {
        NumberGroups<Self, Important>.encode(shape, .optimal, $0, $1, $2, $3, $4)
      },
      encodeGiven: { Plain.encode(shape, .given($1), $0, nil, $2, $3, $4) },
      decode: { Plain.decode(shape, $0, $1, $2) })
  }
}

/// The kernels of a group format; `nil` where there are none.
///
/// - Parameter divisor: What scales of e4m3 are divided by, for a whole tensor.
func groupKernels(_ format: GroupFormat, divisor: Float = 1) -> CodecKernels? {
  // Quantiles go with scales that any number can be.
  let isFree = format.scale != .e8m0 && format.scale != .e4m3
  return switch format.codes {
  case .integers: IntegerGroup(format)?.kernels
  case .nf4: isFree ? NF4Grid.kernels(format, divisor: divisor) : nil
  case .fp4: isFree ? FP4Grid.kernels(format, divisor: divisor) : nil
  case .e2m1: E2M1Grid.kernels(format, divisor: divisor)
  case .e4m3: E4M3Grid.kernels(format, divisor: divisor)
  }
}
