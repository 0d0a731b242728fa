import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2PCore

/// The time between proving an id and being let in, and every deadline before a connection stands.
struct ConnectionAdmissionTests {
    @Test(arguments: [ConnectionRole.dialer, .listener], [true, false])
    func `a gate may refuse in either role`(role: ConnectionRole, earlyMuxer: Bool) throws {
        let pair = try CorePair { $0.earlyMuxer = earlyMuxer }
        let end = role == .dialer ? pair.dialer : pair.listener
        end.admits = false
        pair.run()
        #expect(end.errors.map(\.code) == [.admissionRefused])
        #expect(!end.hasEstablished)
        #expect(end.output().readableBytes == 0)
    }

    @Test(arguments: [true, false])
    func `bytes that come before the gate decided are kept and used afterwards`(earlyMuxer: Bool) throws {
        let pair = try CorePair { $0.earlyMuxer = earlyMuxer }
        pair.listener.admits = nil
        pair.run()
        #expect(pair.listener.trace == ["authenticated /noise"])
        #expect(pair.listener.answer == nil)
        pair.listener.decide(true)
        pair.run()
        #expect(pair.dialer.answer == "hello")
        #expect(pair.dialer.errors.isEmpty && pair.listener.errors.isEmpty)
    }

    @Test func `a gate that does not decide in time refuses`() throws {
        let pair = try CorePair()
        pair.listener.admits = nil
        pair.run()
        let due = pair.listener.core.nextDeadline
        let deadline = try #require(due)
        #expect(deadline == CoreEnd.start + .seconds(10))
        pair.listener.advance(to: deadline - .nanoseconds(1))
        #expect(pair.listener.errors.isEmpty)
        pair.listener.advance(to: deadline)
        #expect(pair.listener.errors.map(\.code) == [.admissionRefused])
        // The answer that comes too late changes nothing.
        pair.listener.decide(true)
        #expect(!pair.listener.hasEstablished)
    }

    @Test func `what a peer may send before it is admitted is bounded one byte below and one above`() throws {
        let pair = try CorePair { $0.limits.unadmittedBytesMax = 5000 }
        pair.dialer.proposals = []
        pair.listener.admits = nil
        pair.run()
        pair.listener.receive(repeatElement(0, count: 5000))
        #expect(pair.listener.errors.isEmpty)
        pair.listener.receive([0])
        #expect(pair.listener.errors.map(\.code) == [.resourceLimit])
        #expect("\(pair.listener.errors)".contains("before it was admitted"))
        #expect(pair.listener.core.inbound.storageCapacity == 0)
    }

    @Test func `a peer that leaves while the gate thinks is one error and the answer is ignored`() throws {
        let pair = try CorePair()
        pair.listener.admits = nil
        pair.run()
        pair.listener.close()
        pair.listener.decide(true)
        #expect(pair.listener.errors.map(\.code) == [.connectionClosed])
        #expect("\(pair.listener.errors)".contains("before it was admitted"))
    }

    @Test(arguments: [ConnectionRole.dialer, .listener])
    func `a handshake of one byte at a time ends at its deadline`(role: ConnectionRole) throws {
        let pair = try CorePair()
        pair.run()
        let end = try CoreEnd(role)
        let bytes = role == .listener ? pair.fromDialer : pair.fromListener
        for (index, byte) in bytes.prefix(40).enumerated() {
            end.advance(to: CoreEnd.start + .milliseconds(249) * index)
            end.receive([byte])
        }
        #expect(end.errors.isEmpty)
        #expect(end.core.nextDeadline == CoreEnd.start + .seconds(10))
        end.advance(to: CoreEnd.start + .seconds(10))
        #expect(end.errors.map(\.code) == [.timeout])
        #expect("\(end.errors)".contains("handshake"))
        end.receive(bytes)
        #expect(end.errors.count == 1 && !end.hasEstablished)
    }

    @Test(arguments: [ConnectionRole.dialer, .listener])
    func `a muxer that is not agreed in time is an error of its own`(role: ConnectionRole) throws {
        let dialer = try CoreEnd(.dialer, { $0.earlyMuxer = false })
        let listener = try CoreEnd(.listener, { $0.earlyMuxer = false })
        let (end, other) = role == .dialer ? (dialer, listener) : (listener, dialer)
        // The other end proves its id and says nothing more.
        other.admits = nil
        for _ in 0..<6 {
            listener.receive(dialer.output())
            dialer.receive(listener.output())
        }
        #expect(end.trace == ["authenticated /noise"])
        #expect(end.core.nextDeadline == CoreEnd.start + .seconds(10))
        end.advance(to: CoreEnd.start + .seconds(10))
        #expect(end.errors.map(\.code) == [.timeout])
        #expect("\(end.errors)".contains("muxer"))
    }

    @Test func `a peer that offers another muxer only is refused by name`() throws {
        let dialer = try CoreEnd(
            .dialer,
            {
                $0.earlyMuxer = false
                $0.muxers = ["/mplex/6.7.0"]
            })
        let listener = try CoreEnd(.listener, { $0.earlyMuxer = false })
        for _ in 0..<8 {
            listener.receive(dialer.output())
            dialer.receive(listener.output())
        }
        #expect(dialer.errors.map(\.code) == [.negotiationFailed])
        #expect("\(dialer.errors)".contains("/mplex/6.7.0"))
    }

    @Test func `an unfinished handshake holds little more than it was sent`() throws {
        let listener = try CoreEnd(.listener)
        var read = ByteBuffer()
        read.reserveCapacity(65_536)
        read.writeBytes([0x13, 0x2F])
        listener.receive(read)
        #expect(listener.core.inbound.storageCapacity <= 64)
    }
}
