import Crypto
import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2PCore

/// A connection from its first byte to its first answer.
struct ConnectionHandshakeTests {
    @Test(arguments: [true, false])
    func `two cores agree on noise and yamux and answer the first stream`(earlyMuxer: Bool) throws {
        let pair = try CorePair(expecting: CoreEnd.peerID(.listener)) { $0.earlyMuxer = earlyMuxer }
        pair.run()
        #expect(pair.dialer.trace == ["authenticated /noise", "established", "agreed /echo/1.0.0", "ended"])
        #expect(
            pair.listener.trace == ["authenticated /noise", "established", "opened /echo/1.0.0", "ended"])
        #expect(pair.dialer.answer == "hello")
        #expect(try pair.dialer.peer?.peerID == CoreEnd.peerID(.listener))
        #expect(try pair.listener.peer?.peerID == CoreEnd.peerID(.dialer))
        #expect(pair.dialer.core.streamCount == 0)
        #expect(pair.listener.core.streamCount == 0)
    }

    @Test(arguments: [ConnectionRole.dialer, .listener])
    func `a static key that another identity signed is refused by name`(forger: ConnectionRole) throws {
        let own = try CoreEnd.configuration(forger == .dialer ? 10 : 20)
        let foreign = try NoisePayload.signature(
            ofStaticKey: own.noiseStaticKey.publicKey,
            by: PrivateKey(ed25519Seed: [UInt8](repeating: 99, count: 32)))
        let pair = try CorePair { configuration in
            guard configuration.noiseStaticKeySignature == own.noiseStaticKeySignature else { return }
            configuration.noiseStaticKeySignature = foreign
        }
        pair.run()
        let victim = forger == .dialer ? pair.listener : pair.dialer
        #expect(victim.errors.map(\.code) == [.securityFailed])
        let reason = victim.errors.first.map { "\($0)" } ?? ""
        #expect(reason.contains("the identity key did not sign the Noise static key"), "\(reason)")
        #expect(!victim.hasEstablished)
        #expect(victim.peer == nil)
    }

    @Test func `an early muxer is only used when both want it`() throws {
        let dialer = try CoreEnd(.dialer, { $0.earlyMuxer = true })
        let listener = try CoreEnd(.listener, { $0.earlyMuxer = false })
        for _ in 0..<10 {
            listener.receive(dialer.output())
            dialer.receive(listener.output())
        }
        #expect(dialer.answer == "hello")
    }

    @Test func `the plain part of the trace is multistream as the spec writes it`() throws {
        let dialer = try CoreEnd(.dialer)
        let listener = try CoreEnd(.listener)
        let first = dialer.output()
        #expect(String(buffer: first) == "\u{13}/multistream/1.0.0\n\u{07}/noise\n")
        listener.receive(first)
        let answer = listener.output()
        #expect(String(buffer: answer) == "\u{13}/multistream/1.0.0\n\u{07}/noise\n")
        dialer.receive(answer)
        // Message 1 of Noise XX: two bytes of length, then the ephemeral key.
        let message = dialer.output()
        #expect(message.readableBytes == 34)
        #expect(message.getInteger(at: 0, as: UInt16.self) == 32)
    }

    @Test(arguments: [true, false])
    func `the same noise runs under the id of the proof-of-stake transport`(earlyMuxer: Bool) throws {
        let pair = try CorePair {
            $0.security = [SecurityOption(id: "/pos-transport/1.0.0", upgrade: .noise)]
            $0.earlyMuxer = earlyMuxer
        }
        pair.run()
        #expect(pair.listener.peer?.securityID == "/pos-transport/1.0.0")
        #expect(pair.dialer.answer == "hello")
    }

    @Test func `a listener that offers both ids takes the one that is proposed`() throws {
        let dialer = try CoreEnd(.dialer, { $0.security = [.noise] })
        let listener = try CoreEnd(
            .listener,
            { $0.security = [SecurityOption(id: "/pos-transport/1.0.0", upgrade: .noise), .noise] })
        for _ in 0..<10 {
            listener.receive(dialer.output())
            dialer.receive(listener.output())
        }
        #expect(listener.peer?.securityID == "/noise")
        #expect(dialer.answer == "hello")
    }

    @Test func `a dialer falls back to the second security protocol`() throws {
        let pos = SecurityOption(id: "/pos-transport/1.0.0", upgrade: .noise)
        let dialer = try CoreEnd(.dialer, { $0.security = [pos, .noise] })
        let listener = try CoreEnd(.listener, { $0.security = [.noise] })
        for _ in 0..<12 {
            listener.receive(dialer.output())
            dialer.receive(listener.output())
        }
        #expect(dialer.peer?.securityID == "/noise")
        #expect(dialer.answer == "hello")
    }

    @Test func `peers without a common security protocol part with one error that says so`() throws {
        let dialer = try CoreEnd(
            .dialer, { $0.security = [SecurityOption(id: "/secio/1.0.0", upgrade: .noise)] })
        let listener = try CoreEnd(.listener)
        for _ in 0..<4 {
            listener.receive(dialer.output())
            dialer.receive(listener.output())
        }
        #expect(dialer.errors.map(\.code) == [.negotiationFailed])
        #expect("\(dialer.errors)".contains("/secio/1.0.0"))
    }

    @Test func `another peer than the expected one is refused by the dialer`() throws {
        let pair = try CorePair(expecting: CoreEnd.peerID(.dialer))
        pair.run()
        #expect(pair.dialer.errors.map(\.code) == [.peerIDMismatch])
        #expect(!pair.dialer.hasEstablished)
        #expect(!pair.listener.hasEstablished)
    }

    @Test(arguments: [1, 2, 7, 13, 64, 1000])
    func `pieces of any size lead to the same end`(piece: Int) throws {
        for earlyMuxer in [true, false] {
            let pair = try CorePair { $0.earlyMuxer = earlyMuxer }
            pair.run(piece: piece)
            #expect(pair.dialer.answer == "hello")
            #expect(pair.dialer.errors.isEmpty && pair.listener.errors.isEmpty)
        }
    }

    @Test(arguments: [true, false])
    func `every split of the bytes of either side leads to the same end`(earlyMuxer: Bool) throws {
        let whole = try CorePair { $0.earlyMuxer = earlyMuxer }
        whole.run()
        for (role, bytes) in [(ConnectionRole.listener, whole.fromDialer), (.dialer, whole.fromListener)] {
            for index in 1..<bytes.count {
                let pair = try CorePair { $0.earlyMuxer = earlyMuxer }
                pair.run(split: index, towards: role)
                #expect(pair.dialer.trace == whole.dialer.trace, "split at \(index) towards the \(role)")
                #expect(pair.listener.trace == whole.listener.trace, "split at \(index) towards the \(role)")
                #expect(pair.dialer.answer == "hello" && pair.listener.answer == "hello")
            }
        }
    }

    @Test(arguments: [true, false])
    func `every truncation ends in exactly one error that names the stage`(earlyMuxer: Bool) throws {
        let pair = try CorePair { $0.earlyMuxer = earlyMuxer }
        pair.run()
        for (role, bytes) in [(ConnectionRole.listener, pair.fromDialer), (.dialer, pair.fromListener)] {
            for count in 0..<bytes.count {
                let end = try CoreEnd(role, { $0.earlyMuxer = earlyMuxer })
                end.receive(bytes[..<count])
                _ = end.output()
                end.close()
                end.close()
                end.advance(to: end.now + .hours(1))
                #expect(end.errors.map(\.code) == [.connectionClosed], "cut after \(count) bytes, \(role)")
                #expect(end.errors.first?.message.contains("the peer") == true)
                #expect(end.core.nextDeadline == nil && end.core.isClosed)
            }
        }
    }

    @Test(arguments: [true, false])
    func `a changed byte anywhere in the handshake fails closed`(earlyMuxer: Bool) throws {
        let pair = try CorePair { $0.earlyMuxer = earlyMuxer }
        pair.dialer.proposals = []
        pair.run()
        for (role, bytes) in [(ConnectionRole.listener, pair.fromDialer), (.dialer, pair.fromListener)] {
            for index in bytes.indices {
                var changed = bytes
                changed[index] ^= 1 << UInt8(index % 8)
                let end = try CoreEnd(role, { $0.earlyMuxer = earlyMuxer })
                end.proposals = []
                end.receive(changed)
                // A changed length leaves it waiting; time ends that too.
                end.advance(to: end.now + .minutes(1))
                #expect(!end.hasEstablished, "byte \(index) of \(bytes.count) towards the \(role)")
                #expect(end.errors.count == 1)
                #expect(end.received.isEmpty)
            }
        }
    }

    @Test func `what is written at once is bounded by what was asked for`() throws {
        let pair = try CorePair()
        pair.dialer.proposals = []
        pair.run()
        let id = try pair.dialer.core.openStream(try MultistreamProposals([CoreEnd.echo]), now: CoreEnd.start)
        pair.dialer.core.send(ByteBuffer(repeating: 7, count: 200_000), on: id)
        for bytesMax in [64, 1000, 20_000, 128 * 1024] {
            var piece = ByteBuffer()
            let wrote = pair.dialer.core.writeOutput(into: &piece, bytesMax: bytesMax)
            #expect(wrote)
            // Each Noise record costs 18 bytes.
            #expect(piece.readableBytes <= bytesMax + 18 * (bytesMax / 16_384 + 1))
        }
    }

    @Test func `deadlines stay ahead of the clock and never come back`() throws {
        let pair = try CorePair { $0.limits.yamux.keepAliveInterval = .seconds(30) }
        var latest: [NIODeadline] = [CoreEnd.start, CoreEnd.start]
        for _ in 0..<40 {
            for (index, end) in [pair.dialer, pair.listener].enumerated() {
                end.advance(to: end.now + .milliseconds(100))
                guard let deadline = end.core.nextDeadline else { continue }
                #expect(deadline > end.now)
                if !end.hasEstablished {
                    #expect(deadline >= latest[index])
                    latest[index] = deadline
                }
            }
            pair.carry(from: pair.dialer, to: pair.listener)
            pair.carry(from: pair.listener, to: pair.dialer)
        }
        #expect(pair.dialer.answer == "hello")
        #expect(pair.dialer.errors.isEmpty && pair.listener.errors.isEmpty)
    }
}
