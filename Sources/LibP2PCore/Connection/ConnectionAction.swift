package import LibP2PIdentity
package import NIOCore

/// What ``ConnectionCore`` asks of its driver. Taken one by one with ``ConnectionCore/nextAction()``.
package enum ConnectionAction: Sendable {
    /// Put TLS below the core, after all output so far was written. Bytes already read that belong to TLS are
    /// in ``ConnectionCore/takeUnreadInput()``. Answer with
    /// ``ConnectionCore/tlsCompleted(certificates:alpn:unixTime:now:)``.
    case startTLS(ConnectionRole)
    /// The peer proved who it is. Answer with ``ConnectionCore/admissionDecided(_:now:)``.
    case authenticated(AuthenticatedPeer)
    /// Security and muxer stand: streams may be opened.
    case established
    /// The peer opened a stream and chose a protocol that we serve.
    case streamOpened(UInt32, protocolID: String)
    /// The peer agreed to the protocol of a stream that we opened.
    case streamNegotiated(UInt32, protocolID: String)
    /// A stream that we opened found no common protocol, or did not answer in time. It is gone.
    case streamFailed(UInt32, LibP2PError)
    /// Bytes for the application.
    case data(UInt32, ByteBuffer)
    /// The peer will send no more on this stream.
    case remoteClosedWrite(UInt32)
    /// The peer reset the stream. It is gone.
    case reset(UInt32)
    /// Queued bytes of the stream fell under the low watermark.
    case writable(UInt32)
    /// Both directions have ended and all that was queued is written.
    case streamEnded(UInt32)
    /// The peer wants no new streams.
    case goAway
    /// A round trip was measured by the muxer.
    case roundTrip(TimeAmount)
    /// The connection is over: write what output is left, then close the socket.
    case closed(LibP2PError)
}

/// A peer whose handshake succeeded.
package struct AuthenticatedPeer: Sendable {
    /// Its id, derived from ``publicKey``.
    package var peerID: PeerID
    /// The key that signed the handshake.
    package var publicKey: PublicKey
    /// The multistream id of the security protocol, which selects the admission gate.
    package var securityID: String
}
