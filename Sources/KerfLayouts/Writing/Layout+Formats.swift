// Which formats each layout holds, and which one it means by so many bits.

public import KerfElements

extension Layout {
  /// How scales are stored that go with weights of type `weights`.
  public func scale(for weights: Format) -> GroupFormat.Scale {
    switch self {
    case .compressedTensors, .mlx, .onnx: GroupFormat.Scale(weights) ?? .f32
    case .bitsandbytes: .f32
    case .awq, .gptq: .f16
    }
  }

  /// What the layout takes off integer codes, or adds to them, where nothing else is asked for.
  public var usualOffset: GroupFormat.Offset {
    switch self {
    case .mlx: .bias
    case .awq: .zeroPoint
    case .compressedTensors, .bitsandbytes, .gptq, .onnx: .none
    }
  }

  /// Elements of a group, where nothing else is asked for.
  public var usualLength: Int {
    switch self {
    case .compressedTensors, .awq, .gptq: 128
    case .bitsandbytes, .mlx: 64
    case .onnx: 32
    }
  }

  /// Which elements share a scale.
  public enum Grouping: Sendable, Hashable {
    /// So many of a row, one after another.
    case elements(Int)
    /// All of a row.
    case channel
    /// So many of a row, in so many rows.
    case tiles(rows: Int, columns: Int)
    /// All of a matrix.
    case tensor

    /// What groups have in common with those of other rows.
    public var sharing: Sharing {
      switch self {
      case .elements, .channel: .none
      case .tiles(let rows, _): .tiles(rows: rows)
      case .tensor: .tensor
      }
    }
  }

  /// Which groups of different rows have a scale in common.
  public enum Sharing: Sendable, Hashable {
    /// None.
    case none
    /// Those below one another, in so many rows.
    case tiles(rows: Int)
    /// All of a matrix.
    case tensor

    /// Rows that share scales, in a matrix of so many.
    package func rowsPerScale(of rows: Int) -> Int {
      switch self {
      case .none: 1
      case .tiles(let height): height
      case .tensor: max(rows, 1)
      }
    }
  }

  /// The format that the layout means by these codes, for a matrix with rows of `columns` elements.
  ///
  /// - Parameters:
  ///   - grouping: What shares a scale; as is usual where it is not given.
  ///   - offset: What is taken off codes; as is usual where it is not given.
  ///   - weights: The type of the model's weights, which scales may have.
  /// - Returns: `nil` where there is no such format. One that the layout does not hold is refused
  ///   when the model is planned.
  public func format(
    _ codes: GroupFormat.Codes, grouping: Grouping? = nil, offset: GroupFormat.Offset? = nil,
    weights: Format, columns: Int
  ) -> GroupFormat? {
    var length = usualLength
    switch (grouping, codes) {
    case (.elements(let elements)?, _), (.tiles(_, let elements)?, _): length = elements
    case (.channel?, _), (.tensor?, _): length = columns
    // What other codes have come in lengths of their own.
    case (nil, .e2m1): length = 32
    case (nil, .e4m3): length = self == .mlx ? 32 : columns
    case (nil, .nf4), (nil, .fp4): length = 64
    case (nil, .integers(bits: 8)) where self == .bitsandbytes || self == .compressedTensors:
      length = columns
    case (nil, .integers): break
    }
    let scale: GroupFormat.Scale
    switch codes {
    case .integers: scale = self.scale(for: weights)
    case .nf4, .fp4: scale = .f32
    case .e2m1: scale = length == 16 ? .e4m3 : .e8m0
    case .e4m3: scale = self == .mlx ? .e8m0 : self.scale(for: weights)
    }
    var isInteger = false
    if case .integers = codes { isInteger = true }
    return GroupFormat(
      codes, length: length, offset: offset ?? (isInteger ? usualOffset : .none), scale: scale)
  }

