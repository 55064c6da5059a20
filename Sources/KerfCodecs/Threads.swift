// Work side by side: a fixed number of threads take numbered pieces until none is left.
//
// What a piece computes depends on its number alone, never on the thread that took it.

internal import KerfDispatch
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

package enum Threads {
  /// `KERF_THREADS` where it is a positive number, else the processors this process may run on.
  package static let defaultCount: Int = {
    if let text = getenv("KERF_THREADS"), let count = Int(String(cString: text)), count > 0 {
      return min(count, 1024)
    }
    return Dispatch.processorCount
  }()

  /// Calls `body` once for each piece in `0..<pieces`, on at most `threads` threads, of which the
  /// caller's is one; returns when all calls have.
  package static func forEach(
    _ pieces: Int, threads: Int, _ body: @Sendable (_ piece: Int) -> Void
  ) {
    forEachWorker(min(threads, max(pieces, 1)), pieces: pieces) { next in
      while let piece = next() { body(piece) }
    }
  }

  /// Calls `body` once on each of at most `workers` threads, of which the caller's is one; it takes
  /// pieces of `0..<pieces` from `next` until there are none. A thread that would come when all
  /// others have finished is not waited for.
  package static func forEachWorker(
    _ workers: Int, pieces: Int, _ body: @Sendable (_ next: () -> Int?) -> Void
  ) {
    precondition(workers > 0, "\(workers) threads")
    let taken = Atomic(0)
    WorkerPool.shared.run(workers) {
      body {
        let piece = taken.wrappingAdd(1, ordering: .relaxed).oldValue
        return piece < pieces ? piece : nil
      }
    }
  }
}
