// swift-tools-version: 6.2
import PackageDescription

// A package of its own: whoever embeds Kerf never downloads what it is measured with.

let package = Package(
  name: "Benchmarks",
  platforms: [.macOS(.v26)],
  dependencies: [
    .package(name: "kerf", path: ".."),
    // Without traits: no allocator of its own, none that counts. Kernels do not allocate.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    .executableTarget(
      name: "KerfBenchmarks",
      dependencies: [
        .product(name: "Benchmark", package: "benchmark"),
        .product(name: "Kerf", package: "kerf"),
      ],
      // Not in Sources: the plugin takes the targets whose folder is in one named Benchmarks.
      path: "KerfBenchmarks",
      exclude: ["Engines/python_engine.py"],
      swiftSettings: [.swiftLanguageMode(.v6)],
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
  ]
)
