public import KerfElements

/// A format for each tensor of one file, as a plan gives it.
public struct FormatMix: Sendable, Hashable {
  /// One tensor and what it takes.
  public struct Entry: Sendable, Hashable {
    /// The name, as the file spells it.
    public var name: String
    /// Extents, outermost first.
    public var shape: Shape
    /// What it takes.
    public var format: Format

    /// A tensor of this name and shape, and its format.
    public init(name: String, shape: Shape, format: Format) {
      self.name = name
      self.shape = shape
      self.format = format
    }
  }

  /// Every tensor of the file, in its order.
  public var entries: [Entry]

  /// A mix of these.
  public init(_ entries: [Entry]) { self.entries = entries }

  /// The format that most elements of matrices take; `f32` where there are none.
  public var format: Format {
    var counts: [Format: Int] = [:]
    for entry in entries where entry.shape.dimensions.count > 1 {
      counts[entry.format, default: 0] &+= entry.shape.count
    }
    guard let most = counts.values.max() else { return .f32 }
    return Format.ordered(counts.keys).first { counts[$0] == most } ?? .f32
  }

  /// The format of each of these tensors.
  /// - Throws: ``PlanError/otherTensors(_:)`` where they are not those that the mix is of.
  func formats(of tensors: [TensorSummary]) throws(PlanError) -> [Format] {
    // Names are bytes; strings of Swift would be equal where their characters look alike.
    var places: [[UInt8]: Int] = [:]
    for (index, entry) in entries.enumerated() {
      guard places.updateValue(index, forKey: Array(entry.name.utf8)) == nil else {
        throw .otherTensors("the plan has “\(entry.name)” twice")
      }
    }
    var formats: [Format] = []
    formats.reserveCapacity(tensors.count)
    for tensor in tensors {
      guard let place = places.removeValue(forKey: Array(tensor.name.utf8)) else {
        throw .otherTensors("the plan has no tensor “\(tensor.name)”")
      }
      let entry = entries[place]
      guard entry.shape == tensor.shape else {
        throw .otherTensors(
          "“\(tensor.name)” is \(entry.shape) in the plan, and \(tensor.shape) in the file")
      }
      formats.append(entry.format)
    }
    if let place = places.values.min() {
      throw .otherTensors("the file has no tensor “\(entries[place].name)”")
    }
    return formats
  }
}
