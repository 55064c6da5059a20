/// A report that can be kept in a file, as any of the kinds that users ask for.
public protocol WritableReport {
  /// Rows as CSV (RFC 4180).
  var csv: String { get }
  /// Everything as JSON.
  var json: String { get }
  /// Everything as one page that needs nothing from anywhere.
  var html: String { get }
}
