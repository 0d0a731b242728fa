package import LibP2PIdentity
internal import LibP2PWire
internal import SwiftProtobuf

/// What a peer says about itself.
///
/// Layout: length uvarint | protobuf `Identify` {1 publicKey, 2 listenAddrs*, 3 protocols*, 4 observedAddr, 5
/// protocolVersion, 6 agentVersion, 8 signedPeerRecord}, once or more; later messages add to the lists and
/// replace the single fields. Every field is optional. Nothing in it is proved but ``signedPeerRecord``.
/// - Source: <https://github.com/libp2p/specs/blob/master/identify/README.md>
/// - Limits: ``IdentifyLimits``.
package struct IdentifyMessage: Sendable, Hashable {
    /// The protocol on which a peer asks.
    package static let protocolID = "/ipfs/id/1.0.0"
    /// The protocol on which a peer tells of changes. Absent fields have not changed.
    package static let pushProtocolID = "/ipfs/id/push/1.0.0"

    /// The identity key.
    package var publicKey: PublicKey?
    /// Where the peer listens.
    package var listenAddresses: [Multiaddr]
    /// What may be asked of it.
    package var protocols: [String]
    /// The address from which it sees us.
    package var observedAddress: Multiaddr?
    /// The family of protocols, such as `ipfs/0.1.0`.
    package var protocolVersion: String?
    /// The software, as `name/version`. py-libp2p takes a message without one for garbage.
    package var agentVersion: String?
    /// A ``SignedEnvelope`` with a ``PeerRecord``, not checked yet.
    package var signedPeerRecord: [UInt8]?
    /// Entries that were not understood, too long or too many.
    package var entriesDropped: Int

    /// Makes a message.
    package init(
        publicKey: PublicKey? = nil, listenAddresses: [Multiaddr] = [], protocols: [String] = [],
        observedAddress: Multiaddr? = nil, protocolVersion: String? = nil, agentVersion: String? = nil,
        signedPeerRecord: [UInt8]? = nil
    ) {
        self.publicKey = publicKey
        self.listenAddresses = listenAddresses
        self.protocols = protocols
        self.observedAddress = observedAddress
        self.protocolVersion = protocolVersion
        self.agentVersion = agentVersion
        self.signedPeerRecord = signedPeerRecord
        self.entriesDropped = 0
    }

    /// Checks that the message speaks of the peer at the other end of the connection.
    /// - Throws: `keyMismatch`. A message without a key passes: the connection has proved it already.
    package func checkSender(_ peer: PeerID) throws(IdentifyError) {
        if let publicKey, PeerID(publicKey: publicKey) != peer {
            throw IdentifyError(.keyMismatch, "\(peer) identifies itself by another peer's key")
        }
    }

    /// The record in ``signedPeerRecord``, when `peer` signed it about itself; nil when there is none.
    /// - Throws: `invalidPeerRecord`. The rest of the message keeps its worth.
    package func peerRecord(of peer: PeerID) throws(IdentifyError) -> PeerRecord? {
        guard let signedPeerRecord else { return nil }
        let record: PeerRecord
        do {
            record = try PeerRecord.open(signedPeerRecord).record
        } catch {
            throw IdentifyError(.invalidPeerRecord, "the signed peer record is not valid", cause: error)
        }
        guard record.peerID == peer else {
            throw IdentifyError(.invalidPeerRecord, "\(peer) shows the peer record of \(record.peerID)")
        }
        return record
    }

    /// Adds one parsed message.
    mutating func merge(_ message: Libp2p_Identify_Identify, limits: IdentifyLimits) throws(IdentifyError) {
        if message.hasPublicKey {
            do {
                self.publicKey = try PublicKey(protobuf: Array(message.publicKey))
            } catch {
                throw IdentifyError(.malformedMessage, "the public key cannot be decoded", cause: error)
            }
        }
        for bytes in message.listenAddrs {
            if self.listenAddresses.count < limits.addressesMax,
                let address = try? Multiaddr(bytes: Array(bytes))
            {
                self.listenAddresses.append(address)
            } else {
                self.entriesDropped += 1
            }
        }
        for name in message.protocols {
            if self.protocols.count < limits.protocolsMax, name.utf8.count <= limits.textBytesMax {
                self.protocols.append(name)
            } else {
                self.entriesDropped += 1
            }
        }
        if message.hasObservedAddr {
            self.observedAddress = try? Multiaddr(bytes: Array(message.observedAddr))
            if self.observedAddress == nil { self.entriesDropped += 1 }
        }
        if message.hasProtocolVersion {
            self.protocolVersion = self.kept(message.protocolVersion, limits: limits)
        }
        if message.hasAgentVersion {
            self.agentVersion = self.kept(message.agentVersion, limits: limits)
        }
        if message.hasSignedPeerRecord { self.signedPeerRecord = Array(message.signedPeerRecord) }
    }

    private mutating func kept(_ text: String, limits: IdentifyLimits) -> String? {
        if text.utf8.count <= limits.textBytesMax { return text }
        self.entriesDropped += 1
        return nil
    }
}
