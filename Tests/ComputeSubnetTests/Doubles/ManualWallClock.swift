import Synchronization

@testable import ComputeSubnet

/// A time of day that tests turn by hand.
final class ManualWallClock: Sendable {
    private let time = Mutex<Int64>(1_700_000_000 * 1_000_000_000)

    var wallClock: WallClock { WallClock { [self] in self.time.withLock { $0 } } }

    func advance(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.time.withLock { $0 += seconds * 1_000_000_000 + attoseconds / 1_000_000_000 }
    }
}
