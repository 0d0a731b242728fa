internal import Synchronization

/// The memory for request bodies of all connections of an axon together.
final class BodyBudget: Sendable {
    private let bytesMax: Int
    private let taken = Atomic<Int>(0)

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// Bytes that are set aside now.
    var bytes: Int { self.taken.load(ordering: .relaxed) }

    /// Sets bytes aside.
    /// - Returns: whether there was room; if not, nothing changed.
    func take(_ count: Int) -> Bool {
        guard self.taken.add(count, ordering: .relaxed).newValue <= self.bytesMax else {
            self.giveBack(count)
            return false
        }
        return true
    }

    /// Gives bytes back that were taken.
    func giveBack(_ count: Int) {
        self.taken.subtract(count, ordering: .relaxed)
    }
}
