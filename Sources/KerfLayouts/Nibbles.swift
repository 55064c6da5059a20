/// Eight words of eight nibbles.
struct Nibbles {
  typealias Words = (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32)
  private var words: Words

  /// Which of eight neighbours each word is.
  static let inOrder = (0, 1, 2, 3, 4, 5, 6, 7)
  /// As nibbles of AWQ's words are, which its kernel takes apart by halves.
  static let interleaved = (0, 2, 4, 6, 1, 3, 5, 7)

  /// The words `step` bytes apart, in that order.
  @inline(__always)
  init(
    in memory: UnsafeMutableRawPointer, step: Int, _ order: (Int, Int, Int, Int, Int, Int, Int, Int)
  ) {
    func word(_ number: Int) -> UInt32 {
      (memory + number &* step).loadUnaligned(as: UInt32.self)
    }
    words = (
      word(order.0), word(order.1), word(order.2), word(order.3), word(order.4), word(order.5),
      word(order.6), word(order.7)
    )
  }

  @inline(__always)
  func store(
    in memory: UnsafeMutableRawPointer, step: Int, _ order: (Int, Int, Int, Int, Int, Int, Int, Int)
  ) {
    func store(_ word: UInt32, _ number: Int) {
      memory.storeBytes(of: word, toByteOffset: number &* step, as: UInt32.self)
    }
    store(words.0, order.0)
    store(words.1, order.1)
    store(words.2, order.2)
    store(words.3, order.3)
    store(words.4, order.4)
    store(words.5, order.5)
    store(words.6, order.6)
    store(words.7, order.7)
  }

  /// Nibble i of word j as nibble j of word i.
  ///
  /// Quarters of the square change places, then quarters of quarters, then nibbles.
  @inline(__always)
  var turned: Nibbles {
    @inline(__always)
    func swap(_ a: inout UInt32, _ b: inout UInt32, _ shift: UInt32, _ mask: UInt32) {
      let difference = ((a >> shift) ^ b) & mask
      b ^= difference
      a ^= difference << shift
    }
    var (a, b, c, d, e, f, g, h) = words
    swap(&a, &e, 16, 0x0000_FFFF)
    swap(&b, &f, 16, 0x0000_FFFF)
    swap(&c, &g, 16, 0x0000_FFFF)
    swap(&d, &h, 16, 0x0000_FFFF)
    swap(&a, &c, 8, 0x00FF_00FF)
    swap(&b, &d, 8, 0x00FF_00FF)
    swap(&e, &g, 8, 0x00FF_00FF)
    swap(&f, &h, 8, 0x00FF_00FF)
    swap(&a, &b, 4, 0x0F0F_0F0F)
    swap(&c, &d, 4, 0x0F0F_0F0F)
    swap(&e, &f, 4, 0x0F0F_0F0F)
    swap(&g, &h, 4, 0x0F0F_0F0F)
    var result = self
    result.words = (a, b, c, d, e, f, g, h)
    return result
  }
}
