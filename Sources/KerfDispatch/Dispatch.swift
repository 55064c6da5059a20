// Which kernels run: decided once per process.

internal import CProcessor
public import KerfElements
internal import KerfKernels

#if arch(x86_64)
  internal import KerfKernelsAVX2
  internal import KerfKernelsAVX512
  internal import KerfKernelsAVXVNNI
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
      if kerf_processor_has_avx_vnni() { tables.append(KerfKernelsAVXVNNI.kernelTable) }
      if kerf_processor_has_avx512() { tables.append(KerfKernelsAVX512.kernelTable) }
    #endif
    return tables
  }()

  /// The table that this process uses: the one that `KERF_ISA` names, else the fastest.
  package static let chosen: Result<KernelTable, DispatchError> = {
    guard let name = getenv("KERF_ISA").map({ String(cString: $0) }), !name.isEmpty else {
      return .success(available[available.count - 1])
    }
    return Result { () throws(DispatchError) in try table(named: name) }
  }()

  /// The table of the instruction set of that name, whatever its case.
  package static func table(named name: String) throws(DispatchError) -> KernelTable {
    guard let table = available.first(where: { $0.instructionSet.rawValue == name.lowercased() })
    else {
      throw .unavailable(wanted: name, available: available.map(\.instructionSet))
    }
    return table
  }
}

/// Kernels that this CPU or this build does not have, as `KERF_ISA` may ask for.
public enum DispatchError: Error, Sendable, Hashable, CustomStringConvertible {
  case unavailable(wanted: String, available: [InstructionSet])

  /// One line, for people.
  public var description: String {
    switch self {
    case .unavailable(let wanted, let available):
      "no \(wanted) kernels: this CPU has \(available.map(\.rawValue).joined(separator: ", "))"
    }
  }
}
