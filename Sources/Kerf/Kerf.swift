// The library's one import: everything public of the rooms below.

@_exported public import KerfAnalysis
@_exported public import KerfBenchmarking
@_exported public import KerfCheckpoints
@_exported public import KerfCodecs
@_exported public import KerfConversion
@_exported public import KerfElements
@_exported public import KerfLayouts
@_exported public import KerfMatmul
@_exported public import KerfMetrics
@_exported public import KerfPlanning
@_exported public import KerfReports
