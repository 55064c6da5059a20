import KerfConversion
import Testing

@Suite struct PiecesTests {
  struct Broken: Error {}

  @Test(arguments: [1, 3]) func everyElementComesOnceAndInOrder(threads: Int) throws {
    let elements = [0, 5, Pieces.length, 0, 2 * Pieces.length + 1, 0]
    var seen: [(tensor: Int, start: Int, end: Int)] = []
    try Pieces(elements: elements).forEach(
      threads: threads, prepare: {},
      work: { piece, _ throws(Broken) in piece.start + piece.count },
      gather: { seen.append(($0.tensor, $0.start, $1)) })
    #expect(seen.map(\.tensor) == [1, 2, 4, 4, 4])
    #expect(seen.map(\.start) == [0, 0, 0, Pieces.length, 2 * Pieces.length])
    #expect(
      seen.map(\.end) == [5, Pieces.length] + [1, 2].map { $0 * Pieces.length } + [elements[4]])
  }

  @Test func batchesStayInMemory() {
    #expect(
      Pieces.batches(of: [3, 4, 3, 20, 1, 0, 9, 1], limit: 10) == [0..<3, 3..<4, 4..<7, 7..<8])
    #expect(Pieces.batches(of: [20, 1], limit: 10) == [0..<1, 1..<2])
    #expect(Pieces.batches(of: [], limit: 10) == [0..<0])
  }

  @Test func anErrorEndsTheWork() {
    #expect(throws: Broken.self) {
      try Pieces(elements: [10 * Pieces.length]).forEach(
        threads: 2, prepare: {},
        work: { piece, _ throws(Broken) in
          if piece.start > 0 { throw Broken() }
        },
        gather: { _, _ in })
    }
  }
}
