import Crypto
import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2PCore

/// TLS runs below the core: it asks for it, gives back what it read too early, and checks the certificate.
struct ConnectionTLSTests {
    private static let time: Int64 = 1_800_000_000

    private func certificate(_ role: ConnectionRole) throws -> [UInt8] {
        let configuration = try CoreEnd.configuration(role == .dialer ? 10 : 20)
        return try LibP2PCertificate(
            identity: configuration.identity, certificateKey: P256.Signing.PrivateKey(), unixTime: Self.time
        ).certificateDER
    }

    /// Two ends which agreed on TLS.
    private func pair(expecting: PeerID? = nil) throws -> (dialer: CoreEnd, listener: CoreEnd) {
        let dialer = try CoreEnd(.dialer, { $0.security = [.tls] }, expecting: expecting)
        let listener = try CoreEnd(.listener, { $0.security = [.noise, .tls] })
        listener.receive(dialer.output())
        dialer.receive(listener.output())
        #expect(dialer.trace == ["startTLS"])
        #expect(listener.trace == ["startTLS"])
        return (dialer, listener)
    }

    private func complete(_ end: CoreEnd, certificates: [[UInt8]], alpn: String?) {
        end.core.tlsCompleted(certificates: certificates, alpn: alpn, unixTime: Self.time, now: end.now)
        end.act()
    }

    @Test(arguments: ["/yamux/1.0.0", "libp2p", nil])
    func `what ALPN agreed decides how the muxer is chosen`(alpn: String?) throws {
        let (dialer, listener) = try self.pair(expecting: try CoreEnd.peerID(.listener))
        self.complete(dialer, certificates: [try self.certificate(.listener)], alpn: alpn)
        self.complete(listener, certificates: [try self.certificate(.dialer)], alpn: alpn)
        #expect(dialer.hasEstablished == (alpn == "/yamux/1.0.0"))
        for _ in 0..<6 {
            listener.receive(dialer.output())
            dialer.receive(listener.output())
        }
        #expect(dialer.answer == "hello")
        #expect(try listener.peer?.peerID == CoreEnd.peerID(.dialer))
    }

    @Test func `records that came with the negotiation are given back once`() throws {
        let dialer = try CoreEnd(.dialer, { $0.security = [.tls] })
        let listener = try CoreEnd(.listener)
        var flight = dialer.output()
        flight.writeBytes([22, 3, 1])
        listener.receive(flight)
        let unread = listener.core.takeUnreadInput()
        let again = listener.core.takeUnreadInput()
        #expect(unread == ByteBuffer(bytes: [22, 3, 1]))
        #expect(again.readableBytes == 0)
    }

    @Test func `another peer's certificate is a mismatch`() throws {
        let (dialer, _) = try self.pair(expecting: try CoreEnd.peerID(.dialer))
        self.complete(dialer, certificates: [try self.certificate(.listener)], alpn: nil)
        #expect(dialer.errors.map(\.code) == [.peerIDMismatch])
    }

    @Test func `no certificate, two certificates and a damaged one are refused`() throws {
        let good = try self.certificate(.listener)
        var damaged = good
        damaged[damaged.count - 1] ^= 1
        for chain in [[], [good, good], [damaged], [[1, 2, 3]]] {
            let (dialer, _) = try self.pair()
            self.complete(dialer, certificates: chain, alpn: "/yamux/1.0.0")
            #expect(dialer.errors.map(\.code) == [.securityFailed])
            #expect(!dialer.hasEstablished)
        }
    }

    @Test func `a TLS handshake that never ends is ended by the deadline`() throws {
        let (dialer, listener) = try self.pair()
        for end in [dialer, listener] {
            end.advance(to: CoreEnd.start + .seconds(10))
            #expect(end.errors.map(\.code) == [.timeout])
        }
    }

    @Test func `bytes that come while TLS is put in place are bounded`() throws {
        let (_, listener) = try self.pair()
        listener.receive(repeatElement(0, count: 128 * 1024 + 1))
        #expect(listener.errors.map(\.code) == [.resourceLimit])
    }
}
