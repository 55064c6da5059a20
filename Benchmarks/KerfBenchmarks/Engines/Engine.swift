/// Something that encodes, decodes or converts: Kerf or a peer.
protocol Engine: Sendable {
  /// Its ways of doing a case; none where it cannot.
  func contestants(for item: Case) -> [Contestant]
}
