// Knows where config.json says how a model is quantized, and in which of the layouts.

package import KerfCheckpoints
package import SystemPackage

/// What a model's config.json says of quantization.
package struct QuantizationConfig: Sendable {
  /// The file.
  package let path: FilePath
  /// The layout that it names.
  package let layout: Layout
  /// The object that names it.
  package let object: JSONObject

  /// The one of a model in `directory`; `nil` where there is none, or none that is known here.
  package static func find(in directory: FilePath) throws(LayoutError) -> QuantizationConfig? {
    let path = directory.appending("config.json")
    let root: JSONObject?
    do {
      root = try JSONValue(contentsOf: path).object
    } catch .notFound {
      return nil
    } catch {
      throw .checkpoint(error)
    }
    return root.flatMap { QuantizationConfig(path, $0) }
  }

  init?(_ path: FilePath, _ root: JSONObject) {
    let text = root["text_config"]?.object
    let keys = ["quantization_config", "compression_config", "quantization"]
    for object in keys.lazy.compactMap({ (root[$0] ?? text?[$0])?.object }) {
      let layout: Layout?
      if let method = object["quant_method"]?.string {
        layout = Layout(name: method)
      } else {
        // MLX names no method.
        layout = object["bits"] != nil && object["group_size"] != nil ? .mlx : nil
      }
      guard let layout else { continue }
      self.path = path
      self.layout = layout
      self.object = object
      return
    }
    return nil
  }

  /// An integer, or an error that names its key.
  func integer(_ key: String, in object: JSONObject, of range: ClosedRange<Int>) throws(LayoutError)
    -> Int
  {
    guard let value = object[key]?.integer, range.contains(value) else {
      throw .config(
        path, key: key, expected: "an integer from \(range.lowerBound) to \(range.upperBound)",
        found: object[key]?.kind ?? "none")
    }
    return value
  }
}
