// The process's OpenBLAS: which of its kernels run, and on how many threads.

#if OpenBLAS

  internal import COpenBLAS
  internal import Logging
  internal import Synchronization

  /// What Kerf found in the system's OpenBLAS, which is loaded when it is first asked for.
  public enum OpenBLASLibrary {
    /// The kernels that the library runs, as it names them: `SkylakeX`. `nil` where there is none.
    public static var kernels: String? { shared.map { $0.name } }

    /// The kernels that the library had chosen itself, where Kerf chose better ones.
    ///
    /// Versions older than a CPU take it for one with AVX2 alone. Kerf then has the library choose
    /// again, before its own first call; what the user says with `OPENBLAS_CORETYPE` stays. A host
    /// that calls OpenBLAS on other threads at that very moment must set the variable itself.
    public static var replacedKernels: String? { shared?.replacedKernels }

    /// The library, ready to be called.
    static let shared: LoadedOpenBLAS? = {
      var functions = kerf_openblas()
      guard kerf_openblas_load(&functions) else { return nil }
      let own = LoadedOpenBLAS.name(functions)
      let isReplaced = kerf_openblas_choose_best_kernels(&functions)
      let library = LoadedOpenBLAS(
        functions: functions, replacedKernels: isReplaced ? own : nil)
      report(library)
      return library
    }()

    /// Changing what a library had chosen is news; that it knew this CPU is not.
    private static func report(_ library: LoadedOpenBLAS) {
      let logger = Logger(label: "kerf.openblas")
      if let replaced = library.replacedKernels {
        logger.notice(
          "OpenBLAS does not know this CPU: faster kernels chosen; OPENBLAS_CORETYPE overrides",
          metadata: ["kernels": "\(library.name)", "replaced": "\(replaced)"])
      } else {
        logger.debug("OpenBLAS loaded", metadata: ["kernels": "\(library.name)"])
      }
    }
  }

  struct LoadedOpenBLAS: @unchecked Sendable {
    let functions: kerf_openblas
    let replacedKernels: String?

    /// The kernels that the library runs.
    var name: String { LoadedOpenBLAS.name(functions) }

    static func name(_ functions: kerf_openblas) -> String {
      functions.corename().map { String(cString: $0) } ?? ""
    }

    /// Calls that run now, and the threads that the library had before the first of them.
    private static let calls = Mutex((count: 0, threads: Int32(1)))

    /// Calls `body` while every call of the library stays on the thread that makes it, and tells it
    /// how many threads may make them. The setting is the process's: calls of the host meanwhile run
    /// on one thread as well.
    func withOneThread(ours: Int, _ body: (_ threads: Int) -> Void) {
      // OpenMP builds keep the setting per thread: there the library's own threads do the work.
      if functions.parallel() == KERF_OPENBLAS_OPENMP { return body(1) }
      LoadedOpenBLAS.calls.withLock { calls in
        if calls.count == 0 {
          calls.threads = functions.thread_count()
          functions.set_thread_count(1)
        }
        calls.count += 1
      }
      defer {
        LoadedOpenBLAS.calls.withLock { calls in
          calls.count -= 1
          if calls.count == 0 { functions.set_thread_count(calls.threads) }
        }
      }
      body(ours)
    }

    /// c = a · bᵀ, or c + a · bᵀ: a of m rows and k columns, b of n rows and k columns, row after
    /// row, `strideA`, `strideB` and `strideC` elements from one to the next.
    func multiply(
      m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, strideA: Int,
      _ b: UnsafePointer<Float>, strideB: Int, _ c: UnsafeMutablePointer<Float>, strideC: Int,
      adding: Bool
    ) {
      functions.sgemm(
        KERF_CBLAS_ROW_MAJOR, KERF_CBLAS_NO_TRANS, KERF_CBLAS_TRANS, Int32(m), Int32(n), Int32(k),
        1, a, Int32(strideA), b,
        Int32(strideB), adding ? 1 : 0, c, Int32(strideC))
    }

    /// y = a · x: a of n rows and k columns, row after row.
    func multiply(
      n: Int, k: Int, _ a: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
      _ y: UnsafeMutablePointer<Float>
    ) {
      functions.sgemv(
        KERF_CBLAS_ROW_MAJOR, KERF_CBLAS_NO_TRANS, Int32(n), Int32(k), 1, a, Int32(k), x, 1, 0, y, 1
      )
    }
  }

#endif
