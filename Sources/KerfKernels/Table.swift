// The formats of this module, a row each.

internal import CVectors
package import KerfElements

/// The kernels of the instruction set that this module was compiled for.
package let kernelTable = KernelTable(
  instructionSet: instructionSet,
  codec: { format in
    switch format {
    case .f32: Scalars.f32
    case .f16: Scalars.f16
    case .bf16: Scalars.bf16
    case .q8_0: Q8_0.kernels
    case .q4_0: Q4_0.kernels
    case .q4_1: Q4_1.kernels
    case .q5_0: Q5_0.kernels
    case .q5_1: Q5_1.kernels
    case .q5_K: Q5_K.kernels
    case .q4_K: Q4_K.kernels
    case .q2_K: Q2_K.kernels
    default: nil
    }
  },
  packed: { format in
    switch format {
    case .q8_0: Q8_0.packedKernels
    case .q4_0: Q4_0.packedKernels
    case .q4_1: Q4_1.packedKernels
    case .q5_0: Q5_0.packedKernels
    case .q5_1: Q5_1.packedKernels
    default: nil
    }
  },
  dots: { dots($0, $1, $2, $3, $4) },
  loss: { lossSums($0, $1, $2) },
  stream: { bytes_stream($0, $1, $2) },
  settle: { bytes_settle() },
  yardsticks: yardstickKernels)

#if KERF_AVX512
  private let instructionSet = InstructionSet.avx512
#elseif KERF_AVXVNNI
  private let instructionSet = InstructionSet.avxvnni
#elseif KERF_AVX2
  private let instructionSet = InstructionSet.avx2
#elseif arch(arm64)
  private let instructionSet = InstructionSet.neon
#else
  private let instructionSet = InstructionSet.baseline
#endif
