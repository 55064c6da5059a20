import KerfCodecs
import KerfElements
import Synchronization
import Testing

@Suite struct ImportanceTests {
  @Test("what weights must be")
  func weights() throws {
    #expect(try Importance([1, 0, 2]).columns == 3)
    #expect(try Importance([1, 2, 3, 4], matrices: 2).columns == 2)
    for bad in [-1, .nan, .infinity] as [Float] {
      #expect(throws: CodecError.self) { try Importance([1, bad]) }
    }
    #expect(throws: CodecError.self) { try Importance([1, 2, 3], matrices: 2) }
    #expect(throws: CodecError.self) { try Importance([1], matrices: 0) }
  }

  @Test("what shapes it is of")
  func shapes() throws {
    let one = try Importance([1, 2, 3, 4])
    #expect(one.fits([7, 4]) && one.fits([3, 7, 4]) && one.fits([4]) && !one.fits([4, 7]))
    let two = try Importance([1, 2, 3, 4], matrices: 2)
    #expect(two.fits([2, 7, 2]) && !two.fits([3, 7, 2]) && !two.fits([7, 2]))
    #expect(two.fits([1, 2, 9, 2]))
  }

  @Test("elements have the weight of their column in their matrix")
  func elements() throws {
    let (experts, rows, columns) = (3, 5, 7)
    let weights = (0..<experts * columns).map { Float($0 + 1) }
    let importance = try Importance(weights, matrices: experts)
    let all = (0..<experts * rows * columns).map { element in
      weights[element / (rows * columns) * columns + element % columns]
    }
    for first in 0..<all.count {
      for count in [1, 3, 8, 40] where first + count <= all.count {
        let found = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
          importance.copy(
            from: first, count: count, of: [experts, rows, columns], to: buffer.baseAddress!)
          initialized = count
        }
        #expect(found == Array(all[first..<first + count]), "\(first), \(count)")
      }
    }
  }

  /// Kernels of which q8_0 writes down what importance it was given: the weight of the first
  /// element of each block, as its bytes.
  static func table() throws -> KernelTable {
    let real = try KernelTable.current()
    return KernelTable(
      instructionSet: real.instructionSet,
      codec: { format in
        guard format == .q8_0, let codec = real.codec(format) else { return real.codec(format) }
        return CodecKernels(
          encodeReference: codec.encode(.reference), encodeOptimal: codec.encode(.optimal),
          encodeWeighted: { _, importance, target, blocks, _ in
            for block in 0..<blocks {
              let place = target + block * 34
              place.initializeMemory(as: UInt8.self, repeating: 0, count: 34)
              for i in 0..<8 {
                place.storeBytes(
                  of: importance[block * 32 + i * 4], toByteOffset: 2 + i * 4, as: Float.self)
              }
            }
          }, decode: codec.decode)
      },
      dividedCodec: real.dividedCodec, packed: real.packed, dots: real.dots, loss: real.loss,
      moments: real.moments,
      tally: real.tally, stream: real.stream,
      settle: real.settle, yardsticks: real.yardsticks)
  }

  @Test("kernels get the weights of their tile's columns", arguments: [0, 32, 4096, 4160])
  func tiles(first: Int) throws {
    // Tiles begin within rows, and cross from one expert to the next.
    let shape: Shape = [3, 50, 96]
    let importance = try Importance((0..<3 * 96).map(Float.init), matrices: 3)
    let transcoder = try Transcoder(
      from: .f32, to: .q8_0, rounding: .optimal, table: ImportanceTests.table())
    #expect(transcoder.takesImportance)
    let count = shape.count - first
    let source = [Float](repeating: 0.5, count: count)
    var target = [UInt8](repeating: 0, count: count / 32 * 34)
    target.withUnsafeMutableBytes { target in
      source.withUnsafeBytes { source in
        transcoder.run(
          source.baseAddress!, target.baseAddress!, count: count, scratch: Transcoder.Scratch(),
          weights: Transcoder.Weights(importance, shape: shape, from: first), measured: nil)
      }
    }
    for block in 0..<count / 32 {
      for i in 0..<8 {
        let element = first + block * 32 + i * 4
        let found = target.withUnsafeBytes {
          $0.loadUnaligned(fromByteOffset: block * 34 + 2 + i * 4, as: Float.self)
        }
        let expected = Float(element / (50 * 96) * 96 + element % 96)
        if found != expected { Issue.record("element \(element): \(found), not \(expected)") }
      }
    }
  }

  @Test("errors are counted by importance beside the plain ones")
  func loss() throws {
    let shape: Shape = [20, 320]
    let importance = try Importance((0..<320).map { Float($0 % 7) })
    let source = (0..<shape.count).map { Float($0 &* 7919 % 4093) * 0.001 - 2 }
    let transcoder = try Transcoder(from: .f32, to: .f16, rounding: .optimal)
    #expect(!transcoder.takesImportance)
    var target = [Float16](repeating: 0, count: shape.count)
    let sums = Mutex((plain: 0.0, error: 0.0, reference: 0.0))
    target.withUnsafeMutableBytes { target in
      source.withUnsafeBytes { source in
        transcoder.run(
          source.baseAddress!, target.baseAddress!, count: shape.count,
          scratch: Transcoder.Scratch(),
          weights: Transcoder.Weights(importance, shape: shape, from: 0)
        ) { loss, weighted, _ in
          sums.withLock {
            $0.plain += loss.squaredError
            $0.error += weighted?.squaredError ?? .nan
            $0.reference += weighted?.squaredReference ?? .nan
          }
        }
      }
    }
    var expected = (plain: 0.0, error: 0.0, reference: 0.0)
    for (i, x) in source.enumerated() {
      let weight = Double(i % 320 % 7)
      let error = Double(x) - Double(target[i])
      expected.plain += error * error
      expected.error += weight * error * error
      expected.reference += weight * Double(x) * Double(x)
    }
    sums.withLock {
      #expect(abs($0.plain / expected.plain - 1) < 1e-9)
      #expect(abs($0.error / expected.error - 1) < 1e-5)
      #expect(abs($0.reference / expected.reference - 1) < 1e-5)
    }
  }

  @Test("the library's call")
  func call() throws {
    let tensor = try Tensor(shape: [4, 64], [Float](repeating: 0.25, count: 256))
    let importance = try Importance([Float](repeating: 1, count: 64))
    _ = try tensor.quantized(as: .q8_0, importance: importance)
    #expect(throws: CodecError.importanceOfReference) {
      try tensor.quantized(as: .q8_0, rounding: .reference, importance: importance)
    }
    let other = try Importance([Float](repeating: 1, count: 32))
    #expect(throws: CodecError.self) { try tensor.quantized(as: .q8_0, importance: other) }
    // Scalars have no choice that importance could change.
    let half = try tensor.quantized(as: .f16, importance: importance)
    #expect(try half.dequantized().floats() == tensor.floats())
  }
}
