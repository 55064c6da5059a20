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
    case .q6_K: Q6_K.kernels
    case .iq4_nl: IQ4_NL.kernels
    case .iq4_xs: IQ4_XS.kernels
    case .q3_K: Q3_K.kernels
    case .mxfp4: MXFP4.kernels
    case .nvfp4: NVFP4.kernels
    case .tq2_0: TQ2_0.kernels
    case .tq1_0: TQ1_0.kernels
    case .iq3_s: IQ3_S.kernels
    case .iq3_xxs: IQ3_XXS.kernels
    case .iq2_s: IQ2_S.kernels
    case .iq2_xs: IQ2_XS.kernels
    case .iq2_xxs: IQ2_XXS.kernels
    case .iq1_m: IQ1_M.kernels
    case .iq1_s: IQ1_S.kernels
    case .f8_e4m3: Scalars.f8_e4m3
    case .f8_e5m2: Scalars.f8_e5m2
    case .group(let group): groupKernels(group)
    default: nil
    }
  },
  dividedCodec: { groupKernels($0, divisor: $1) },
  packed: { format in
    switch format {
    case .q8_0: Q8_0.packedKernels
    case .q4_0: Q4_0.packedKernels
    case .q4_1: Q4_1.packedKernels
    case .q5_0: Q5_0.packedKernels
    case .q5_1: Q5_1.packedKernels
    case .group(let group): PackedGroup(group)?.kernels
    default: nil
    }
  },
  dots: { dots($0, $1, $2, $3, $4) },
  loss: { lossSums($0, $1, $2) },
  moments: { moments($0, $1) },
  tally: { tally($0, $1, $2, $3) },
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
