import NIOCore
import SubnetFuzzing
import Testing

@testable import LibP2PCore

@Suite("Handshake fuzz entry points")
struct HandshakeFuzzTests {
    @Test("They survive valid input and many of its mutations")
    func mutations() throws {
        var identify = ByteBuffer()
        IdentifyMessage(protocols: ["/a", "/b"], protocolVersion: "p", agentVersion: "a").encode(
            into: &identify)
        let transcript = try #require(NoiseTranscript.all.first)
        let seeds: [[UInt8]] = [
            [], [7], MultistreamLine.header + MultistreamLine.list + MultistreamLine.encoded("/noise"),
            MultistreamLine.header + MultistreamLine.notAvailable + MultistreamLine.encoded("/noise"),
            Array(identify.readableBytesView),
            HandshakeFixtures.bytes(transcript.messages[0] + transcript.messages[2]),
            HandshakeFixtures.bytes(transcript.transport[0].record),
        ]
        var random = SeededBytes(state: 1)
        for (_, run) in HandshakeFuzz.all {
            for seed in seeds {
                run([0xFF] + seed)
                for _ in 0..<30 {
                    var bytes = [random.next()] + seed
                    for _ in 0..<Int(random.next() % 4 + 1) {
                        let index = Int(random.next()) % bytes.count
                        bytes[index] = random.next()
                    }
                    run(bytes)
                }
            }
        }
    }

    @Test("The certificate entry survives mutations of a certificate")
    func certificate() throws {
        struct File: Decodable {
            struct Entry: Decodable { var certificate: String }
            var certificates: [Entry]
        }
        let der = HandshakeFixtures.bytes(
            try HandshakeFixtures.decode(File.self, from: "tls_spec_vectors").certificates[0].certificate)
        var random = SeededBytes(state: 2)
        HandshakeFuzz.tlsCertificate(der)
        for _ in 0..<300 {
            var bytes = der
            bytes[(Int(random.next()) << 8 | Int(random.next())) % der.count] = random.next()
            HandshakeFuzz.tlsCertificate(bytes)
        }
    }
}

/// xorshift, so that a failure comes again.
private struct SeededBytes {
    var state: UInt64

    mutating func next() -> UInt8 {
        self.state ^= self.state << 13
        self.state ^= self.state >> 7
        self.state ^= self.state << 17
        return UInt8(truncatingIfNeeded: self.state >> 24)
    }
}
