// swift-format-ignore-file: AlwaysUseLowerCamelCase
// Cases are spelled as the field spells them.

public import KerfElements

/// A mix of formats that the field knows by name: which tensor gets which format.
///
/// Most matrices take the preset's ``format``; those that a model is delicate in take more bits.
public enum Preset: String, Sendable, Hashable, CaseIterable, Codable {
  case f16, bf16
  case q8_0, q6_K
  case q5_K_M, q5_K_S, q5_1, q5_0
  case q4_K_M, q4_K_S, q4_1, q4_0, iq4_nl, iq4_xs, mxfp4_moe
  case q3_K_L, q3_K_M, q3_K_S, q2_K

  /// The field's name, as commands spell it: `q4_K_M`.
  public var name: String { rawValue }

  /// The preset of that name, whatever its case.
  public init?(name: some StringProtocol) {
    let wanted = name.lowercased()
    guard let preset = Preset.allCases.first(where: { $0.name.lowercased() == wanted }) else {
      return nil
    }
    self = preset
  }

  /// What most matrices take.
  public var format: Format {
    switch self {
    case .f16: .f16
    case .bf16: .bf16
    case .q8_0: .q8_0
    case .mxfp4_moe: .mxfp4
    case .q6_K: .q6_K
    case .q5_K_M, .q5_K_S: .q5_K
    case .q5_1: .q5_1
    case .q5_0: .q5_0
    case .q4_K_M, .q4_K_S: .q4_K
    case .q4_1: .q4_1
    case .q4_0: .q4_0
    case .iq4_nl: .iq4_nl
    case .iq4_xs: .iq4_xs
    case .q3_K_L, .q3_K_M, .q3_K_S: .q3_K
    case .q2_K: .q2_K
    }
  }
}

extension Preset: CustomStringConvertible {
  /// One line, for people.
  public var description: String { name }
}

extension Preset {
  /// What takes another format than most matrices do, a line for each.
  public var exceptions: [String] {
    let output = "output, or the embedding where it is the output: q6_K"
    let many = "in the first and last eighth of the layers, and every third between"
    switch self {
    case .f16, .bf16, .q8_0, .q6_K: return []
    case .q5_K_M, .q4_K_M: return [output, "attn_v and ffn_down \(many): q6_K"]
    case .q5_K_S, .q5_1, .q4_1, .q3_K_S: return [output]
    case .q5_0:
      return [output, "ffn_down in the first eighth of the layers, with importance: q5_1"]
    case .q4_0:
      return [output, "ffn_down in the first eighth of the layers, with importance: q4_1"]
    case .q4_K_S:
      return [
        output, "attn_v in the first 4 layers: q5_K",
        "ffn_down in the first eighth of the layers: q5_K",
      ]
    case .iq4_nl, .iq4_xs:
      return [
        output, "attn_v where 4 heads or more share it: q5_K",
        "ffn_down in the first eighth of the layers, without importance: q5_K",
      ]
    case .mxfp4_moe: return ["all but the experts: q8_0"]
    case .q3_K_L: return [output, "attn_v, attn_output, ffn_down: q5_K"]
    case .q3_K_M:
      return [
        output, "attn_v: q5_K in the first 2 layers, else q4_K", "attn_output: q4_K",
        "ffn_down: q5_K in the first sixteenth of the layers, else q4_K",
      ]
    case .q2_K:
      return [
        output, "attn_v: q4_K where 4 heads or more share it, else q3_K",
        "attn_output, ffn_down: q3_K",
      ]
    }
  }

  /// What the preset is for, in a line.
  public var purpose: String {
    switch self {
    case .f16, .bf16: "half the bytes of f32, and nothing a model notices"
    case .q8_0: "as good as f16 to most models, in half the bytes"
    case .q6_K: "close to q8_0, a quarter smaller"
    case .q5_K_M: "when there is a little more memory than q4_K_M needs"
    case .q5_K_S: "a little smaller than q5_K_M"
    case .q5_1, .q5_0: "for runtimes that know no K types; else q5_K_S"
    case .q4_K_M: "the usual choice: small, and good"
    case .q4_K_S: "a little smaller than q4_K_M"
    case .q4_1, .q4_0: "for runtimes that know no K types; else q4_K_S"
    case .iq4_nl: "q4_0's size, for rows that fill no blocks of 256"
    case .iq4_xs: "the smallest that is still good, with importance above all"
    case .mxfp4_moe: "mixtures of experts that were trained in mxfp4"
    case .q3_K_L: "when q4_K_S does not fit"
    case .q3_K_M: "smaller, and it shows"
    case .q3_K_S: "smaller, and it shows more"
    case .q2_K: "the smallest: better than no model"
    }
  }
}
