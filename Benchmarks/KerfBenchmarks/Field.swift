// The memory that contestants work on: the same for all of them.

import Foundation
import Kerf

/// Weights as models have them: Gaussian, a million of them, made anew the same way each time.
enum Sample {
  static let count = 1 << 20

  static let floats: [Float] = {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    func uniform() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) * 0x1p-24 - 0.5
    }
    // Twelve uniform numbers add up to a variance of one; the deviation is a usual one of weights.
    return (0..<count).map { _ in (0..<12).reduce(Float(0)) { sum, _ in sum + uniform() } * 0.02 }
  }()

  /// The sample in a format.
  static func bytes(in format: Format) throws -> Data {
    guard format.isEncodable else { return unwritable(format) }
    return try transcoded(floats.withUnsafeBytes { Data($0) }, from: .f32, to: format)
  }

  /// Bytes of a format that can only be read: any will do, with a scale that is a number. Half words
  /// of 0x2424 and E8M0 or E4M3 bytes of 0x24 are small ones.
  private static func unwritable(_ format: Format) -> Data {
    Data(repeating: 0x24, count: count / format.elementsPerBlock * format.bytesPerBlock)
  }

  /// The sample as q8_0 leaves it, in f32.
  static func restored() throws -> Data {
    try transcoded(bytes(in: .q8_0), from: .q8_0, to: .f32)
  }

  private static func transcoded(
    _ input: Data, from source: Format, to target: Format
  ) throws -> Data {
    let transcoder = try Transcoder(from: source, to: target, rounding: .reference)
    var output = Data(count: count / target.elementsPerBlock * target.bytesPerBlock)
    let scratch = Transcoder.Scratch()
    input.withUnsafeBytes { from in
      output.withUnsafeMutableBytes { to in
        transcoder.run(from.baseAddress!, to.baseAddress!, count: count, scratch: scratch)
      }
    }
    return output
  }
}

/// The source and the target of a case, all pages of which have been touched.
final class Field: @unchecked Sendable {
  let item: Case
  let source: UnsafeMutableRawPointer
  let target: UnsafeMutableRawPointer
  let scratch = Transcoder.Scratch()

  init(_ item: Case) throws {
    self.item = item
    source = .allocate(byteCount: item.inputByteCount, alignment: 4096)
    // The copy of the input goes to the same place as the output.
    let targetByteCount = max(item.inputByteCount, item.outputByteCount)
    target = .allocate(byteCount: targetByteCount, alignment: 4096)
    memset(target, 1, targetByteCount)

    let half = item.byteCount(item.source)
    Field.fill(source, half, with: try Sample.bytes(in: item.source))
    if item.kernel == .loss { Field.fill(source + half, half, with: try Sample.restored()) }
  }

  deinit {
    source.deallocate()
    target.deallocate()
  }

  private static func fill(_ start: UnsafeMutableRawPointer, _ byteCount: Int, with data: Data) {
    data.withUnsafeBytes { sample in
      for offset in stride(from: 0, to: byteCount, by: sample.count) {
        memcpy(start + offset, sample.baseAddress!, min(sample.count, byteCount - offset))
      }
    }
  }
}
