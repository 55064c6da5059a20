/// The kernels of one instruction set, as plain functions over memory.
///
/// Each kernel module fills one table; whoever computes takes the table from `KerfDispatch` once
/// and calls through it per row or tile, never per block. Kernels neither allocate nor throw nor
/// start threads, and write the same bytes under every instruction set.
package struct KernelTable: Sendable {
  package let instructionSet: InstructionSet

  /// Kernels by format; `nil` for a format that is only carried.
  package let codec: @Sendable (Format) -> CodecKernels?

  /// Kernels of groups in a tensor all of whose scales are to be divided by a number: y = number(q) ·
  /// (s / divisor), both operations rounded to f32, as loaders of such tensors compute. Scales other
  /// than e4m3 have no divisor.
  package let dividedCodec: @Sendable (_ format: GroupFormat, _ divisor: Float) -> CodecKernels?

  /// What the integer matrix product can do with a format; `nil` for one that it does not take.
  package let packed: @Sendable (Format) -> PackedKernels?

  /// Adds up what `candidate` lost against `reference`, both `count` elements long.
  package let loss:
    @Sendable (
      _ reference: UnsafePointer<Float>, _ candidate: UnsafePointer<Float>, _ count: Int
    ) -> LossSums

  /// What `count` elements are like.
  package let moments: @Sendable (_ elements: UnsafePointer<Float>, _ count: Int) -> Moments

  /// Adds to `counts` how many of `count` elements lie below the first of `bins`, in each of them,
  /// and above the last: two more places than there are bins. Elements that are not finite count
  /// nowhere. An element on the border of two bins belongs to the upper one.
  package let tally:
    @Sendable (
      _ elements: UnsafePointer<Float>, _ count: Int, _ bins: TallyBins,
      _ counts: UnsafeMutablePointer<Int>
    ) -> Void

  /// Writes Σ x·w of a row `x` of `count` floats and each of `rowCount` such rows of `rows`.
  package let dots:
    @Sendable (
      _ x: UnsafePointer<Float>, _ count: Int, _ rows: UnsafePointer<Float>, _ rowCount: Int,
      _ target: UnsafeMutablePointer<Float>
    ) -> Void

  /// Writes bytes past the caches, for targets too large for them.
  package let stream: Stream

  /// Writes the whole lines of `staged` past the caches, from `target` on, and moves the bytes that
  /// fill no line to the front of `staged`; how many those are is the result. Where `target` does
  /// not begin a line, neither do the first bytes.
  ///
  /// Other threads may not be told of the bytes before ``settle`` has been called.
  package typealias Stream =
    @Sendable (
      _ target: UnsafeMutableRawPointer, _ staged: UnsafeMutableRawPointer, _ count: Int
    ) -> Int

  /// Waits until bytes written past the caches are in order with all others.
  package let settle: @Sendable () -> Void

  /// What kernels are held against.
  package let yardsticks: YardstickKernels

  package init(
    instructionSet: InstructionSet,
    codec: @escaping @Sendable (Format) -> CodecKernels?,
    dividedCodec: @escaping @Sendable (GroupFormat, Float) -> CodecKernels? = { _, _ in nil },
    packed: @escaping @Sendable (Format) -> PackedKernels?,
    dots:
      @escaping @Sendable (
        UnsafePointer<Float>, Int, UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>
      ) -> Void,
    loss: @escaping @Sendable (UnsafePointer<Float>, UnsafePointer<Float>, Int) -> LossSums,
    moments: @escaping @Sendable (UnsafePointer<Float>, Int) -> Moments,
    tally:
      @escaping @Sendable (UnsafePointer<Float>, Int, TallyBins, UnsafeMutablePointer<Int>) -> Void,
    stream: @escaping Stream, settle: @escaping @Sendable () -> Void,
    yardsticks: YardstickKernels
  ) {
    self.stream = stream
    self.settle = settle
    self.yardsticks = yardsticks
    self.instructionSet = instructionSet
    self.codec = codec
    self.dividedCodec = dividedCodec
    self.packed = packed
    self.dots = dots
    self.loss = loss
    self.moments = moments
    self.tally = tally
  }
}

