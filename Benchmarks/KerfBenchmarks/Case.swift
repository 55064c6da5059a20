// What is measured: one table of kernels × formats × roundings × working sets.

import Kerf

/// One piece of work that engines compete in.
struct Case: Sendable {
  enum Kernel: String { case encode, decode, convert, loss }

  enum WorkingSet: String, CaseIterable {
    /// The larger side is 256 KiB, which second-level caches hold beside the other.
    case l2
    /// The source is 256 MiB or a little more, beyond any last-level cache.
    case dram
  }

  let kernel: Kernel
  let source: Format
  let target: Format
  let rounding: Rounding
  let workingSet: WorkingSet

  /// Blocks whose reference code is bound by memory: measured in both working sets.
  static let simpleBlocks: [Format] = [.q8_0, .q5_1, .q5_0, .q4_1, .q4_0]
  /// Blocks that take a search at least: what is beyond the caches does not slow them.
  static let searchedBlocks = Format.encodable.filter {
    $0.kind == .block && !simpleBlocks.contains($0)
  }
  static let scalars: [Format] = [.f32, .f16, .bf16]

  static let all: [Case] = WorkingSet.allCases.flatMap { set in
    // Peers encode from f32 only. Their searches take so long that cache-sized work has to do.
    let written = simpleBlocks + (set == .l2 ? searchedBlocks : [])
    let encode = written.flatMap { format in
      Rounding.allCases.flatMap { rounding in
        [Format.f16, .f32]
          .filter { $0 == .f16 || set == .l2 || rounding == .reference }
          .map { Case(.encode, from: $0, to: format, rounding, set) }
      }
    }
    let read = set == .l2 ? Format.decodable.filter { $0.kind == .block } : simpleBlocks
    let decode = read.flatMap { format in
      [Format.f16, .f32].map { Case(.decode, from: format, to: $0, .reference, set) }
    }
    let convert = scalars.flatMap { source in
      scalars.filter { $0 != source }.map { Case(.convert, from: source, to: $0, .reference, set) }
    }
    return encode + decode + convert + [Case(.loss, from: .f32, to: .f32, .reference, set)]
  }

  init(
    _ kernel: Kernel, from source: Format, to target: Format, _ rounding: Rounding,
    _ workingSet: WorkingSet
  ) {
    self.kernel = kernel
    self.source = source
    self.target = target
    self.rounding = rounding
    self.workingSet = workingSet
  }

  /// Elements of one pass.
  var elements: Int {
    switch workingSet {
    case .l2:
      let bits = max(source.bitsPerWeight, target.bitsPerWeight)
      // Whole tiles of the engine, so that no pass ends on a small one.
      return Int(Double(256 << 10) * 8 / bits) / 4096 * 4096
    case .dram:
      let needed = Int(Double(256 << 20) * 8 / source.bitsPerWeight)
      return (needed + Sample.count - 1) / Sample.count * Sample.count
    }
  }

  /// Bytes that a pass reads. A loss has two inputs.
  var inputByteCount: Int { byteCount(source) * (kernel == .loss ? 2 : 1) }

  /// Bytes that a pass writes.
  var outputByteCount: Int { kernel == .loss ? 0 : byteCount(target) }

  func byteCount(_ format: Format) -> Int {
    elements / format.elementsPerBlock * format.bytesPerBlock
  }

  /// The case for people and for the harness's filters: `encode f16 q8_0 optimal l2`.
  var name: String {
    let words = [kernel.rawValue, source.name, target.name]
    return (words + (kernel == .encode ? [rounding.rawValue] : []) + [workingSet.rawValue])
      .joined(separator: " ")
  }

  /// What the reader of the export has to know besides.
  func tags(contestants: [String]) -> [String: String] {
    [
      "kernel": kernel.rawValue, "source": source.name, "target": target.name,
      "working_set": workingSet.rawValue,
      "format": kernel == .decode ? source.name : target.name,
      "rounding": kernel == .encode ? rounding.rawValue : "-",
      "elements": "\(elements)", "input": "\(inputByteCount)", "output": "\(outputByteCount)",
      "contestants": contestants.joined(separator: "+"),
    ]
  }
}
