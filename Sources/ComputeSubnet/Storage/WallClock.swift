#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The time of day, as a value that tests replace.
package struct WallClock: Sendable {
    /// Nanoseconds since 1970, UTC.
    package var now: @Sendable () -> Int64

    /// A clock of one's own.
    package init(now: @escaping @Sendable () -> Int64) {
        self.now = now
    }

    /// Seconds since 1970, rounded down.
    package var seconds: Int64 { self.now() / 1_000_000_000 }

    /// The clock of the system.
    package static let system = WallClock {
        var time = timespec()
        guard clock_gettime(CLOCK_REALTIME, &time) == 0 else { return 0 }
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
