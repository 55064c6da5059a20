import Kerf
import KerfCheckpoints

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// An interrupt leaves no half file behind.
enum Signals {
  static func install() {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      _ = signal(number) { number in
        AtomicFile.removeAllPending()
        // The shell's way to say that a signal ended the process.
        _exit(128 + number)
      }
    }
    // A closed pipe, or a limit on file sizes, becomes an error of the call that met it.
    _ = signal(SIGPIPE, SIG_IGN)
    _ = signal(SIGXFSZ, SIG_IGN)
  }
}
