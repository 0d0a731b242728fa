internal import DequeModule
package import NIOCore

/// One token bucket per key, in a table of bounded size. Pure: time comes in with each question.
///
/// A bucket holds up to `burst` tokens and gains `perSecond` of them; a question takes one. When the table is
/// full the bucket that was asked for the longest time ago is forgotten: its key starts again with a full
/// bucket, which gives a flood of keys no more than what new keys have anyway.
package struct TokenBuckets<Key: Hashable & Sendable>: Sendable {
    private struct Bucket {
        var tokens: Double
        var updated: NIODeadline
        var uses: UInt64
    }

    private let perSecond: Double
    private let burst: Double
    private let keysMax: Int
    private var buckets: [Key: Bucket] = [:]
    /// Keys in the order of use, with outdated entries that `uses` tells from the last one.
    private var order: Deque<(key: Key, uses: UInt64)> = []
    private var uses: UInt64 = 0

    /// Buckets of a rate and a burst, both at least one call, for at most `keysMax` keys.
    package init(perSecond: Double, burst: Int, keysMax: Int) {
        self.perSecond = max(perSecond, 1e-6)
        self.burst = Double(max(burst, 1))
        self.keysMax = max(keysMax, 1)
    }

    /// How many keys are in the table.
    package var count: Int { self.buckets.count }

    /// Takes a token of a key. `nil` when there was one; else how long until there is.
    package mutating func take(_ key: Key, now: NIODeadline) -> Duration? {
        var bucket = self.buckets[key] ?? Bucket(tokens: self.burst, updated: now, uses: 0)
        let elapsed = Double(max(0, (now - bucket.updated).nanoseconds)) / 1e9
        bucket.tokens = min(self.burst, bucket.tokens + elapsed * self.perSecond)
        bucket.updated = max(now, bucket.updated)
        self.uses += 1
        bucket.uses = self.uses
        let wait: Duration?
        if bucket.tokens >= 1 {
            bucket.tokens -= 1
            wait = nil
        } else {
            // At least a nanosecond, so that a wait is never "now", which would be refused again.
            wait = .nanoseconds(Int64(min(1e15, (1 - bucket.tokens) / self.perSecond * 1e9)) + 1)
        }
        self.buckets[key] = bucket
        self.order.append((key, self.uses))
        self.forgetOldest()
        return wait
    }

    private mutating func forgetOldest() {
        while let oldest = self.order.first {
            let isOutdated = self.buckets[oldest.key]?.uses != oldest.uses
            guard isOutdated || self.buckets.count > self.keysMax else { break }
            if !isOutdated { self.buckets[oldest.key] = nil }
            self.order.removeFirst()
        }
        // A key at the front that is never asked for again holds outdated entries behind it; sweep them in
        // one go.
        if self.order.count > 2 * self.keysMax + 16 {
            let buckets = self.buckets
            self.order.removeAll { buckets[$0.key]?.uses != $0.uses }
        }
    }
}
