internal import NIOPosix

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Standard input, for commands that live as long as whoever started them.
enum StandardInput {
    /// Suspends until standard input ends, or the task is cancelled; what is read is thrown away.
    @Sendable static func ended() async {
        let (end, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        // The thread stays in its read when the task is cancelled, and goes with the process.
        NIOThreadPool.singleton.submit { _ in
            var byte: UInt8 = 0
            while read(STDIN_FILENO, &byte, 1) > 0 {}
            continuation.finish()
        }
        for await _ in end {}
    }
}
