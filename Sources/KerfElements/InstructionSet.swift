/// A set of vector instructions that the kernels are compiled for.
public enum InstructionSet: String, Sendable, Hashable, CaseIterable, Codable {
  /// What every CPU of the architecture has: SSE2 on x86-64.
  case baseline
  /// x86-64-v3: AVX2, FMA, F16C.
  case avx2
  /// The same with AVX-VNNI, as on CPUs that have dot products of bytes but not AVX-512.
  case avxvnni
  /// x86-64-v4 with VNNI and VBMI.
  case avx512
  /// Arm's Advanced SIMD, which every 64-bit Arm CPU has.
  case neon
}
