/// What an instruction set can do at best: loops that fill its registers or read memory and do
/// nothing else. Benchmarks hold what kernels do against them.
package struct YardstickKernels: Sendable {
  /// The instructions that multiply bytes, as assemblers spell them.
  package let dotInstructions: String

  /// Dot products of bytes in registers; as many operations a step as ``dotOperations``.
  package let dots: @Sendable (_ steps: Int) -> Int32

  /// Multiplications and additions of one step of ``dots``.
  package let dotOperations: Int

  /// Multiplications and additions of floats in registers.
  package let multiplyAdds: @Sendable (_ steps: Int) -> Float

  /// Multiplications and additions of one step of ``multiplyAdds``.
  package let multiplyAddOperations: Int

  /// Reads `count` bytes, a multiple of 512, once, and returns their sum.
  package let read: @Sendable (_ source: UnsafeRawPointer, _ count: Int) -> Int32

  package init(
    dotInstructions: String, dots: @escaping @Sendable (Int) -> Int32, dotOperations: Int,
    multiplyAdds: @escaping @Sendable (Int) -> Float, multiplyAddOperations: Int,
    read: @escaping @Sendable (UnsafeRawPointer, Int) -> Int32
  ) {
    self.dotInstructions = dotInstructions
    self.dots = dots
    self.dotOperations = dotOperations
    self.multiplyAdds = multiplyAdds
    self.multiplyAddOperations = multiplyAddOperations
    self.read = read
  }
}
