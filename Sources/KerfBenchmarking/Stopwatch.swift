internal import KerfElements

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Times work on a number of threads.
package struct Stopwatch: Sendable {
  let threads: Int

  /// Seconds that `body` takes. One thread is timed by its processor, so that what else runs on the
  /// machine counts little; of several, the slowest counts, so it is the clock on the wall.
  func seconds<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) -> Double {
    let processor = Stopwatch.processorSeconds
    let start = ContinuousClock.now
    try body()
    let wall = (ContinuousClock.now - start).inSeconds
    guard threads == 1 else { return wall }
    return min(wall, Stopwatch.processorSeconds - processor)
  }

  /// Seconds that a processor has worked for this thread.
  package static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
