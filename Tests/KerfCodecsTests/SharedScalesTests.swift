import KerfCodecs
import KerfElements
import Testing

@Suite struct SharedScalesTests {
  @Test("rows of a band share the largest scale of each column of groups")
  func bands() {
    let scales: [Float] = [1, 8, 3, 4, 5, 2, 7, 6, 9, 0.5]
    #expect(
      sharedScales(scales, groupsPerRow: 2, rowsPerScale: 2) == [3, 8, 3, 8, 7, 6, 7, 6, 9, 0.5])
    #expect(
      sharedScales(scales, groupsPerRow: 1, rowsPerScale: 10)
        == [Float](repeating: 9, count: 10))
    #expect(sharedScales(scales, groupsPerRow: 5, rowsPerScale: 1) == scales)
    #expect(sharedScales([], groupsPerRow: 3, rowsPerScale: 128).isEmpty)
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

  /// FP8 as runtimes load it: a scale for 128 × 128 elements, the same in 128 rows.
  @Test("two passes give a square one scale, and lose little")
  func squares() throws {
    let table = try KernelTable.current()
    let format = try #require(Format(name: "e4m3_g128"))
    let kernels = try #require(table.codec(format))
    let encode = try #require(kernels.encode(.reference))
    let encodeGiven = try #require(kernels.encodeGiven)
    let (rows, columns) = (200, 256)
    let row = (0..<rows * columns).map { Float($0 * 7919 % 2003 - 1001) / 1000 }
    let groups = row.count / 128
    let workspace = AlignedBuffer(byteCount: CodecKernels.workspaceByteCount)
    var bytes = [UInt8](repeating: 0, count: groups * format.bytesPerBlock)
    func scales() -> [Float] {
      bytes.withUnsafeBytes { bytes in
        (0..<groups).map { bytes.loadUnaligned(fromByteOffset: $0 * 132, as: Float.self) }
      }
    }
    encode(row, &bytes, groups, workspace.baseAddress)
    let shared = sharedScales(scales(), groupsPerRow: 2, rowsPerScale: 128)
    encodeGiven(row, shared, &bytes, groups, workspace.baseAddress)
    #expect(scales() == shared && Set(shared).count <= 4)
    var restored = [Float](repeating: 0, count: row.count)
    kernels.decode(bytes, &restored, groups)
    for (x, y) in zip(row, restored) {
      #expect((x - y).magnitude <= max(x.magnitude / 16, 1e-4))
    }
  }
}
