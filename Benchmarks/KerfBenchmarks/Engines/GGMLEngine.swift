// llama.cpp's C functions, from the shared libraries that Benchmarks/set-up-peers builds.

import Foundation
import Kerf

/// The quantizers of ggml, one call for the whole field.
struct GGMLEngine: Engine, @unchecked Sendable {
  private typealias Row = @convention(c) (UnsafeRawPointer, UnsafeMutableRawPointer, Int64) -> Void
  private typealias Chunk =
    @convention(c) (
      Int32, UnsafeRawPointer, UnsafeMutableRawPointer, Int64, Int64, Int64, UnsafePointer<Float>
    ) -> Int

  private static let columns = 4096
  private static let ones = [Float](repeating: 1, count: columns)
  /// ggml's numbers of the formats that it searches.
  private static let types: [Format: Int32] = [
    .q4_0: 2, .q4_1: 3, .q5_0: 6, .q5_1: 7, .q2_K: 10, .q3_K: 11, .q4_K: 12, .q5_K: 13, .q6_K: 14,
    .iq4_nl: 20, .iq4_xs: 23, .tq1_0: 34, .tq2_0: 35, .mxfp4: 39, .nvfp4: 40,
  ]

  private let name: String
  private let base: UnsafeMutableRawPointer
  private let cpu: UnsafeMutableRawPointer?

  /// `nil` where the folder has no libggml-base.
  init?(_ name: String, folder: String) {
    self.name = name
    #if os(macOS)
      let ending = "dylib"
    #else
      let ending = "so"
    #endif
    guard let base = dlopen("\(folder)/libggml-base.\(ending)", RTLD_NOW) else { return nil }
    self.base = base
    cpu = dlopen("\(folder)/libggml-cpu.\(ending)", RTLD_NOW)
  }

  func contestants(for item: Case) -> [Contestant] {
    switch (item.kernel, item.rounding) {
    case (.encode, .reference) where item.source == .f32:
      [row(name, base, "quantize_row_\(item.target)_ref")].compactMap { $0 } + fast(item.target)
    case (.encode, .optimal) where item.source == .f32: search(item.target)
    case (.decode, _) where item.target == .f32:
      [row(name, base, "dequantize_row_\(item.source)")].compactMap { $0 }
    case (.convert, _):
      [row(name, base, GGMLEngine.conversion(item))].compactMap { $0 }
    default: []
    }
  }

  private static func conversion(_ item: Case) -> String {
    func name(_ format: Format) -> String {
      switch format {
      case .f16: "fp16"
      case .bf16: "bf16"
      default: "fp32"
      }
    }
    return "ggml_\(name(item.source))_to_\(name(item.target))_row"
  }

  /// The encoder that matrix products use for activations; files are made by the reference. Only
  /// that of q8_0 is another code.
  private func fast(_ format: Format) -> [Contestant] {
    guard format == .q8_0, let cpu else { return [] }
    return [row(name + ".cpu", cpu, "quantize_row_\(format)")].compactMap { $0 }
  }

  private func row(
    _ name: String, _ library: UnsafeMutableRawPointer, _ symbol: String
  ) -> Contestant? {
    guard let address = dlsym(library, symbol) else { return nil }
    let function = unsafeBitCast(address, to: Row.self)
    return Contestant(name) { field in
      function(field.source, field.target, Int64(field.item.elements))
    }
  }

  /// The search that an importance matrix starts; here all weights are equally important.
  private func search(_ format: Format) -> [Contestant] {
    guard let type = GGMLEngine.types[format], let address = dlsym(base, "ggml_quantize_chunk")
    else { return [] }
    let function = unsafeBitCast(address, to: Chunk.self)
    return [
      Contestant(name) { field in
        let rows = field.item.elements / GGMLEngine.columns
        GGMLEngine.ones.withUnsafeBufferPointer { ones in
          _ = function(
            type, field.source, field.target, 0, Int64(rows), Int64(GGMLEngine.columns),
            ones.baseAddress!)
        }
      }
    ]
  }
}
