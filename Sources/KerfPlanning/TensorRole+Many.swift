extension TensorRole {
  /// The roles of many names, in their order.
  ///
  /// Most names of a file differ in their numbers only, and those change nothing but the numbers of
  /// layers and experts. So names are told apart without their numbers, and only one of each kind is
  /// taken apart: with its numbers replaced by 0, 1, 2…, so that its role tells which is which.
  package static func roles(of names: some Sequence<String>) -> [TensorRole] {
    var known: [[UInt8]: TensorRole] = [:]
    var numbers: [Int] = []
    var kind: [UInt8] = []
    return names.map { name in
      numbers.removeAll(keepingCapacity: true)
      kind.removeAll(keepingCapacity: true)
      for word in name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
        if !kind.isEmpty { kind.append(UInt8(ascii: ".")) }
        if let number = TensorRole.number(word) {
          kind.append(contentsOf: String(numbers.count).utf8)
          numbers.append(number)
        } else {
          kind.append(contentsOf: word)
        }
      }
      let role = known[kind] ?? TensorRole(name: String(decoding: kind, as: UTF8.self))
      if known[kind] == nil { known[kind] = role }
      return TensorRole(
        role, layer: role.layer.map { numbers[$0] }, expert: role.expert.map { numbers[$0] })
    }
  }
}
