public import BittensorCore

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The wall clock that nonces are compared with and made from.
public struct AxonClock: Sendable {
    /// The time now.
    public var now: @Sendable () -> UnixTime

    /// A clock of one's own, for tests and replays.
    public init(now: @escaping @Sendable () -> UnixTime) {
        self.now = now
    }

    /// The clock of the system.
    public static let system = AxonClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
