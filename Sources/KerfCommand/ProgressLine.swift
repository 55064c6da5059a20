import Foundation
import Kerf
import KerfElements

/// A line on standard error that says how far the work is, while `body` does it.
///
/// - Parameter last: What is done when all bytes are.
func withProgressLine<Result, Failure: Error>(
  last: String = "writing to disk", _ body: (ConversionProgress) throws(Failure) -> Result
) throws(Failure) -> Result {
  let progress = ConversionProgress()
  guard Terminal.showsProgress else { return try body(progress) }
  let line = ProgressLine(progress, last: last)
  line.start()
  defer { line.finish() }
  return try body(progress)
}

private final class ProgressLine: Sendable {
  private let progress: ConversionProgress
  private let last: String
  private let stopped = DispatchSemaphore(value: 0)
  private let gone = DispatchSemaphore(value: 0)

  init(_ progress: ConversionProgress, last: String) {
    self.progress = progress
    self.last = last
  }

  func start() {
    Thread { [self] in
      let start = ContinuousClock.now
      // Short work shows nothing.
      while stopped.wait(timeout: .now() + .milliseconds(250)) == .timedOut {
        Terminal.progress(text(after: (ContinuousClock.now - start).inSeconds))
      }
      Terminal.progress("")
      gone.signal()
    }.start()
  }

  func finish() {
    stopped.signal()
    gone.wait()
  }

  private func text(after seconds: Double) -> String {
    let done = progress.completedByteCount
    let total = progress.totalByteCount
    guard done > 0, total > 0, seconds > 0 else { return "" }
    if done >= total { return "100%  \(last)" }
    let rate = Double(done) / seconds
    let left = Double(total - done) / rate
    return "\(done * 100 / total)%  \(Numbers.bytes(Int(rate)))/s  "
      + "\(Numbers.duration(seconds: left)) left"
  }
}
