// Part of a tensor that stands for all of it.
//
//     |  ▓       |       ▓  | ▓        |      ▓   |      a stratum each, a run in each
//
// A run is a tile: whole blocks of every format, a few kilobytes to read, or a group that is longer.
// Every stratum has as many runs as the others, or one more, and one of them is chosen by chance, so
// that no part of the tensor is left out.

internal import KerfCodecs

/// Which part of every tensor is looked at, where not all of it is.
public struct Sample: Sendable, Hashable {
  /// How much of every tensor.
  public enum Extent: Sendable, Hashable {
    /// A share of its elements: more than 0, at most 1.
    case share(Double)
    /// That many elements, at least 1.
    case elements(Int)
  }

  /// How much of every tensor is wanted. It is rounded up to whole runs of about 4096 elements, or
  /// of one group where that is longer, 32 of them at least; a tensor that has no more is looked at
  /// as a whole.
  public var extent: Extent
  /// What the choice starts from: the same seed chooses the same elements of a tensor, whatever
  /// else the file has.
  public var seed: UInt64

  /// A sample of that extent.
  public init(_ extent: Extent, seed: UInt64 = 0) {
    self.extent = extent
    self.seed = seed
  }

  /// From fewer it would be too uncertain how much they vary.
  private static let fewest = 32

  /// The runs that are looked at of a tensor; `nil` where that is all of it.
  ///
  /// - Parameter length: Elements of a run.
  package func runs(
    of name: String, elements: Int, length: Int = Transcoder.tile
  ) -> Runs? {
    let available = elements / length + (elements % length > 0 ? 1 : 0)
    let wanted =
      switch extent {
      case .share(let share): Int((Double(available) * min(max(share, 0), 1)).rounded(.up))
      case .elements(let count): count / length + (count % length > 0 ? 1 : 0)
      }
    let count = max(wanted, Sample.fewest)
    guard count < available else { return nil }
    return Runs(
      count: count, length: length, available: available, elements: elements, key: key(name))
  }

  /// Runs of one tensor.
  package struct Runs: Sendable {
    /// How many there are.
    package let count: Int
    /// Elements of each, but for the last of a tensor.
    fileprivate let length: Int
    fileprivate let available: Int
    fileprivate let elements: Int
    fileprivate let key: UInt64

    /// The elements of the run of that number.
    package subscript(number: Int) -> Range<Int> {
      let (size, longer) = available.quotientAndRemainder(dividingBy: count)
      let stratum = number * size + min(number, longer)
      let width = UInt64(number < longer ? size + 1 : size)
      let chosen = mixed(key &+ UInt64(number)).multipliedFullWidth(by: width).high
      let start = (stratum + Int(chosen)) * length
      return start..<min(start + length, elements)
    }
  }

  private func key(_ name: String) -> UInt64 {
    // FNV-1a.
    let hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    return mixed(hash ^ mixed(seed))
  }
}

/// A permutation of 64 bits, each of which depends on all others (SplitMix64).
private func mixed(_ value: UInt64) -> UInt64 {
  var z = value &+ 0x9e37_79b9_7f4a_7c15
  z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
  z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
  return z ^ (z >> 31)
}

extension Sample.Extent {
  /// How much `5%`, `0.05` or `1M` is; `nil` where the text says no such thing. A number without a
  /// sign is a share up to 1, and elements above.
  public init?(_ text: String) {
    func number(_ text: some StringProtocol, times unit: Double) -> Double? {
      guard text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 46 }) else { return nil }
      return Double(text).map { $0 * unit }
    }
    let units: [Character: Double] = ["k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9]
    if text.last == "%" {
      guard let share = number(text.dropLast(), times: 0.01), share > 0, share <= 1 else {
        return nil
      }
      self = .share(share)
    } else if let unit = text.last.flatMap({ units[$0] }) {
      guard let count = number(text.dropLast(), times: unit), count >= 1, count < 1e15 else {
        return nil
      }
      self = .elements(Int(count))
    } else {
      guard let value = number(text, times: 1), value > 0, value < 1e15 else { return nil }
      self = value <= 1 ? .share(value) : .elements(Int(value))
    }
  }
}
