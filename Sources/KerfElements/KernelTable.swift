/// The kernels of one instruction set, as plain functions over memory.
///
/// Each kernel module fills one table; whoever computes takes the table from `KerfDispatch` once
/// and calls through it per row or tile, never per block. Kernels neither allocate nor throw nor
/// start threads, and write the same bytes under every instruction set.
package struct KernelTable: Sendable {
  package let instructionSet: InstructionSet

  /// Kernels by format; `nil` for a format that is only carried.
  package let codec: @Sendable (Format) -> CodecKernels?

  /// Adds up what `candidate` lost against `reference`, both `count` elements long.
  package let loss:
    @Sendable (
      _ reference: UnsafePointer<Float>, _ candidate: UnsafePointer<Float>, _ count: Int
    ) -> LossSums

  package init(
    instructionSet: InstructionSet,
    codec: @escaping @Sendable (Format) -> CodecKernels?,
    loss: @escaping @Sendable (UnsafePointer<Float>, UnsafePointer<Float>, Int) -> LossSums
  ) {
    self.instructionSet = instructionSet
    self.codec = codec
    self.loss = loss
  }
}

/// What one format can do with whole blocks of a row.
package struct CodecKernels: Sendable {
  /// Writes `blocks` blocks to `target`.
  ///
  /// `workspace` is scratch of ``workspaceByteCount`` bytes, aligned to 64. Neither `source` nor
  /// `target` needs any alignment. In a block, NaN counts as 0 and ±Inf as the largest finite
  /// magnitude among its neighbours; scalars keep both.
  package typealias Encode =
    @Sendable (
      _ source: UnsafePointer<Float>, _ target: UnsafeMutableRawPointer, _ blocks: Int,
      _ workspace: UnsafeMutableRawPointer
    ) -> Void

  /// Reads `blocks` blocks from `source`.
  package typealias Decode =
    @Sendable (
      _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, _ blocks: Int
    ) -> Void

  package let encodeReference: Encode
  package let encodeOptimal: Encode
  package let decode: Decode

  package init(
    encodeReference: @escaping Encode, encodeOptimal: @escaping Encode, decode: @escaping Decode
  ) {
    self.encodeReference = encodeReference
    self.encodeOptimal = encodeOptimal
    self.decode = decode
  }

  /// The kernel for a rounding.
  package func encode(_ rounding: Rounding) -> Encode {
    switch rounding {
    case .optimal: encodeOptimal
    case .reference: encodeReference
    }
  }

  /// Scratch that an encode kernel needs: a group of sixteen blocks of 32, plain and transposed,
  /// and its encoded bytes.
  package static let workspaceByteCount = 8192
}

/// Sums over pairs (x, y) of a reference element and its candidate, in double precision.
///
/// Pairs of which either element is not finite are counted and left out of the sums.
package struct LossSums: Sendable, Hashable {
  /// Σ(x−y)²
  package var squaredError = 0.0
  /// Σx²
  package var squaredReference = 0.0
  /// Σy²
  package var squaredCandidate = 0.0
  /// Σ|x−y|
  package var absoluteError = 0.0
  /// Σ(y−x)
  package var error = 0.0
  /// max |x−y|
  package var maxAbsoluteError = 0.0
  /// Reference elements that are NaN or infinite.
  package var nonFiniteReference = 0
  /// Finite reference elements whose candidate is NaN or infinite.
  package var nonFiniteCandidate = 0

  package init() {}
}
