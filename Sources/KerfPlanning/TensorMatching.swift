// Which tensors of two files are the same, and how their elements lie in each. Pure: descriptions in,
// pairs out.
//
// Names that are equal go together, and then elements lie alike. Else what names mean decides, and
// where one file follows GGUF's convention and the other the hub's, what llama.cpp's converter does to
// the architecture's tensors has to be undone. What is not known for sure finds no partner.

internal import KerfElements

/// Two tensors of one name or meaning and of different shapes.
package struct ShapeConflict: Error, Sendable, Hashable {
  package let reference: TensorSummary
  package let candidate: TensorSummary
}

/// The pairs of two files, and what has no partner.
package struct TensorMatching: Sendable {
  /// Pairs in the order of the reference.
  package private(set) var matches: [TensorMatch] = []
  /// Numbers of tensors without a partner.
  package private(set) var unmatchedReference: [Int] = []
  package private(set) var unmatchedCandidate: [Int] = []
  /// Why, by name, where more is known than that the other file has nothing of the kind.
  package private(set) var reasons: [String: String] = [:]

  private let reference: [TensorSummary]
  private let candidate: [TensorSummary]
  private let layout: FamilyLayout.Finding
  private let heads: (query: Int?, key: Int?)

  /// Matches two files.
  ///
  /// - Parameters:
  ///   - referenceFacts: What the reference says of its model, or the files beside it.
  ///   - candidateFacts: The same of the candidate.
  ///   - isIncluded: Whether tensors of that name are wanted; a pair is when either of its names is.
  package init(
    reference: [TensorSummary], referenceFacts: ModelFacts = ModelFacts(),
    candidate: [TensorSummary], candidateFacts: ModelFacts = ModelFacts(),
    isIncluded: (String) -> Bool = { _ in true }
  ) throws(ShapeConflict) {
    self.reference = reference
    self.candidate = candidate
    layout = FamilyLayout.find(
      [referenceFacts.architecture, candidateFacts.architecture].compactMap(\.self))
    heads = (
      referenceFacts.heads ?? candidateFacts.heads,
      referenceFacts.keyValueHeads ?? candidateFacts.keyValueHeads
    )

    let byName = Dictionary(
      candidate.indices.map { (candidate[$0].name, $0) }, uniquingKeysWith: { first, _ in first })
    var partners = [Int?](repeating: nil, count: reference.count)
    var isTaken = [Bool](repeating: false, count: candidate.count)
    var expertsTaken: [Int: Int] = [:]
    for (index, tensor) in reference.enumerated() {
      // Names are bytes; strings also compare equal where characters are only spelled differently.
      guard let other = byName[tensor.name],
        candidate[other].name.utf8.elementsEqual(tensor.name.utf8)
      else { continue }
      partners[index] = other
      isTaken[other] = true
    }
    let meanings = Meanings(reference) { partners[$0] == nil }
    let others = Meanings(candidate) { !isTaken[$0] }
    for name in (meanings.ambiguous + others.ambiguous) {
      reasons[name] = "several names of its file mean the same"
    }

    for index in reference.indices {
      let found: Finding
      if let other = partners[index] {
        found = Finding(partners: [other])
      } else if let meaning = meanings.byIndex[index] {
        found = partner(of: index, meaning, others)
      } else {
        found = Finding()
      }
      let names = [reference[index].name] + found.partners.map { candidate[$0].name }
      let isWanted = names.contains(where: isIncluded)
      guard !found.partners.isEmpty else {
        if isWanted { unmatchedReference.append(index) }
        if let reason = found.reason { reasons[reference[index].name] = reason }
        continue
      }
      let isByName = partners[index] != nil
      switch try arranged(index, found, isByName: isByName, isWanted: isWanted) {
      case .match(let match):
        for other in found.partners {
          isTaken[other] = true
          if found.expert != nil { expertsTaken[other, default: 0] += 1 }
        }
        if isWanted { matches.append(match) }
      case .reason(let reason):
        if isWanted { unmatchedReference.append(index) }
        for name in names { reasons[name] = reason }
      }
    }
    unmatchedCandidate = candidate.indices.filter { index in
      let (name, experts) = (candidate[index].name, candidate[index].shape.dimensions.first ?? 0)
      guard isIncluded(name) else { return false }
      guard let taken = expertsTaken[index], taken < experts else { return !isTaken[index] }
      reasons[name] = "the reference has \(taken) of its \(experts) experts"
      return true
    }
  }

  // MARK: Names

  /// Tensors by what their names mean, where only one means it.
  private struct Meanings {
    var byIndex: [Int: TensorMeaning] = [:]
    var index: [TensorMeaning: Int] = [:]
    var ambiguous: [String] = []

    init(_ tensors: [TensorSummary], where isFree: (Int) -> Bool) {
      let isSandwich = TensorMeaning.hasSandwichNorms(tensors.lazy.map(\.name))
      var all: [TensorMeaning: [Int]] = [:]
      for (number, tensor) in tensors.enumerated() where isFree(number) {
        guard let meaning = TensorMeaning(name: tensor.name, hasSandwichNorms: isSandwich) else {
          continue
        }
        all[meaning, default: []].append(number)
      }
      for (meaning, numbers) in all {
        if numbers.count == 1 {
          index[meaning] = numbers[0]
          byIndex[numbers[0]] = meaning
        } else {
          ambiguous += numbers.map { tensors[$0].name }
        }
      }
    }
  }

  private struct Finding {
    var partners: [Int] = []
    /// Whether the partners are the parts of a stack.
    var isStack = false
    /// Which expert of the partner's stack.
    var expert: Int?
    var reason: String?
  }

  private func partner(of index: Int, _ meaning: TensorMeaning, _ others: Meanings) -> Finding {
    if let other = others.index[meaning] { return Finding(partners: [other]) }
    if meaning.isExpert, meaning.expert == nil {
      // One stack here, tensor after tensor there.
      var partners: [Int] = []
      while let other = others.index[meaning.of(expert: partners.count)] { partners.append(other) }
      let count = reference[index].shape.dimensions.first ?? 0
      guard !partners.isEmpty else { return Finding() }
      guard partners.count == count else {
        return Finding(reason: "the candidate has \(partners.count) of its \(count) experts")
      }
      return Finding(partners: partners, isStack: true)
    }
    if let expert = meaning.expert, let other = others.index[meaning.ofAllExperts] {
      let count = candidate[other].shape.dimensions.first ?? 0
      guard expert < count else {
        return Finding(reason: "the candidate has only \(count) experts")
      }
      return Finding(partners: [other], expert: expert)
    }
    return Finding()
  }

  // MARK: Elements

  private enum Outcome {
    case match(TensorMatch)
    case reason(String)
  }

  /// The pair, with what has to be undone, or why it cannot be told.
  private func arranged(
    _ index: Int, _ found: Finding, isByName: Bool, isWanted: Bool
  ) throws(ShapeConflict) -> Outcome {
    let tensor = reference[index]
    let convention = TensorMeaning.convention(of: tensor.name)
    let other = candidate[found.partners[0]]
    let isMixed = !isByName && convention != TensorMeaning.convention(of: other.name)
    var arrangement = Arrangement.same
    let isEmpty = tensor.shape.count == 0
    if isMixed {
      let (hub, gguf) = convention == .hub ? (tensor, other) : (other, tensor)
      switch layout {
      case .unknown(let reason): return .reason(reason)
      case .known(let layout):
        switch layout.arrangement(hub: hub, gguf: gguf, heads: heads) {
        case .failure(let reason): if !isEmpty { return .reason(reason.words) }
        case .success(let found): arrangement = found
        }
      }
    }
    let count = found.partners.count
    for partner in found.partners where isWanted {
      let expected = tensor.shape.squeezed(isStack: found.isStack)
      var shape = candidate[partner].shape.squeezed(isStack: found.expert != nil)
      if arrangement == .transposed { shape.reverse() }
      guard expected == shape else {
        throw ShapeConflict(reference: tensor, candidate: candidate[partner])
      }
    }
    let size = tensor.shape.count / count
    let parts = found.partners.enumerated().map { number, partner in
      TensorMatch.Part(
        reference: .init(tensor: index, first: number * size),
        candidate: .init(tensor: partner, first: (found.expert ?? 0) * size), count: size)
    }
    return .match(
      TensorMatch(
        // Where there are no elements, none is out of place.
        reference: index, parts: parts, arrangement: isEmpty ? .same : arrangement,
        isReferenceGGUF: convention == .gguf,
        expert: found.expert.map { ($0, other.shape.dimensions.first ?? 0) }))
  }
}
