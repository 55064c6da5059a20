// One stretch of elements that two files have in common, and how threads take it.

internal import KerfCheckpoints
internal import KerfCodecs
internal import KerfConversion
internal import KerfElements
internal import KerfMetrics
internal import KerfPlanning

/// Elements of both files that are compared one by one: a tensor, or one expert of a stack.
struct ComparedPart: Sendable {
  /// The row of the report that it belongs to.
  let row: Int
  let reference: ElementReader
  let candidate: ElementReader
  let count: Int
  /// How elements become comparable.
  let way: Way
  /// What is added to each side's elements.
  let shift: (reference: Float, candidate: Float)
  /// Elements of a row, where products are measured.
  let columns: Int?
  /// Elements that are taken at a time.
  let pieceLength: Int

  enum Way: Sendable {
    /// As numbers.
    case numbers
    /// As bytes, of a format that is the same and cannot be decoded.
    case bytes
  }

  /// What one piece gave.
  struct Outcome: Sendable {
    var loss = LossAccumulator()
    var products: ProductSums?
    var isEqual = true
  }

  /// Elements that are decoded at a time.
  var tileLength: Int {
    Format.length(about: Transcoder.tile, of: [reference.format, candidate.format])
  }

  /// Elements that ``Pieces`` is to count for it: pieces may have another length there.
  var countedElements: Int { (count + pieceLength - 1) / pieceLength * Pieces.length }

  /// Bytes of both files.
  var byteCount: Int { reference.byteCount(count) + candidate.byteCount(count) }

  /// Bytes of both files that belong to the piece of that number.
  func byteCount(ofPiece number: Int) -> Int {
    let length = min(pieceLength, count - number * pieceLength)
    return reference.byteCount(length) + candidate.byteCount(length)
  }

  /// Memory of one worker.
  struct Buffers: ~Copyable {
    let reference: AlignedBuffer
    let candidate: AlignedBuffer
    let scratch: AlignedBuffer
    private let tiles: AlignedBuffer
    private let tileLength: Int

    /// Room for pieces and tiles of so many elements, of eight bytes at most.
    init(elements: Int, tile: Int) {
      tileLength = tile
      tiles = AlignedBuffer(byteCount: 3 * tile * 4)
      reference = AlignedBuffer(byteCount: elements * 8)
      candidate = AlignedBuffer(byteCount: elements * 8)
      scratch = AlignedBuffer(byteCount: elements * 12)
    }

    func tile(_ number: Int) -> UnsafeMutablePointer<Float> {
      tiles.pointer(to: Float.self) + number * tileLength
    }
  }

  /// Compares the piece of that number.
  func compare(
    _ number: Int, _ buffers: borrowing Buffers, _ activations: Activations?, _ table: KernelTable
  ) throws(AnalysisError) -> Outcome {
    let start = number * pieceLength
    let length = min(pieceLength, count - start)
    let (x, y) = (buffers.reference.baseAddress, buffers.candidate.baseAddress)
    let scratch = buffers.scratch.baseAddress
    let bytes = try reference.read(start, length, into: x, scratch: scratch, table)
    let others = try candidate.read(start, length, into: y, scratch: scratch, table)
    var outcome = Outcome()
    switch way {
    case .bytes:
      let (a, b) = (
        UnsafeRawBufferPointer(start: x, count: bytes),
        UnsafeRawBufferPointer(start: y, count: others)
      )
      outcome.isEqual = bytes == others && a.elementsEqual(b)
    case .numbers:
      measure(x, y, start, length, buffers, activations, table, &outcome)
    }
    return outcome
  }

  private func measure(
    _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ start: Int, _ length: Int,
    _ buffers: borrowing Buffers, _ activations: Activations?, _ table: KernelTable,
    _ outcome: inout Outcome
  ) {
    let (from, to) = (reference.format, candidate.format)
    guard let decodeX = table.codec(from)?.decode, let decodeY = table.codec(to)?.decode else {
      preconditionFailure("\(from) or \(to) cannot be decoded")
    }
    let (a, b, d) = (buffers.tile(0), buffers.tile(1), buffers.tile(2))
    var products: ProductSums?
    if activations != nil, let columns {
      products = ProductSums(beginsRow: start % columns == 0)
    }
    var done = 0
    while done < length {
      let tile = min(tileLength, length - done)
      decodeX(
        x + done / from.elementsPerBlock * from.bytesPerBlock, a, tile / from.elementsPerBlock)
      decodeY(y + done / to.elementsPerBlock * to.bytesPerBlock, b, tile / to.elementsPerBlock)
      if shift.reference != 0 { for i in 0..<tile { a[i] += shift.reference } }
      if shift.candidate != 0 { for i in 0..<tile { b[i] += shift.candidate } }
      outcome.loss.add(table.loss(a, b, tile), count: tile)
      if let activations, let columns {
        for i in 0..<tile { d[i] = a[i] - b[i] }
        products?.add(
          a, d, tile, column: (start + done) % columns, columns: columns, activations, table)
      }
      done += tile
    }
    outcome.products = products
  }
}
