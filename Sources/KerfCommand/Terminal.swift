import ArgumentParser
import Kerf
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What goes where: results to standard output, everything else to standard error.
enum Terminal {
  /// Ends the command: one line says why.
  static func failure(_ reason: some CustomStringConvertible, status: Int32 = 1) -> ExitCode {
    note(reason.description)
    return ExitCode(status)
  }

  /// A line for the person at the terminal.
  static func note(_ line: String) { write("kerf: \(line)\n", to: STDERR_FILENO) }

  /// A result.
  /// - Throws: An exit code where standard output takes no more.
  static func output(_ text: String) throws {
    guard write(text + "\n", to: STDOUT_FILENO) else {
      throw failure("could not write to standard output")
    }
  }

  /// What `KERF_LOG` says, or `notice`.
  static var logLevel: Logger.Level {
    getenv("KERF_LOG").flatMap { Logger.Level(rawValue: String(cString: $0)) } ?? .notice
  }

  static var showsProgress: Bool { isatty(STDERR_FILENO) == 1 }

  /// Replaces the line at the cursor; an empty one clears it.
  static func progress(_ line: String) { write("\r\u{1B}[K" + line, to: STDERR_FILENO) }

  @discardableResult
  private static func write(_ text: String, to descriptor: Int32) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)[...]
      while !rest.isEmpty {
        let buffer = UnsafeRawBufferPointer(rebasing: rest)
        #if canImport(Darwin)
          let count = Darwin.write(descriptor, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
          let count = Musl.write(descriptor, buffer.baseAddress, buffer.count)
        #else
          let count = Glibc.write(descriptor, buffer.baseAddress, buffer.count)
        #endif
        if count < 0 {
          guard errno == EINTR else { return false }
          continue
        }
        rest = rest.dropFirst(count)
      }
      return true
    }
  }
}
