/// Elements of a row in groups that share a scale, as runtimes of the model hub load them.
///
/// In memory a group is a block: its scale, its offset, then its codes as a little-endian stream of
/// bits, so that groups are encoded, decoded and measured like any block. How runtimes arrange scales,
/// offsets and codes in tensors of their own is a layout's matter.
///
///     scale | nothing, a zero point of one byte, or a bias like the scale | codes
///
/// A group as long as a row is what runtimes call a channel.
///
/// Names say codes, length, offset and scale: `int4_g64`, `int4_g64_zp`, `int4_g64_bias_bf16`,
/// `nf4_g64`, `e2m1_g32_e8m0`. A scale that is usual for the codes goes without saying.
public struct GroupFormat: Sendable, Hashable {
  /// What codes stand for, before any scale.
  public enum Codes: Sendable, Hashable {
    /// Consecutive integers from 0 on, of 2 to 8 bits. Without an offset the middle one stands for 0.
    case integers(bits: Int)
    /// Sixteen quantiles of a normal distribution (QLoRA, Dettmers et al. 2023).
    case nf4
    /// The sixteen numbers that bitsandbytes calls FP4.
    case fp4
    /// Floats of four bits, as OCP's microscaling formats have them: 0, ½, 1, 1½, 2, 3, 4, 6.
    case e2m1
    /// Floats of eight bits up to 448, without infinities.
    case e4m3
  }

  /// What is taken off a code, or added to its product with the scale.
  public enum Offset: Sendable, Hashable {
    /// Nothing: y = q · s, and integers are counted from the middle.
    case none
    /// An integer: y = (q − z) · s.
    case zeroPoint
    /// A number like the scale: y = q · s + b.
    case bias
  }

  /// How scales are stored.
  public enum Scale: String, Sendable, Hashable, CaseIterable {
    case f32, f16, bf16
    /// Powers of two.
    case e8m0
    /// Floats of eight bits.
    case e4m3
  }

  /// What codes stand for.
  public let codes: Codes
  /// What is taken off or added.
  public let offset: Offset
  /// How scales are stored.
  public let scale: Scale
  /// Consecutive elements of a row that share a scale.
  public let length: Int

  /// A format of these properties, or `nil` where codes of a group do not end on a byte, or codes and
  /// offset do not go together.
  ///
  /// - Parameters:
  ///   - codes: What codes stand for.
  ///   - length: Elements of a group: at least 1, at most 2²⁴.
  ///   - offset: Integers only may have one.
  ///   - scale: How scales are stored; as is usual for the codes where it is not given.
  public init?(_ codes: Codes, length: Int, offset: Offset = .none, scale: Scale? = nil) {
    guard (1...1 << 24).contains(length), (length * codes.bits).isMultiple(of: 8) else {
      return nil
    }
    if case .integers(let bits) = codes {
      guard (2...8).contains(bits) else { return nil }
    } else if offset != .none {
      return nil
    }
    self.codes = codes
    self.length = length
    self.offset = offset
    self.scale = scale ?? codes.usualScale
  }

  /// Bytes of a group's codes.
  public var codeByteCount: Int { length * codes.bits / 8 }

  /// Bytes of a group: scale, offset and codes.
  public var byteCount: Int {
    switch offset {
    case .none: scale.byteCount + codeByteCount
    case .zeroPoint: scale.byteCount + 1 + codeByteCount
    case .bias: 2 * scale.byteCount + codeByteCount
    }
  }

  /// Whether there are kernels that read the format, and others that write it.
  ///
  /// Integers and quantiles go with scales that any number can be; groups with biases end on sixteen
  /// elements.
  var isComputed: Bool {
    switch codes {
    case .integers: scale.byteCount > 1 && (offset != .bias || length.isMultiple(of: 16))
    case .nf4, .fp4: scale.byteCount > 1
    case .e2m1, .e4m3: true
    }
  }

  /// Bits of storage per element; a zero point counts as many as a code, as runtimes pack it.
  public var bitsPerWeight: Double {
    let zeroPoint = offset == .zeroPoint ? codes.bits - 8 : 0
    return Double(8 * byteCount + zeroPoint) / Double(length)
  }
}

extension GroupFormat.Codes {
  /// Bits of a code.
  public var bits: Int {
    switch self {
    case .integers(let bits): bits
    case .nf4, .fp4, .e2m1: 4
    case .e4m3: 8
    }
  }

  /// The scale that a name does not mention.
  fileprivate var usualScale: GroupFormat.Scale {
    switch self {
    case .integers: .f16
    case .nf4, .fp4, .e4m3: .f32
    case .e2m1: .e8m0
    }
  }

  var name: String {
    switch self {
    case .integers(let bits): "int\(bits)"
    case .nf4: "nf4"
    case .fp4: "fp4"
    case .e2m1: "e2m1"
    case .e4m3: "e4m3"
    }
  }

  fileprivate init?(name: Substring) {
    switch name {
    case "nf4": self = .nf4
    case "fp4": self = .fp4
    case "e2m1": self = .e2m1
    case "e4m3": self = .e4m3
    default:
      guard name.hasPrefix("int"), name.utf8.count == 4, let bits = Int(name.dropFirst(3)) else {
        return nil
      }
      self = .integers(bits: bits)
    }
  }
}

extension GroupFormat.Scale {
  /// Bytes of a scale.
  public var byteCount: Int {
    switch self {
    case .f32: 4
    case .f16, .bf16: 2
    case .e8m0, .e4m3: 1
    }
  }
}

extension GroupFormat {
  /// Codes, length, and what is not usual: `int4_g64_zp_bf16`.
  public var name: String {
    var words = [codes.name, "g\(length)"]
    switch offset {
    case .none: break
    case .zeroPoint: words.append("zp")
    case .bias: words.append("bias")
    }
    if scale != codes.usualScale { words.append(scale.rawValue) }
    return words.joined(separator: "_")
  }

  /// The format of that name, in lower case; `nil` where there is none.
  init?(name: String) {
    var words = name.split(separator: "_", omittingEmptySubsequences: false)[...]
    guard let codes = words.popFirst().flatMap(Codes.init(name:)),
      let length = words.popFirst(), length.first == "g", length.utf8.count <= 9,
      let length = Int(length.dropFirst())
    else { return nil }
    let offset: Offset =
      switch words.first {
      case "zp": .zeroPoint
      case "bias": .bias
      default: .none
      }
    if offset != .none { words.removeFirst() }
    let scale = words.popFirst().map { Scale(rawValue: String($0)) }
    guard words.isEmpty, scale != .some(nil) else { return nil }
    self.init(codes, length: length, offset: offset, scale: scale ?? nil)
  }
}