/// What one format can do with whole blocks of a row.
///
/// While a kernel works on 512 elements, a group of blocks, it asks for those that follow them in
/// memory. No kernel of a fixed geometry captures anything: calling a closure that does counts
/// references, which waits for all that was written past the caches before. Kernels of groups capture
/// their format, which is made of numbers.
package struct CodecKernels: Sendable {
  /// Writes `blocks` blocks to `target`, from elements of the type that the kernel reads.
  ///
  /// `workspace` is scratch of ``workspaceByteCount`` bytes, aligned to 64. Neither `source` nor
  /// `target` needs any alignment. In a block, NaN counts as 0 and ±Inf as the largest finite
  /// magnitude among its neighbours; scalars keep both.
  package typealias Encode =
    @Sendable (
      _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int,
      _ workspace: UnsafeMutableRawPointer
    ) -> Void

  /// Reads `blocks` blocks from `source`, and writes elements of the kernel's type. Neither pointer
  /// needs any alignment.
  package typealias Decode =
    @Sendable (
      _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int
    ) -> Void

  /// As ``Encode`` with optimal rounding, where squared errors count as `importance` says: a weight
  /// for every element, not negative and finite, as many as there are elements.
  package typealias EncodeWeighted =
    @Sendable (
      _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>,
      _ target: UnsafeMutableRawPointer, _ blocks: Int, _ workspace: UnsafeMutableRawPointer
    ) -> Void

  /// As ``Encode``, where scales have been decided: one for each block, which is stored as the format
  /// stores it. Codes are those nearest to the elements.
  package typealias EncodeGiven =
    @Sendable (
      _ source: UnsafeRawPointer, _ scales: UnsafePointer<Float>,
      _ target: UnsafeMutableRawPointer, _ blocks: Int, _ workspace: UnsafeMutableRawPointer
    ) -> Void

  private let encodeReference: Encode?
  private let encodeOptimal: Encode?
  private let encodeReferenceF16: Encode?
  private let encodeReferenceBF16: Encode?
  private let decodeToF16: Decode?
  private let decodeToBF16: Decode?
  /// The kernel that reads f32 and importance, and writes blocks of this format; `nil` for scalars,
  /// and for formats that can only be read.
  package let encodeWeighted: EncodeWeighted?
  /// The kernel that reads f32 and scales; `nil` for formats whose scales nobody else decides.
  package let encodeGiven: EncodeGiven?
  /// The kernel that writes f32.
  package let decode: Decode

  package init(
    encodeReference: Encode? = nil, encodeOptimal: Encode? = nil,
    encodeWeighted: EncodeWeighted? = nil, encodeGiven: EncodeGiven? = nil,
    decode: @escaping Decode,
    encodeReferenceF16: Encode? = nil, encodeReferenceBF16: Encode? = nil,
    decodeToF16: Decode? = nil, decodeToBF16: Decode? = nil
  ) {
    self.encodeReference = encodeReference
    self.encodeOptimal = encodeOptimal
    self.encodeWeighted = encodeWeighted
    self.encodeGiven = encodeGiven
    self.encodeReferenceF16 = encodeReferenceF16
    self.encodeReferenceBF16 = encodeReferenceBF16
    self.decodeToF16 = decodeToF16
    self.decodeToBF16 = decodeToBF16
    self.decode = decode
  }

  /// The kernel that reads f32 and writes blocks of this format; `nil` where it can only be read.
  package func encode(_ rounding: Rounding) -> Encode? {
    switch rounding {
    case .optimal: encodeOptimal
    case .reference: encodeReference
    }
  }

  /// A kernel that reads elements of `source` themselves, where there is one. Searches take so much
  /// longer than widening that they have one for f32 only.
  package func encode(_ rounding: Rounding, from source: Format) -> Encode? {
    switch (rounding, source) {
    case (_, .f32): encode(rounding)
    case (.reference, .f16): encodeReferenceF16
    case (.reference, .bf16): encodeReferenceBF16
    default: nil
    }
  }

  /// A kernel that reads blocks of this format and writes elements of `target`, where there is one:
  /// a scalar format other than this one.
  package func decode(to target: Format) -> Decode? {
    switch target {
    case .f32: decode
    case .f16: decodeToF16
    case .bf16: decodeToBF16
    default: nil
    }
  }

  /// Scratch that an encode kernel needs: sixteen blocks of up to 128 elements, plain and turned, their
  /// importance, and what is decided for them.
  package static let workspaceByteCount = 65536
}

/// Sums over pairs (x, y) of a reference element and its candidate, in double precision.
///
/// Pairs of which either element is not finite are counted and left out of the sums.
package struct LossSums: Sendable, Hashable {
  /// Σ(x−y)²
  package var squaredError = 0.0
  /// Σx²
  package var squaredReference = 0.0
  /// Σy²
  package var squaredCandidate = 0.0
  /// Σ|x−y|
  package var absoluteError = 0.0
  /// Σ(y−x)
  package var error = 0.0
  /// max |x−y|
  package var maxAbsoluteError = 0.0
  /// Reference elements that are NaN or infinite.
  package var nonFiniteReference = 0
  /// Finite reference elements whose candidate is NaN or infinite.
  package var nonFiniteCandidate = 0

  package init() {}
}
