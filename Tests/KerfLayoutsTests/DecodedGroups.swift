// What groups stand for, one element at a time.

import KerfElements

/// Elements of consecutive groups in `blocks`.
func decoded(_ blocks: [UInt8], _ format: GroupFormat) -> [Float] {
  var result: [Float] = []
  for start in stride(from: 0, to: blocks.count, by: format.byteCount) {
    func number(_ offset: Int) -> Float {
      let bytes = (0..<4).map {
        start + offset + $0 < blocks.count ? blocks[start + offset + $0] : 0
      }
      let half = UInt16(bytes[0]) | UInt16(bytes[1]) << 8
      return switch format.scale {
      case .f32: Float(bitPattern: UInt32(half) | UInt32(bytes[2]) << 16 | UInt32(bytes[3]) << 24)
      case .f16: Float(Float16(bitPattern: half))
      case .bf16: Float(bitPattern: UInt32(half) << 16)
      case .e8m0: Float(sign: .plus, exponent: Int(bytes[0]) - 127, significand: 1)
      case .e4m3: e4m3(bytes[0])
      }
    }
    let scale = number(0)
    let codes = start + format.byteCount - format.codeByteCount
    let bits = format.codes.bits
    for element in 0..<format.length {
      let code = (0..<bits).reduce(0) { code, bit in
        let place = element * bits + bit
        return code | Int(blocks[codes + place / 8] >> UInt8(place % 8) & 1) << bit
      }
      switch (format.codes, format.offset) {
      case (.integers(let bits), .none): result.append(Float(code - 1 << (bits - 1)) * scale)
      case (.integers, .zeroPoint):
        let zero = Int(blocks[start + format.scale.byteCount])
        result.append(Float(code - zero) * scale)
      case (.integers, .bias):
        result.append(Float(code) * scale + number(format.scale.byteCount))
      case (.e4m3, _): result.append(e4m3(UInt8(code)) * scale)
      case (.e2m1, _):
        let magnitude = [0, 0.5, 1, 1.5, 2, 3, 4, 6][code & 7] as Float
        result.append((code < 8 ? magnitude : -magnitude) * scale)
      case (.nf4, _): result.append(nf4[code] * scale)
      case (.fp4, _):
        let magnitude = fp4[code & 7]
        result.append((code < 8 ? magnitude : -magnitude) * scale)
      }
    }
  }
  return result
}

private func e4m3(_ code: UInt8) -> Float {
  let (exponent, mantissa) = (Int(code >> 3 & 15), Float(code & 7))
  let magnitude =
    exponent == 0
    ? mantissa / 512
    : (1 + mantissa / 8) * Float(sign: .plus, exponent: exponent - 7, significand: 1)
  return code & 0x80 == 0 ? magnitude : -magnitude
}

private let fp4: [Float] = [0, 0.0052083335, 0.6666667, 1, 0.33333334, 0.5, 0.16666667, 0.25]

private let nf4: [Float] = [
  -1, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.091050036, 0, 0.0795803,
  0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1,
]
