// Symmetric blocks of 32 whose errors are weighted by importance.
//
// There is no reference code to hold the winner against: it knows no weights of this kind. A block
// is a run, and takes the best of its candidates.

internal import CVectors

/// A block format y = (q − zero) · d whose scale can be searched for with weights.
protocol WeightedSymmetricFormat: BlockFormat {
  /// q − zero
  associatedtype Grid: CodedGrid
  associatedtype WeightedCandidates: Placements
  /// What the packing takes for the lowest number of the grid.
  static var lowestCode: Int32 { get }
}

extension WeightedSymmetricFormat {
  @inline(__always)
  static func encodeWeighted(
    _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>,
    _ target: UnsafeMutableRawPointer, _ blocks: Int, _ workspace: UnsafeMutableRawPointer
  ) {
    var done = 0
    while done < blocks {
      let runs = Runs<32, Important>(
        searching: source + 128 &* done, importance: importance + 32 &* done,
        count: min(16, blocks &- done), runsPerBlock: 1, workspace)
      runs.search(Grid.self, WeightedCandidates.self)
      let fit = Fit.symmetric(scale: half(runs.bestFit.scale))
      runs.storeCodes(Grid.self, multiplier: fit.multiplier)
      let lanes = FitLanes(memory: runs.rest + 64)
      lanes.store(fit)
      let packed = runs.rest + 1024
      var b = 0
      while b < runs.count {
        Codes.pack(quad(runs, b, offset: 0), quad(runs, b, offset: 16), to: packed)
        var i = 0
        while i < min(4, runs.count &- b) {
          writeBlock(b &+ i, packed: i, of: packed, lanes, target + bytesPerBlock &* done)
          i &+= 1
        }
        b &+= 4
      }
      done &+= 16
    }
  }

  /// Sixteen codes of each of four blocks, from element `offset` of a block on.
  @inline(__always)
  private static func quad(
    _ runs: Runs<32, Important>, _ first: Int, offset: Int
  ) -> CodeQuad {
    @inline(__always) func codes(_ i: Int) -> i32x16 {
      u8x16_widened(u8x16_load(runs.codes + 32 &* (first &+ i) + offset)) &+ lowestCode
    }
    return CodeQuad(a: codes(0), b: codes(1), c: codes(2), d: codes(3))
  }
}
