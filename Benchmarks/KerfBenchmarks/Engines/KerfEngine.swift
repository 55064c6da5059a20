import Benchmark
import Kerf

/// Kerf itself, once for each instruction set that this CPU has.
struct KerfEngine: Engine {
  func contestants(for item: Case) -> [Contestant] {
    InstructionSet.available.compactMap { instructionSet in
      let name = "kerf.\(instructionSet.rawValue)"
      guard item.kernel != .loss else {
        return try? KerfEngine.loss(name, instructionSet)
      }
      guard
        let transcoder = try? Transcoder(
          from: item.source, to: item.target, rounding: item.rounding,
          instructionSet: instructionSet)
      else { return nil }
      return Contestant(name) { field in
        transcoder.run(
          field.source, field.target, count: field.item.elements, scratch: field.scratch)
      }
    }
  }

  private static func loss(
    _ name: String, _ instructionSet: InstructionSet
  ) throws -> Contestant {
    let fresh = try LossMeter(instructionSet: instructionSet)
    return Contestant(name) { field in
      var meter = fresh
      let count = field.item.elements
      let reference = field.source.assumingMemoryBound(to: Float.self)
      // In the engine's own tiles: what a conversion asks of it.
      for start in stride(from: 0, to: count, by: 4096) {
        meter.add(
          reference: reference + start, candidate: reference + count + start,
          count: min(4096, count - start))
      }
      blackHole(meter.loss)
    }
  }
}
