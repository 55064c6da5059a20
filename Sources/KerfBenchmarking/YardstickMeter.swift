// What the machine can do at best, measured between the rows that are held against it.

internal import CProcessor
internal import KerfCodecs
internal import KerfElements

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Keeps the best that a number of threads reached.
struct YardstickMeter {
  private let threads: Int
  private let stopwatch: Stopwatch
  private let kernels: YardstickKernels
  private var dots = Double.infinity
  private var multiplyAdds = Double.infinity
  private var read = Double.infinity
  private var copy = Double.infinity

  private static let steps = 2_000_000
  private static let pieceByteCount = 1 << 20

  init(threads: Int, _ kernels: YardstickKernels) {
    self.threads = threads
    self.kernels = kernels
    stopwatch = Stopwatch(threads: threads)
  }

  /// Takes a turn of each: a tenth of a second or two.
  mutating func measure(_ memory: borrowing YardstickMemory) {
    let threads = threads
    let kernels = kernels
    for _ in 0..<3 {
      dots = min(
        dots,
        stopwatch.seconds {
          Threads.forEach(threads, threads: threads) { _ in
            consume(kernels.dots(YardstickMeter.steps))
          }
        })
      multiplyAdds = min(
        multiplyAdds,
        stopwatch.seconds {
          Threads.forEach(threads, threads: threads) { _ in
            consume(Int32(kernels.multiplyAdds(YardstickMeter.steps)))
          }
        })
    }
    measureRead(memory)
    let source = memory.source
    let target = memory.target
    let piece = YardstickMeter.pieceByteCount
    let pieces = memory.byteCount / piece
    // Half of it is copied to the other half.
    copy = min(
      copy,
      stopwatch.seconds {
        Threads.forEach(pieces / 2, threads: threads) { index in
          memcpy(
            target.pointer + (pieces / 2 + index) * piece, source.pointer + index * piece, piece)
        }
      })
  }

  /// Takes a turn of reading alone.
  mutating func measureRead(_ memory: borrowing YardstickMemory) {
    let kernels = kernels
    let source = memory.source
    let piece = YardstickMeter.pieceByteCount
    let pieces = memory.byteCount / piece
    read = min(
      read,
      stopwatch.seconds {
        Threads.forEach(pieces, threads: threads) { index in
          consume(kernels.read(source.pointer + index * piece, piece))
        }
      })
  }

  /// Bytes that were read in a second.
  func readBytesPerSecond(_ memory: borrowing YardstickMemory) -> Double {
    let piece = YardstickMeter.pieceByteCount
    return Double(memory.byteCount / piece * piece) / read
  }

  func result(_ memory: borrowing YardstickMemory) -> MachineFacts.Yardsticks {
    let steps = Double(threads * YardstickMeter.steps)
    let pieces = memory.byteCount / YardstickMeter.pieceByteCount
    return .init(
      threads: threads,
      dotOperationsPerSecond: steps * Double(kernels.dotOperations) / dots,
      floatOperationsPerSecond: steps * Double(kernels.multiplyAddOperations) / multiplyAdds,
      readBytesPerSecond: readBytesPerSecond(memory),
      copyBytesPerSecond: Double(pieces / 2 * YardstickMeter.pieceByteCount) / copy)
  }
}

/// What is read and copied: far more than the caches hold, in large pages where there are any, all
/// of it written before, for memory that was never written is not there.
struct YardstickMemory: ~Copyable {
  let byteCount: Int
  private let memory: UnsafeMutableRawPointer
  private static let largePage = 2 << 20

  init(atLeast wanted: Int) {
    let page = YardstickMemory.largePage
    byteCount = (wanted + 2 * page - 1) / (2 * page) * (2 * page)
    memory = .allocate(byteCount: byteCount, alignment: page)
    kerf_memory_advise_large_pages(memory, byteCount)
    memset(memory, 1, byteCount)
  }

  deinit { memory.deallocate() }

  var source: Address { Address(UnsafeRawPointer(memory)) }
  var target: MutableAddress { MutableAddress(memory) }
}

/// Takes a result that nobody wants.
@inline(never)
private func consume(_ value: Int32) {
  withExtendedLifetime(value) {}
}
