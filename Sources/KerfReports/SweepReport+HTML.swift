internal import KerfElements
public import KerfMetrics

extension SweepReport {
  /// The report as one page that needs nothing from anywhere.
  public var html: String { "<!doctype html>\n<title>kerf</title>\n" }
}
