// Formats whose search takes all elements alike, whatever importance says.

internal import CVectors

extension BlockFormat {
  @inline(__always)
  static func encodeWeighted(
    _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>,
    _ target: UnsafeMutableRawPointer, _ blocks: Int, _ workspace: UnsafeMutableRawPointer
  ) {
    encodeOptimal(source, target, blocks, workspace)
  }
}
