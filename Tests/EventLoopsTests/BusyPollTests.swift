import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import EventLoops

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite(.timeLimit(.minutes(1)))
struct BusyPollTests {
    @Test func `looks after each answer while bytes come`() {
        var policy = BusyPollPolicy()
        for _ in 0..<1000 {
            let mayLook = policy.mayLook()
            #expect(mayLook)
            policy.looked(.ready)
        }
    }

    // Pauses that double, and then one look in 257 answers; one in 17 where others wanted the core.
    @Test(arguments: [(BusyPollPolicy.Outcome.nothing, 40...50), (.contended, 580...600)])
    func `looks in vain become rare, and one success brings them back`(
        _ outcome: BusyPollPolicy.Outcome, _ expected: ClosedRange<Int>
    ) {
        var policy = BusyPollPolicy()
        var looks = 0
        for _ in 0..<10_000 where policy.mayLook() {
            looks += 1
            policy.looked(outcome)
        }
        #expect(expected.contains(looks))
        while !policy.mayLook() {}
        policy.looked(.ready)
        let mayLook = policy.mayLook()
        #expect(mayLook)
    }

    @Test func `a look lasts until bytes come, and the loop reads them`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let pair = try SocketPair()
        // Whoever else wants the core does not end this look, nor does time.
        let poll = BusyPoll(eventLoop: loop, contention: .hours(1))
        // Not a future of this loop: who comes to wait during the look would wait until its end.
        let (looks, look) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let read = loop.makePromise(of: UInt8?.self)
        loop.execute {
            poll.add(pair.here, span: .seconds(40))
            poll.answered {
                look.yield()
                return true
            }
            // Its turn comes after the look that was just asked for.
            loop.execute { read.succeed(pair.read()) }
        }
        for await _ in looks { break }
        pair.send(7)
        let byte = try await read.futureResult.get()
        #expect(byte == 7)
        try await loop.submit { poll.remove(pair.here) }.get()
        try await group.shutdownGracefully()
    }

    @Test func `a look ends with its time, with other work, and without sockets`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let pair = try SocketPair()
        let poll = BusyPoll(eventLoop: loop, contention: .hours(1))
        let looks = Counter()
        func answered(isIdle: Bool) async throws -> Int {
            let before = looks.count
            try await loop.submit {
                poll.answered {
                    looks.add()
                    return isIdle
                }
            }.get()
            try await loop.submit {}.get()
            return looks.count - before
        }
        let without = try await answered(isIdle: true)
        #expect(without == 0)
        try await loop.submit { poll.add(pair.here, span: .microseconds(200)) }.get()
        let busy = try await answered(isIdle: false)
        #expect(busy == 1)
        let idle = try await answered(isIdle: true)
        #expect(idle >= 1)
        // That one was in vain: two answers pass without a look.
        let paused = try await answered(isIdle: true)
        #expect(paused == 0)
        try await group.shutdownGracefully()
    }
}

/// Two connected sockets.
private final class SocketPair: Sendable {
    let here: CInt
    private let there: CInt

    init() throws {
        var ends: [CInt] = [0, 0]
        #if canImport(Glibc)
            let type = CInt(SOCK_STREAM.rawValue)
        #else
            let type = SOCK_STREAM
        #endif
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw IOError(errnoCode: errno, reason: "pair")
        }
        (self.here, self.there) = (ends[0], ends[1])
    }

    deinit {
        close(self.here)
        close(self.there)
    }

    func send(_ byte: UInt8) { withUnsafeBytes(of: byte) { _ = write(self.there, $0.baseAddress, 1) } }

    /// The byte that is there; nil where there is none.
    func read() -> UInt8? {
        var byte: UInt8 = 0
        return recv(self.here, &byte, 1, CInt(MSG_DONTWAIT)) == 1 ? byte : nil
    }
}

private final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    var count: Int { self.value.load(ordering: .relaxed) }
    func add() { self.value.wrappingAdd(1, ordering: .relaxed) }
}
