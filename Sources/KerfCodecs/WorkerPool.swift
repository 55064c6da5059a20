// Threads that wait for work, so that a call need not start any.
//
// A caller posts a job with some seats and works at it itself. Threads of the pool take seats while
// the job is posted; when the caller has finished, seats that are still free are withdrawn, and it
// waits for those who sit. So a job never depends on a thread that does not come, jobs within jobs
// cannot block each other, and callers need not know of each other. The pool grows to as many
// threads as were ever wanted at once.
//
// Who has just finished a job looks out for the next one for some ten microseconds before it
// sleeps: the layers of a model follow each other faster than a sleeping thread is woken.

internal import CProcessor
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

final class WorkerPool: @unchecked Sendable {
  /// Work with seats for helpers. All but `seated` is guarded by the pool's mutex.
  private final class Job: @unchecked Sendable {
    var work: (@Sendable () -> Void)?
    var freeSeats: Int
    var callerSleeps = false
    /// Helpers at work.
    let seated = Atomic(0)

    init(_ work: @escaping @Sendable () -> Void, seats: Int) {
      self.work = work
      freeSeats = seats
    }

    /// The closure must be released again before the caller may return: so, a function of its own.
    @inline(never)
    func perform() { work?() }
  }

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let posted: UnsafeMutablePointer<pthread_cond_t>
  private let finished: UnsafeMutablePointer<pthread_cond_t>
  /// Counts jobs, for those who look out.
  private let jobCount = Atomic(0)

  // Guarded by the mutex.
  private var open: [Job] = []
  private var sleeping = 0
  /// Threads that sit at no job.
  private var free = 0
  private var threads = 0

  private static let largestThreadCount = 1024
  /// Looks before a thread sleeps; a pause between them takes some 20 to 60 nanoseconds.
  private static let patience = 1000

  private init() {
    mutex = .allocate(capacity: 1)
    posted = .allocate(capacity: 1)
    finished = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(posted, nil)
    pthread_cond_init(finished, nil)
  }

  /// Calls `work` on this thread and on up to `workers` − 1 others; returns when all calls have.
  func run(_ workers: Int, _ work: @Sendable () -> Void) {
    guard workers > 1 else { return work() }
    withoutActuallyEscaping(work) { work in
      let job = Job(work, seats: workers - 1)
      post(job)
      work()
      waitForHelpers(of: job)
      job.work = nil
    }
  }

  private func post(_ job: Job) {
    pthread_mutex_lock(mutex)
    open.append(job)
    let wanted = open.reduce(0) { $0 + $1.freeSeats }
    while free < wanted, threads < WorkerPool.largestThreadCount, startThread() {}
    jobCount.add(1, ordering: .releasing)
    for _ in 0..<min(sleeping, job.freeSeats) { pthread_cond_signal(posted) }
    pthread_mutex_unlock(mutex)
  }

  private func waitForHelpers(of job: Job) {
    pthread_mutex_lock(mutex)
    withdraw(job)
    pthread_mutex_unlock(mutex)
    for _ in 0..<WorkerPool.patience {
      if job.seated.load(ordering: .acquiring) == 0 { return }
      kerf_processor_pause()
    }
    pthread_mutex_lock(mutex)
    job.callerSleeps = true
    while job.seated.load(ordering: .acquiring) > 0 { pthread_cond_wait(finished, mutex) }
    pthread_mutex_unlock(mutex)
  }

  private func withdraw(_ job: Job) {
    if let index = open.firstIndex(where: { $0 === job }) { open.remove(at: index) }
  }

  /// With the mutex held.
  private func startThread() -> Bool {
    // Released by the thread, which never ends.
    let pool = Unmanaged.passRetained(self)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { pthread_attr_destroy(&attributes) }
    #if os(Linux)
      var handle = pthread_t()
    #else
      var handle: pthread_t?
    #endif
    let status = pthread_create(
      &handle, &attributes,
      { argument in
        // Darwin declares the argument as present, Linux as optional.
        let argument: UnsafeMutableRawPointer? = argument
        Unmanaged<WorkerPool>.fromOpaque(argument!).takeUnretainedValue().help()
      }, pool.toOpaque())
    guard status == 0 else {
      // The threads that there are share the work.
      pool.release()
      return false
    }
    threads += 1
    free += 1
    return true
  }

  /// What a thread of the pool does.
  private func help() -> Never {
    while true {
      let job = takeSeat()
      job.perform()
      pthread_mutex_lock(mutex)
      free += 1
      // Nothing of the job may be touched beyond this: its caller returns.
      let isLast = job.seated.subtract(1, ordering: .releasing).newValue == 0
      if isLast && job.callerSleeps { pthread_cond_broadcast(finished) }
      let isIdle = open.isEmpty
      let seen = jobCount.load(ordering: .relaxed)
      pthread_mutex_unlock(mutex)
      if isIdle { lookOut(from: seen) }
    }
  }

  /// Waits a little for jobs beyond the first `seen`.
  private func lookOut(from seen: Int) {
    for _ in 0..<WorkerPool.patience {
      if jobCount.load(ordering: .relaxed) != seen { return }
      kerf_processor_pause()
    }
  }

  /// Sleeps until there is a free seat.
  private func takeSeat() -> Job {
    pthread_mutex_lock(mutex)
    while open.isEmpty {
      sleeping += 1
      pthread_cond_wait(posted, mutex)
      sleeping -= 1
    }
    let job = open[0]
    job.freeSeats -= 1
    if job.freeSeats == 0 { open.removeFirst() }
    job.seated.add(1, ordering: .relaxed)
    free -= 1
    pthread_mutex_unlock(mutex)
    return job
  }
}

extension WorkerPool {
  /// The process's pool, as the bits of a reference that is never released; 0 before there is one.
  private static let current = Atomic<UInt>(0)

  /// After a fork the child has no threads but one, and perhaps a locked mutex: it starts anew.
  private static let forgetsAtFork: Void = {
    _ = pthread_atfork(nil, nil) { WorkerPool.current.store(0, ordering: .relaxed) }
  }()

  /// The pool of this process.
  static var shared: WorkerPool {
    _ = forgetsAtFork
    var bits = current.load(ordering: .acquiring)
    if bits == 0 {
      let made = Unmanaged.passRetained(WorkerPool())
      let (exchanged, original) = current.compareExchange(
        expected: 0, desired: UInt(bitPattern: made.toOpaque()), ordering: .acquiringAndReleasing)
      if !exchanged { made.release() }
      bits = exchanged ? UInt(bitPattern: made.toOpaque()) : original
    }
    return Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: bits)!).takeUnretainedValue()
  }
}