  /// How the groups of a matrix lie in the layout.
  ///
  /// - Parameter version: What GPTQ stores of zero points.
  /// - Throws: ``LayoutError``, `.cannotHold`.
  func arrangement(
    of tensor: ModelPlan.Tensor, _ options: ModelPlan.Options, version: GPTQ.Version
  ) throws(LayoutError) -> Arrangement {
    let shape = tensor.shape
    func refusal(_ expected: String) -> LayoutError {
      .cannotHold(self, tensor: tensor.name, tensor.format, expected: expected)
    }
    guard case .group(let group) = tensor.format else { throw refusal(formats) }
    if tensor.sharing != .none, self != .compressedTensors || group.codes != .e4m3 {
      throw refusal("scales that rows have to themselves, but for e4m3 in compressed-tensors")
    }
    guard shape.count > 0, shape.columns.isMultiple(of: group.length) else {
      throw refusal("groups that fill rows of \(shape.columns)")
    }
    guard self == .mlx || shape.dimensions.count == 2 else {
      throw refusal("a matrix, not \(shape)")
    }
    let arrangement: Arrangement? =
      switch self {
      case .compressedTensors:
        CompressedTensors.arrangement(
          group, shape, tensor.sharing, activations: options.quantizesActivations)
      case .mlx: MLX.mode(group) == nil ? nil : MLX.arrangement(group, shape)
      case .bitsandbytes:
        BitsAndBytes.arrangement(
          group, shape, weights: tensor.sourceFormat, nestsScales: options.nestsScales)
      case .awq: AWQ.holds(group) ? AWQ.arrangement(group, shape) : nil
      case .gptq: GPTQ.holds(group) ? GPTQ.arrangement(group, shape, bias: version.bias) : nil
      case .onnx: MatMulNBits.holds(group) ? MatMulNBits.arrangement(group, shape) : nil
      }
    guard let arrangement else { throw refusal(formats) }
    switch self {
    case .awq where !shape.rows.isMultiple(of: 32), .gptq where !shape.rows.isMultiple(of: 32):
      throw refusal("rows in thirty-twos, not \(shape.rows)")
    default: return arrangement
    }
  }

  /// What the layout holds, for people.
  private var formats: String {
    switch self {
    case .compressedTensors:
      "int4 or int8 with or without zero points, e4m3 with a scale a row, tile or tensor, e2m1_g32, "
        + "e2m1_g16_e4m3"
    case .mlx: "int2 to int6 or int8 with a bias in groups of 32, 64 or 128, or its e2m1 and e4m3"
    case .bitsandbytes: "nf4 or fp4 with scales of f32, or int8 with one a row"
    case .awq: "int4 with scales of f16"
    case .gptq: "int2, int3, int4 or int8 with scales of f16"
    case .onnx: "int2, int4 or int8 in groups of 16, 32, 64, 128 or 256"
    }
  }
}

extension CompressedTensors {
  static func arrangement(
    _ format: GroupFormat, _ shape: Shape, _ sharing: Layout.Sharing, activations: Bool
  ) -> Arrangement? {
    switch (format.codes, format.offset, format.scale) {
    case (.integers(let bits), .none, .f32), (.integers(let bits), .none, .f16),
      (.integers(let bits), .none, .bf16), (.integers(let bits), .zeroPoint, .f32),
      (.integers(let bits), .zeroPoint, .f16), (.integers(let bits), .zeroPoint, .bf16):
      if bits == 8, activations { return plain(format, shape) }
      guard bits == 4 || bits == 8, (shape.columns * bits).isMultiple(of: 32) else { return nil }
      return packed(format, shape)
    case (.e4m3, .none, .f32), (.e4m3, .none, .f16), (.e4m3, .none, .bf16):
      switch sharing {
      case .tiles(let rows):
        // Readers tell tiles from channels by the number of scales.
        return rows > 1 ? sharedFloat(format, shape, sharing) : nil
      case .tensor: return sharedFloat(format, shape, sharing)
      case .none where format.length == shape.columns:
        return float(format, shape, scales: [shape.rows, 1], rowsPerScale: 1)
      case .none: return nil
      }
    case (.e2m1, .none, .e8m0) where format.length == 32: return mxfp4(format, shape)
    case (.e2m1, .none, .e4m3) where format.length == 16: return nvfp4(format, shape, divisor: nil)
    default: return nil
    }
  }
}

extension BitsAndBytes {
  static func arrangement(
    _ format: GroupFormat, _ shape: Shape, weights: Format, nestsScales: Bool
  ) -> Arrangement? {
    guard format.scale == .f32, format.offset == .none else { return nil }
    if format.codes == .integers(bits: 8) {
      return format.length == shape.columns ? int8(format, shape) : nil
    }
    guard [32, 64, 128, 256, 512, 1024, 2048, 4096].contains(format.length) else { return nil }
    return nestsScales
      ? nestedFourBit(format, shape, type: weights)
      : fourBit(format, shape, state: state(format, shape, type: weights))
  }
}

extension AWQ {
  static func holds(_ format: GroupFormat) -> Bool {
    format.codes == .integers(bits: 4) && format.offset != .bias && format.scale == .f16
      && format.length.isMultiple(of: 8)
  }
}

extension GPTQ {
  static func holds(_ format: GroupFormat) -> Bool {
    guard case .integers(let bits) = format.codes, [2, 3, 4, 8].contains(bits) else { return false }
    return format.offset != .bias && format.scale == .f16
      && (format.length * bits).isMultiple(of: 32)
  }
}
