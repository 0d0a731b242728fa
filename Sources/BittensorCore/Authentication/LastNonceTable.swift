/// Python's memory of nonces: the highest of each hotkey and uuid. Bounded, unlike Python's: of the pairs
/// beyond the bound those used longest ago go, and count as new when they come back. A pair is kept as a
/// digest, since Python's rule bounds no uuid.
struct LastNonceTable {
    private let pairsMax: Int
    /// Two halves: what is used moves to the young one; when that is full, the old one is dropped.
    private var young: [UInt128: Int] = [:]
    private var old: [UInt128: Int] = [:]

    init(limits: SynapseLimits) {
        self.pairsMax = max(2, limits.noncePairsMax)
    }

    static func pair(_ hotkey: String?, _ uuid: String?) -> String {
        "\(hotkey ?? "None"):\(uuid ?? "None")"
    }

    /// The last nonce of a pair.
    func last(_ pair: String) -> Int? {
        self.last(of: NonceStore.digest(pair))
    }

    /// Keeps a nonce, unless a higher one was kept meanwhile: then `false`.
    mutating func keep(_ nonce: Int, of pair: String) -> Bool {
        let pair = NonceStore.digest(pair)
        if let last = self.last(of: pair), nonce <= last { return false }
        if self.young.count >= self.pairsMax / 2 {
            self.old = self.young
            self.young = [:]
        }
        self.young[pair] = nonce
        return true
    }

    private func last(of pair: UInt128) -> Int? {
        self.young[pair] ?? self.old[pair]
    }
}
