// A plan as it was written to a file: of all that it says, names, shapes and formats matter.

internal import KerfCheckpoints
internal import KerfElements
public import KerfPlanning
public import SystemPackage

extension FormatMix {
  /// The mix of a plan that was written as JSON.
  /// - Throws: ``ConversionError/checkpoint(_:)`` for what cannot be read or is no JSON,
  ///   ``ConversionError/notAPlan(_:reason:)`` for JSON that says something else.
  public init(contentsOf path: FilePath) throws(ConversionError) {
    let json = try checked { () throws(CheckpointError) in try JSONValue(contentsOf: path) }
    guard let plan = json.object, let tensors = plan["tensors"]?.array else {
      throw .notAPlan(path, reason: "expected an object with an array “tensors”")
    }
    if plan["fits"]?.bool == false {
      throw .notAPlan(path, reason: "it says itself that nothing fits")
    }
    var entries: [Entry] = []
    entries.reserveCapacity(tensors.count)
    for (index, value) in tensors.enumerated() {
      guard let tensor = value.object, let name = tensor["name"]?.string,
        let extents = tensor["shape"]?.array, let format = tensor["format"]?.string
      else {
        throw .notAPlan(path, reason: "tensor \(index) has no “name”, “shape” or “format”")
      }
      let dimensions = extents.compactMap(\.integer)
      guard dimensions.count == extents.count, let shape = Shape(dimensions) else {
        throw .notAPlan(path, reason: "the shape of “\(name)” is none")
      }
      guard let known = Format(name: format) else {
        throw .notAPlan(path, reason: "“\(name)”: there is no format “\(format)”")
      }
      entries.append(Entry(name: name, shape: shape, format: known))
    }
    self.init(entries)
  }
}
