package import KerfElements

/// How fast this machine reads what its caches do not hold.
package enum ReadBandwidth {
  /// Bytes of the last-level cache, or what is assumed where the system does not say.
  package static var cacheByteCount: Int { MatmulBenchmark.cacheByteCount }

  /// Bytes read in a second by so many threads, the best of a few turns; some tenths of a second.
  package static func measured(threads: Int, _ kernels: YardstickKernels) -> Double {
    let wanted = MatmulBenchmark().readByteCount
    let memory = YardstickMemory(atLeast: min(wanted, MatmulBenchmark.memoryByteCount / 8))
    var meter = YardstickMeter(threads: threads, kernels)
    for _ in 0..<3 { meter.measureRead(memory) }
    return meter.readBytesPerSecond(memory)
  }
}
