// Which kernels run: decided once per process.

internal import CProcessor
public import KerfElements
internal import KerfKernels

#if arch(x86_64)
  internal import KerfKernelsAVX2
  internal import KerfKernelsAVX512
#endif

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

package enum Dispatch {
  /// Processors that this process may run on.
  package static var processorCount: Int { Int(kerf_processor_count()) }

  /// The tables that this CPU can run, slowest first.
  package static let available: [KernelTable] = {
    var tables = [KerfKernels.kernelTable]
    #if arch(x86_64)
      if kerf_processor_has_avx2() { tables.append(KerfKernelsAVX2.kernelTable) }
      if kerf_processor_has_avx512() { tables.append(KerfKernelsAVX512.kernelTable) }
    #endif
    return tables
  }()

  /// The table that this process uses: the one that `KERF_ISA` names, else the fastest.
  package static let chosen: Result<KernelTable, DispatchError> = {
    guard let name = getenv("KERF_ISA").map({ String(cString: $0) }), !name.isEmpty else {
      return .success(available[available.count - 1])
    }
    guard let table = available.first(where: { $0.instructionSet.rawValue == name.lowercased() })
    else {
      return .failure(
        .unavailable(wanted: name, available: available.map(\.instructionSet)))
    }
    return .success(table)
  }()
}

/// `KERF_ISA` asks for what this CPU or this build does not have.
public enum DispatchError: Error, Sendable, Hashable, CustomStringConvertible {
  case unavailable(wanted: String, available: [InstructionSet])

  /// One line, for people.
  public var description: String {
    switch self {
    case .unavailable(let wanted, let available):
      "KERF_ISA=\(wanted): this CPU has \(available.map(\.rawValue).joined(separator: ", "))"
    }
  }
}
