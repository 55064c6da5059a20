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
      name: "KerfKernelsAVX512", dependencies: ["KerfElements", "CVectors"],
      swiftSettings: kernels(
        ["-march=x86-64-v4", "-mavx512vnni", "-mavx512vbmi"], define: "KERF_AVX512")),
  ]
#else
  let instructionSets: [Target] = []
#endif
let instructionSetNames = instructionSets.map { Target.Dependency(stringLiteral: $0.name) }

let package = Package(
  name: "kerf",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "Kerf", targets: ["KerfMatmul", "KerfMetrics"])
  ],
  dependencies: [
  ],
  targets: [
    // C: vocabulary, processor, libraries.
    .systemLibrary(name: "CVectors", path: "CShims/CVectors"),
    .target(name: "CProcessor", path: "CShims/CProcessor"),
    .systemLibrary(
      name: "COpenBLAS", path: "CShims/COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),

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
      name: "KerfCodecs", dependencies: ["KerfElements", "KerfDispatch"], swiftSettings: swift),
    .target(
      name: "KerfMetrics", dependencies: ["KerfElements", "KerfCodecs"], swiftSettings: swift),
    .target(
      name: "KerfMatmul", dependencies: ["KerfElements", "KerfCodecs", "COpenBLAS"],
      swiftSettings: swift),

    // Tests: one target per module, and the scalar twins they are held against.
    .target(name: "KerfReference", dependencies: ["KerfElements"], path: "Tests/KerfReference"),
    .testTarget(
      name: "KerfElementsTests", dependencies: ["KerfElements"], swiftSettings: swift),
    .testTarget(
      name: "KerfKernelsTests",
      dependencies: ["KerfElements", "KerfDispatch", "KerfReference"],
      swiftSettings: swift),
  ] + instructionSets
)
