// swift-format-ignore-file: AlwaysUseLowerCamelCase
// tq2_0: 256 elements in 66 bytes, 2.0625 bits per weight.
//
//     2 × { 32 bytes: 2 bits each of q[j], q[j + 32], q[j + 64], q[j + 96] } | f16 d    y = (q − 1) · d
//
// The reference code uses codes 0, 1 and 2 alone. How d is chosen stands in `TernarySearch.swift`.

internal import CVectors

enum TQ2_0: TernaryFormat {
  @inline(__always) static var bytesPerBlock: Int { 66 }
  @inline(__always) static var hasFourthCode: Bool { true }
  @inline(__always) static var scaleOffset: Int { 64 }

  @inline(__always)
  static func pack(_ codes: TernaryCodes, to block: UnsafeMutableRawPointer) {
    var i = 0
    while i < 4 {
      let first = 8 &* (i / 2) &+ i & 1
      let bytes =
        codes[first] | codes[first &+ 2] &<< 2 | codes[first &+ 4] &<< 4 | codes[first &+ 6] &<< 6
      u8x16_store(block + 16 &* i, i32x16_low_bytes(bytes))
      i &+= 1
    }
  }

  @inline(__always)
  static func unpack(
    _ block: UnsafeRawPointer, scale: Float, to elements: UnsafeMutableRawPointer
  ) {
    var i = 0
    while i < 4 {
      let bytes = u8x16_widened(u8x16_load(block + 16 &* i))
      let to = elements + 512 &* (i / 2) + 64 &* (i & 1)
      for n in 0..<4 {
        let codes = (bytes &>> Int32(2 &* n)) & 3
        f32x16_store(to + 128 &* n, i32x16_to_f32(codes &- 1) * scale)
      }
      i &+= 1
    }
  }
}
