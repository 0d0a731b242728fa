/// Hashes what happens in a run (FNV-1a over 64-bit words), so that two runs of one seed can be compared.
package struct Auditor: Sendable, Hashable {
    /// The hash so far.
    package private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325

    /// Folds words into the hash; their order counts.
    package mutating func add(_ words: UInt64...) {
        for word in words { self.hash = (self.hash ^ word) &* 0x0000_0100_0000_01b3 }
    }
}
