// swift-tools-version: 6.2
import PackageDescription

// Kerf's public face is one library and one command; every other target is a room of the house.
// `docs/architecture.md` says what each may know. Dependencies point downwards only.

let swift: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Settings of a module that parses file contents: every unsafe construct must be marked.
let parsing = swift + [.strictMemorySafety()]

// Kernel sources are compiled once per instruction set, always optimised: an unoptimised vector
// loop is a hundred times slower and would make debug builds useless.
func kernels(_ flags: [String] = [], define: String) -> [SwiftSetting] {
  swift + [.define(define), .unsafeFlags(["-O"] + flags.flatMap { ["-Xcc", $0] })]
}

#if arch(x86_64)
  let instructionSets: [Target] = [
    .target(
      name: "KerfKernelsAVX2", dependencies: ["KerfElements", "CVectors"],
      swiftSettings: kernels(["-march=x86-64-v3"], define: "KERF_AVX2")),
    .target(
      name: "KerfKernelsAVXVNNI", dependencies: ["KerfElements", "CVectors"],
      swiftSettings: kernels(["-march=x86-64-v3", "-mavxvnni"], define: "KERF_AVXVNNI")),
    .target(
      name: "KerfKernelsAVX512", dependencies: ["KerfElements", "CVectors"],
      swiftSettings: kernels(
        ["-march=x86-64-v4", "-mavx512vnni", "-mavx512vbmi"], define: "KERF_AVX512")),
  ]
#else
  let instructionSets: [Target] = []
#endif
let instructionSetNames = instructionSets.map { Target.Dependency(stringLiteral: $0.name) }

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

/// The tests of a module, which may use the scalar twins.
func tests(_ module: String, _ others: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: module + "Tests",
    dependencies: [.init(stringLiteral: module), "KerfReference"] + others,
    swiftSettings: swift)
}

let package = Package(
  name: "kerf",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "Kerf", targets: ["Kerf"]),
    .executable(name: "kerf", targets: ["KerfCommand"]),
  ],
  traits: [
    .default(enabledTraits: ["OpenBLAS"]),
    .trait(name: "OpenBLAS", description: "Multiply in f32 with the system's OpenBLAS."),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    // C: vocabulary, processor, libraries.
    .systemLibrary(name: "CVectors", path: "CShims/CVectors"),
    .target(name: "CProcessor", path: "CShims/CProcessor"),
    .target(name: "CFiles", path: "CShims/CFiles"),
    .systemLibrary(
      name: "COpenBLAS", path: "CShims/COpenBLAS",
      providers: [.apt(["libopenblas0"]), .brew(["openblas"])]),

    // The engine: knows no files.
    .target(name: "KerfElements", swiftSettings: swift),
    .target(
      name: "KerfKernels", dependencies: ["KerfElements", "CVectors"],
      swiftSettings: kernels(define: "KERF_BASELINE")),
    .target(
      name: "KerfDispatch",
      dependencies: ["CProcessor", "KerfElements", "KerfKernels"] + instructionSetNames,
      swiftSettings: swift),
    .target(
      name: "KerfCodecs", dependencies: ["CProcessor", "KerfElements", "KerfDispatch"],
      swiftSettings: swift),
    .target(
      name: "KerfMetrics", dependencies: ["KerfElements", "KerfCodecs"], swiftSettings: swift),
    .target(
      name: "KerfMatmul",
      dependencies: [
        "KerfElements", "KerfCodecs", "KerfDispatch", logging,
        .target(name: "COpenBLAS", condition: .when(traits: ["OpenBLAS"])),
      ],
      swiftSettings: swift),

    .target(
      name: "KerfBenchmarking",
      dependencies: ["CProcessor", "KerfElements", "KerfCodecs", "KerfDispatch", "KerfMatmul"],
      swiftSettings: swift),

    // The files: know no arithmetic.
    .target(
      name: "KerfCheckpoints",
      dependencies: ["CFiles", "KerfElements", system],
      swiftSettings: parsing),

    // Where the two meet.
    .target(name: "KerfPlanning", dependencies: ["KerfElements"], swiftSettings: swift),
    .target(
      name: "KerfLayouts",
      dependencies: ["KerfElements", "KerfCheckpoints", "KerfPlanning", system],
      swiftSettings: swift),
    .target(
      name: "KerfConversion",
      dependencies: [
        "KerfElements", "KerfCodecs", "KerfMetrics", "KerfCheckpoints", "KerfPlanning",
        "KerfLayouts", system,
      ],
      swiftSettings: swift),
    .target(
      name: "KerfAnalysis",
      dependencies: [
        "KerfElements", "KerfCodecs", "KerfMetrics", "KerfMatmul", "KerfBenchmarking",
        "KerfCheckpoints", "KerfPlanning", "KerfConversion", system,
      ],
      swiftSettings: swift),
    .target(
      name: "KerfReports",
      dependencies: [
        "KerfElements", "KerfMetrics", "KerfBenchmarking", "KerfCheckpoints", "KerfPlanning",
        "KerfAnalysis",
      ],
      swiftSettings: swift),

    // The faces.
    .target(
      name: "Kerf",
      dependencies: [
        "KerfElements", "KerfCodecs", "KerfMetrics", "KerfMatmul", "KerfBenchmarking",
        "KerfCheckpoints", "KerfLayouts", "KerfPlanning", "KerfConversion", "KerfAnalysis",
        "KerfReports",
      ],
      swiftSettings: swift),
    .executableTarget(
      name: "KerfCommand",
      dependencies: [
        "Kerf", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        logging, system,
      ],
      swiftSettings: swift),

    // Tests: one target per module, and the scalar twins they are held against.
    .target(
      name: "KerfReference", dependencies: ["KerfElements", "CVectors"],
      path: "Tests/KerfReference"),
    .target(
      name: "KerfTestSupport", dependencies: ["KerfCheckpoints", "KerfElements", system],
      path: "Tests/KerfTestSupport", swiftSettings: swift),
    tests("KerfElements"),
    tests("KerfKernels", ["KerfDispatch", "KerfElements"]),
    tests("KerfCodecs", ["KerfElements"]),
    tests("KerfMetrics", ["KerfElements", "KerfCodecs"]),
    tests("KerfMatmul", ["KerfCodecs", "KerfDispatch", "KerfElements"]),
    tests("KerfCheckpoints", ["KerfElements", system]),
    tests("KerfPlanning", ["KerfElements"]),
    tests(
      "KerfLayouts",
      [
        "KerfCheckpoints", "KerfCodecs", "KerfElements", "KerfPlanning", "KerfTestSupport", system,
      ]),
    tests(
      "KerfConversion",
      [
        "KerfCheckpoints", "KerfCodecs", "KerfElements", "KerfMetrics", "KerfPlanning",
        "KerfTestSupport", system,
      ]),
    tests(
      "KerfAnalysis",
      [
        "KerfCheckpoints", "KerfCodecs", "KerfConversion", "KerfElements", "KerfMetrics",
        "KerfPlanning", "KerfTestSupport", system,
      ]),
    tests("KerfBenchmarking", ["KerfCodecs", "KerfElements"]),
    tests(
      "KerfReports",
      ["KerfAnalysis", "KerfBenchmarking", "KerfElements", "KerfMetrics", "KerfPlanning"]),
  ] + instructionSets
)
