// The process's OpenBLAS: which of its kernels run, and on how many threads.

#if OpenBLAS

  internal import COpenBLAS
  internal import Synchronization

  /// What Kerf found in the OpenBLAS that it is linked to.
  public enum OpenBLASLibrary {
    /// The kernels that the library runs, as it names them: `SkylakeX`.
    public static var kernels: String {
      _ = isPrepared
      return String(cString: openblas_get_corename())
    }

    /// The kernels that the library had chosen itself, where Kerf chose better ones.
    ///
    /// Versions older than a CPU take it for one with AVX2 alone. Kerf then has the library choose
    /// again, before its own first call; what the user says with `OPENBLAS_CORETYPE` stays. A host
    /// that calls OpenBLAS on other threads at that very moment must set the variable itself.
    public static var replacedKernels: String? { isPrepared }

    private static let isPrepared: String? = {
      let own = String(cString: openblas_get_corename())
      return kerf_openblas_choose_best_kernels() ? own : nil
    }()

    /// Calls that run now, and the threads that the library had before the first of them.
    private static let calls = Mutex((count: 0, threads: Int32(1)))

    /// Calls `body` while every call of the library stays on the thread that makes it, and tells it
    /// how many threads may make them. The setting is the process's: calls of the host meanwhile run
    /// on one thread as well.
    static func withOneThread(ours: Int, _ body: (_ threads: Int) -> Void) {
      _ = isPrepared
      // OpenMP builds keep the setting per thread: there the library's own threads do the work.
      if openblas_get_parallel() == OPENBLAS_OPENMP { return body(1) }
      calls.withLock { calls in
        if calls.count == 0 {
          calls.threads = openblas_get_num_threads()
          openblas_set_num_threads(1)
        }
        calls.count += 1
      }
      defer {
        calls.withLock { calls in
          calls.count -= 1
          if calls.count == 0 { openblas_set_num_threads(calls.threads) }
        }
      }
      body(ours)
    }
  }

#endif
