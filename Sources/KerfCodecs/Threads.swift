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

  /// Calls `body` once on each of `workers` threads, of which the caller's is one; it takes pieces
  /// of `0..<pieces` from `next` until there are none.
  package static func forEachWorker(
    _ workers: Int, pieces: Int, _ body: @Sendable (_ next: () -> Int?) -> Void
  ) {
    precondition(workers > 0, "\(workers) threads")
    let taken = Atomic(0)
    run(workers) { _ in
      body {
        let piece = taken.wrappingAdd(1, ordering: .relaxed).oldValue
        return piece < pieces ? piece : nil
      }
    }
  }

  /// Calls `work` with each number in `0..<workers`, each on a thread of its own but the first,
  /// which is the caller's.
  private static func run(_ workers: Int, _ work: @Sendable (Int) -> Void) {
    withoutActuallyEscaping(work) { work in
      var handles: [pthread_t] = []
      for worker in 1..<max(workers, 1) {
        // The box is released by the thread that runs it.
        let box = Unmanaged.passRetained(Job { work(worker) })
        #if os(Linux)
          var handle = pthread_t()
        #else
          var handle: pthread_t?
        #endif
        let status = pthread_create(
          &handle, nil,
          { argument in
            // Darwin declares the argument as present, Linux as optional.
            let argument: UnsafeMutableRawPointer? = argument
            Unmanaged<Job>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
          }, box.toOpaque())
        #if os(Linux)
          let started: pthread_t? = handle
        #else
          let started = handle
        #endif
        if status == 0, let started {
          handles.append(started)
        } else {
          // The threads that did start share the work.
          box.release()
          break
        }
      }
      work(0)
      for handle in handles { pthread_join(handle, nil) }
    }
  }
}

private final class Job: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
