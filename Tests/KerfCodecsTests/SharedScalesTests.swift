import KerfCodecs
import KerfElements
import Testing

@Suite struct SharedScalesTests {
  @Test("rows of a band share the largest scale of each column of groups", arguments: [1, 3, 10])
  func bands(step: Int) {
    let scales: [Float] = [1, 8, 3, 4, 5, 2, 7, 6, 9, 0.5]
    func shared(_ groupsPerRow: Int, _ rowsPerScale: Int) -> SharedScales {
      var shared = SharedScales(
        rows: scales.count / groupsPerRow, groupsPerRow: groupsPerRow, rowsPerScale: rowsPerScale)
      // In parts, in any order.
      for first in stride(from: 0, to: scales.count, by: step).reversed() {
        let part = Array(scales[first..<min(first + step, scales.count)])
        part.withUnsafeBufferPointer { shared.take($0, from: first) }
      }
      return shared
    }
    func spread(_ shared: SharedScales) -> [Float] {
      var result = [Float](repeating: -1, count: scales.count)
      for first in stride(from: 0, to: scales.count, by: step) {
        result.withUnsafeMutableBufferPointer {
          shared.copy(
            from: first, count: min(step, scales.count - first), to: $0.baseAddress! + first)
        }
      }
      return result
    }
    #expect(shared(2, 2).values == [3, 8, 7, 6, 9, 0.5])
    #expect(spread(shared(2, 2)) == [3, 8, 3, 8, 7, 6, 7, 6, 9, 0.5])
    #expect(spread(shared(1, 10)) == [Float](repeating: 9, count: 10))
    #expect(spread(shared(5, 1)) == scales)
    // A group that has its scale to itself may have a negative one.
    let negative = scales.map(-)
    #expect(spread(SharedScales(negative)) == negative)
    #expect(SharedScales(rows: 0, groupsPerRow: 3, rowsPerScale: 128).values.isEmpty)
  }

  @Test("the largest scale of a tensor becomes the largest there is")
  func divisor() throws {
    guard case .group(let format)? = Format(name: "e2m1_g16_e4m3"),
      case .group(let other)? = Format(name: "e2m1_g32")
    else {
      Issue.record("no such formats")
      return
    }
    #expect(format.scaleDivisor(largest: 6) == 448)
    #expect(format.scaleDivisor(largest: 0) == 1 && format.scaleDivisor(largest: .infinity) == 1)
    #expect(format.scaleDivisor(largest: .leastNonzeroMagnitude).isFinite)
    #expect(other.scaleDivisor(largest: 6) == 1)
  }

  /// FP8 as runtimes load it: a scale for 128 × 128 elements, or for all of them.
  @Test("two passes give a tile one scale, and lose little", arguments: [128, 200], [128, 256])
  func tiles(height: Int, width: Int) throws {
    let table = try KernelTable.current()
    let format = try #require(Format(name: "e4m3_g\(width)"))
    let (rows, columns) = (200, 256)
    let elements = (0..<rows * columns).map { Float($0 * 7919 % 2003 - 1001) / 1000 }
    let transcoder = try Transcoder(from: .f32, to: format, rounding: .reference, table: table)
    let scratch = Transcoder.Scratch(for: transcoder)
    var bytes = [UInt8](repeating: 0, count: elements.count / width * format.bytesPerBlock)
    func scales() -> [Float] {
      bytes.withUnsafeBytes { bytes in
        stride(from: 0, to: bytes.count, by: format.bytesPerBlock).map {
          bytes.loadUnaligned(fromByteOffset: $0, as: Float.self)
        }
      }
    }
    transcoder.run(elements, &bytes, count: elements.count, scratch: scratch)
    var shared = SharedScales(rows: rows, groupsPerRow: columns / width, rowsPerScale: height)
    scales().withUnsafeBufferPointer { shared.take($0, from: 0) }
    let scaled = try #require(ScaledTranscoder(transcoder, shared, .nearest, table: table))
    var (squares, count) = (0.0, 0)
    // From a row within a tile on, as pieces of a tensor begin anywhere.
    for part in [0..<50 * columns, 50 * columns..<rows * columns] {
      elements.withUnsafeBufferPointer { elements in
        bytes.withUnsafeMutableBytes { bytes in
          scaled.run(
            elements.baseAddress! + part.lowerBound,
            bytes.baseAddress! + part.lowerBound / width * format.bytesPerBlock,
            count: part.count, from: part.lowerBound, scratch: scratch, weights: nil
          ) { lost, _, length in
            squares += lost.squaredError
            count += length
          }
        }
      }
    }
    #expect(Set(scales()) == Set(shared.values))
    #expect(scales().max() == 1 / 448 * elements.reduce(0) { max($0, $1.magnitude) })
    var restored = [Float](repeating: 0, count: elements.count)
    try #require(table.codec(format)).decode(bytes, &restored, elements.count / width)
    var expected = 0.0
    for (x, y) in zip(elements, restored) {
      expected += Double((x - y) * (x - y))
      #expect((x - y).magnitude <= max(x.magnitude / 16, 1e-4))
    }
    #expect(count == elements.count && abs(squares - expected) <= 1e-6 * expected)
  }

  /// The public code does not look at weights again when it has rounded their scales.
  @Test("codes are chosen again, or kept")
  func codes() throws {
    let table = try KernelTable.current()
    let format = try #require(Format(name: "nf4_g64"))
    let elements = (0..<6400).map { Float($0 * 7919 % 2003 - 1001) / 1000 }
    let transcoder = try Transcoder(from: .f32, to: format, rounding: .reference, table: table)
    let scratch = Transcoder.Scratch(for: transcoder)
    func bytes(_ body: (UnsafeMutableRawPointer) -> Void) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 100 * format.bytesPerBlock)
      bytes.withUnsafeMutableBytes { body($0.baseAddress!) }
      return bytes
    }
    let plain = bytes { transcoder.run(elements, $0, count: 6400, scratch: scratch) }
    let given = SharedScales((0..<100).map { 0.5 + Float($0) / 100 })
    var errors: [Double] = []
    for codes in [ScaledTranscoder.Codes.kept, .nearest] {
      let scaled = try #require(ScaledTranscoder(transcoder, given, codes, table: table))
      var error = 0.0
      let found = bytes {
        scaled.run(elements, $0, count: 6400, from: 0, scratch: scratch, weights: nil) {
          lost, _, _ in
          error += lost.squaredError
        }
      }
      errors.append(error)
      for (block, scale) in given.values.enumerated() {
        let start = block * format.bytesPerBlock
        let stored = found.withUnsafeBytes {
          $0.loadUnaligned(fromByteOffset: start, as: Float.self)
        }
        #expect(stored == scale)
        let codesOf = { (bytes: [UInt8]) in bytes[start + 4..<start + format.bytesPerBlock] }
        if codes == .kept { #expect(codesOf(found) == codesOf(plain)) }
      }
    }
    #expect(errors[1] < errors[0])
    let other = try Transcoder(from: .f32, to: .q8_0, rounding: .reference, table: table)
    #expect(ScaledTranscoder(other, given, .nearest, table: table) == nil)
  }
}
