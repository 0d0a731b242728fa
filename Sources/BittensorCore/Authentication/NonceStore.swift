internal import Crypto

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The nonces that a strict server has accepted: each is good once, in any order, also across a restart.
///
/// A nonce is a moment. Those inside the window of freshness are kept in a set, one bucket per second; those
/// before the *floor* are refused without looking. The floor only rises: when a bucket leaves the window,
/// when the set is full and its oldest bucket must go, and at a start, when it is what the journal says.
///
/// The journal says up to which moment nonces *may* have been accepted. A nonce beyond that mark waits until
/// a new mark is written, a little ahead of it, so that a killed process has never accepted what the journal
/// does not cover. After a restart everything up to the mark is refused: at most ``leadMax`` of honest
/// requests.
struct NonceStore {
    /// What became of a nonce.
    enum Claim: Equatable {
        /// It is new, and used from now on.
        case accepted
        /// It was used.
        case replayed
        /// It lies before the floor: whether it was used is not known any more.
        case beforeFloor
        /// This hotkey has as many nonces in the window as are remembered of one.
        case tooMany
        /// The journal must cover it first. Then ask again.
        case needsMark(upTo: Int64)
    }

    /// How far ahead of the nonce a mark is written, in nanoseconds.
    static let leadMax: Int64 = 2_000_000_000
    private static let second: Int64 = 1_000_000_000

    private struct Bucket {
        var digests: Set<UInt128> = []
        var perHotkey: [String: Int] = [:]
    }

    private let windowMax: Int64
    private let noncesMax: Int
    private let perHotkeyMax: Int
    private var buckets: [Int64: Bucket] = [:]
    private var perHotkey: [String: Int] = [:]
    private(set) var count = 0
    /// Nonces up to here are refused.
    private(set) var floor: Int64
    /// Nonces up to here may be accepted; `nil` without a journal.
    private var mark: Int64?
    /// The highest nonce that was accepted.
    private(set) var highest: Int64

    /// A store without nonces.
    ///
    /// - Parameters:
    ///   - windowMax: nanoseconds for which a nonce can be fresh.
    ///   - floor: nonces up to here are refused.
    ///   - isJournaled: whether nonces must be covered by a mark.
    init(windowMax: Int64, limits: SynapseLimits, floor: Int64, isJournaled: Bool) {
        self.windowMax = windowMax
        self.noncesMax = limits.noncesMax
        self.perHotkeyMax = limits.noncesPerHotkeyMax
        self.floor = floor
        self.highest = floor
        self.mark = isJournaled ? floor : nil
    }

    /// Uses a nonce of a hotkey. The caller has checked that it is fresh, and that the signature is good.
    ///
    /// - Parameter scope: what makes nonces of one hotkey different beside their number: the uuid, or the
    ///   generation of the proof.
    /// - Parameter other: a second scope that the same request is good in: both are used, or none.
    mutating func claim(
        hotkey: String, scope: String, and other: String? = nil, nonce: Int64, now: Int64
    ) -> Claim {
        self.forget(before: now.adding(-self.windowMax))
        guard nonce > self.floor else { return .beforeFloor }
        var digests: Set = [Self.digest(hotkey, scope, nonce)]
        if let other { digests.insert(Self.digest(hotkey, other, nonce)) }
        let second = nonce / Self.second
        if self.buckets[second]?.digests.isDisjoint(with: digests) == false { return .replayed }
        guard self.perHotkey[hotkey, default: 0] + digests.count <= self.perHotkeyMax else { return .tooMany }
        if let mark = self.mark, nonce > mark {
            return .needsMark(upTo: max(nonce, now).adding(Self.leadMax))
        }
        while self.count > 0, self.count + digests.count > self.noncesMax { self.forgetOldest() }
        // The oldest bucket may have been this one.
        guard nonce > self.floor else { return .beforeFloor }
        self.buckets[second, default: Bucket()].digests.formUnion(digests)
        self.buckets[second]?.perHotkey[hotkey, default: 0] += digests.count
        self.perHotkey[hotkey, default: 0] += digests.count
        self.count += digests.count
        self.highest = max(self.highest, nonce)
        return .accepted
    }

    /// The journal now covers nonces up to a moment.
    mutating func marked(upTo nanoseconds: Int64) {
        if let mark = self.mark { self.mark = max(mark, nanoseconds) }
    }

    /// What a journal of an earlier run said: nothing up to there is accepted.
    mutating func raiseFloor(to nanoseconds: Int64) {
        self.floor = max(self.floor, nanoseconds)
        self.highest = max(self.highest, nanoseconds)
        if let mark = self.mark { self.mark = max(mark, nanoseconds) }
    }

    private mutating func forget(before moment: Int64) {
        guard self.buckets.count > 1 || self.count > 0 else { return }
        for second in self.buckets.keys where Self.lastNonce(of: second) < moment { self.remove(second) }
    }

    private mutating func forgetOldest() {
        if let oldest = self.buckets.keys.min() { self.remove(oldest) }
    }

    /// Forgets the nonces of one second, and refuses from now on whatever is not after it.
    private mutating func remove(_ second: Int64) {
        guard let bucket = self.buckets.removeValue(forKey: second) else { return }
        self.count -= bucket.digests.count
        for (hotkey, count) in bucket.perHotkey {
            let left = self.perHotkey[hotkey, default: 0] - count
            self.perHotkey[hotkey] = left > 0 ? left : nil
        }
        self.floor = max(self.floor, Self.lastNonce(of: second))
    }

    /// The last nonce of a second. That of the last second of all is the largest number.
    private static func lastNonce(of second: Int64) -> Int64 {
        (second * Self.second).adding(Self.second - 1)
    }

    private static func digest(_ hotkey: String, _ scope: String, _ nonce: Int64) -> UInt128 {
        // Lengths keep the parts apart.
        self.digest("\(hotkey.utf8.count) \(hotkey) \(scope.utf8.count) \(scope) \(nonce)")
    }

    /// What is kept of a text that a peer makes as long as it likes.
    static func digest(_ text: String) -> UInt128 {
        SHA256.hash(data: Data(text.utf8)).prefix(16).reduce(0) { $0 << 8 | UInt128($1) }
    }
}
