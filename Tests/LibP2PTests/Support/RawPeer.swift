import Crypto
import LibP2PIdentity
import NIOCore

@testable import LibP2PCore

/// A dialer over a blocking socket that is honest up to the established connection and then sends any frames
/// it likes. Used from one thread.
final class RawPeer {
    struct Frame {
        var header: YamuxFrameHeader
        var payload: [UInt8]
    }

    let socket: RawSocket
    let peerID: PeerID
    private var core: ConnectionCore
    private var plain = ByteBuffer()
    private(set) var isEstablished = false
    private(set) var failure: LibP2PError?

    /// - Parameters:
    ///   - tamper: changes bytes of the handshake before they are sent; counted from 0 over the whole
    ///     connection.
    ///   - signer: signs the Noise static key in place of the peer's identity.
    init(
        port: UInt16, receiveBuffer: Int32? = nil, expecting: PeerID? = nil,
        tamper: ((Int, inout [UInt8]) -> Void)? = nil, signer: PrivateKey? = nil
    ) throws {
        self.socket = try RawSocket(port: port, receiveBuffer: receiveBuffer)
        let identity = try PrivateKey.generate(.ed25519)
        self.peerID = PeerID(publicKey: identity.publicKey)
        var configuration = try ConnectionConfiguration(identity: identity, security: [.noise])
        configuration.limits.yamux.keepAliveInterval = nil
        if let signer {
            configuration.noiseStaticKeySignature = try NoisePayload.signature(
                ofStaticKey: configuration.noiseStaticKey.publicKey, by: signer)
        }
        let other = try ConnectionConfiguration(identity: identity)
        self.core = ConnectionCore(
            role: .dialer, configuration: configuration, expectedPeer: expecting,
            ephemeralKey: other.noiseStaticKey,
            now: .now())
        try self.handshake(tamper)
    }

    private func handshake(_ tamper: ((Int, inout [UInt8]) -> Void)?) throws {
        let served = OfferedProtocols(ids: [])
        var flight = 0
        while self.failure == nil, !self.isEstablished || self.core.hasOutput {
            var output = ByteBuffer()
            while self.core.writeOutput(into: &output, bytesMax: 65_536) {}
            if output.readableBytes > 0 {
                var bytes = Array(output.readableBytesView)
                tamper?(flight, &bytes)
                flight += 1
                try self.socket.send(bytes)
            }
            if self.isEstablished { break }
            guard let bytes = try self.socket.receive() else { throw RawSocket.Failure.closed }
            self.core.received(ByteBuffer(bytes: bytes), now: .now(), protocols: served)
            while let action = self.core.nextAction() {
                switch action {
                case .authenticated: self.core.admissionDecided(true, now: .now(), protocols: served)
                case .established: self.isEstablished = true
                case .closed(let error): self.failure = error
                default: break
                }
            }
        }
    }

    // MARK: Frames by hand

    func send(_ type: YamuxFrameType, _ flags: YamuxFlags, _ id: UInt32, length: Int, payload: [UInt8] = [])
        throws
    {
        var bytes = ByteBuffer()
        YamuxFrameHeader(type: type, flags: flags, streamID: id, length: UInt32(length)).write(into: &bytes)
        bytes.writeBytes(payload)
        try self.sendPlain(bytes)
    }

    /// Seals and sends bytes of the muxer's layer.
    func sendPlain(_ bytes: ByteBuffer) throws {
        var plain = bytes
        var sealed = ByteBuffer()
        self.core.sealNoise(&plain, into: &sealed)
        try self.socket.send(Array(sealed.readableBytesView))
    }

    func open(_ id: UInt32, _ protocolID: String? = nil, then bytes: [UInt8] = []) throws {
        try self.sendPlain(Self.opening(id, protocolID, then: bytes))
    }

    /// A SYN on an empty data frame, the negotiation of a stream, and data.
    static func opening(_ id: UInt32, _ protocolID: String?, then bytes: [UInt8] = []) -> ByteBuffer {
        var frames = ByteBuffer()
        YamuxFrameHeader(type: .data, flags: .syn, streamID: id, length: 0).write(into: &frames)
        guard let protocolID else { return frames }
        let payload = Self.negotiation(protocolID) + bytes
        YamuxFrameHeader(type: .data, flags: [], streamID: id, length: UInt32(payload.count)).write(
            into: &frames)
        frames.writeBytes(payload)
        return frames
    }

    static func negotiation(_ protocolID: String) -> [UInt8] {
        [19] + Array("/multistream/1.0.0\n".utf8) + [UInt8(protocolID.utf8.count + 1)]
            + Array("\(protocolID)\n".utf8)
    }

    /// The next frame; nil when the host closed.
    func receiveFrame() throws -> Frame? {
        while true {
            var look = self.plain
            if let header = try YamuxFrameHeader(reading: &look) {
                let count = header.type == .data ? Int(header.length) : 0
                if let payload = look.readBytes(length: count) {
                    self.plain = look
                    return Frame(header: header, payload: payload)
                }
            }
            guard let bytes = try self.socket.receive() else { return nil }
            self.core.inbound.writeBytes(bytes)
            var inbound = self.core.inbound
            self.core.inbound = ByteBuffer()
            try self.core.noise?.open(&inbound, into: &self.plain)
            self.core.inbound = inbound
        }
    }

    /// The first frame that `isWanted`; nil when the host closed before.
    func receive(where isWanted: (Frame) -> Bool) throws -> Frame? {
        while let frame = try self.receiveFrame() {
            if isWanted(frame) { return frame }
        }
        return nil
    }
}
