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
    /// Suspends until standard input ends; what is read is thrown away.
    @Sendable static func ended() async {
        try? await NIOThreadPool.singleton.runIfActive {
            var byte: UInt8 = 0
            while read(STDIN_FILENO, &byte, 1) > 0 {}
        }
    }
}
