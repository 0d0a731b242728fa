/// The addresses at which a peer says it can be reached.
///
/// Layout: protobuf with 1 peer id, 2 sequence number, 3 repeated message with 1 multiaddress. Of two records
/// of a peer the one with the higher number counts. It travels in a ``SignedEnvelope`` only.
///
/// RFC 0003 prints a domain and payload type that were placeholders; what Go, JavaScript and Python send is
/// ``domain`` and ``payloadType``. Rust sends the placeholders, so they are read as well.
/// - Source: <https://github.com/libp2p/specs/blob/master/RFC/0003-routing-records.md>
/// - Limits: ``IdentityLimits/addressesMax`` addresses; further ones, and those that are not understood, are
///   dropped and counted.
public struct PeerRecord: Sendable, Hashable {
    /// The domain string under which records are signed.
    public static let domain = "libp2p-peer-record"
    /// The payload type of records, the multicodec `libp2p-peer-record` as the implementations write it.
    public static let payloadType: [UInt8] = [0x03, 0x01]
    /// The domain string that RFC 0003 prints.
    static let draftDomain = "libp2p-routing-state"
    /// The payload type that RFC 0003 prints.
    static let draftPayloadType = Array("/libp2p/routing-state-record".utf8)

    /// Whose addresses these are.
    public let peerID: PeerID
    /// Grows with every record of the peer; often the time, but never to be read as one.
    public let sequenceNumber: UInt64
    /// The addresses that were understood, in order.
    public let addresses: [Multiaddr]
    /// How many addresses were not understood or too many.
    public let addressesDropped: Int

    /// Makes a record.
    ///
    /// - Throws: `.limitExceeded` for more than ``IdentityLimits/addressesMax`` addresses.
    public init(peerID: PeerID, sequenceNumber: UInt64, addresses: [Multiaddr]) throws(IdentityError) {
        guard addresses.count <= IdentityLimits.addressesMax else {
            throw IdentityError(
                .limitExceeded,
                "a record of \(addresses.count) addresses exceeds \(IdentityLimits.addressesMax)")
        }
        self.peerID = peerID
        self.sequenceNumber = sequenceNumber
        self.addresses = addresses
        self.addressesDropped = 0
    }

    /// Reads a record out of a verified payload. Unknown fields are skipped, as the RFC asks; an absent
    /// sequence number is zero, as protobuf has it.
    ///
    /// - Throws: `.malformedRecord`, `.malformedPeerID`, `.limitExceeded`.
    package init(payload: [UInt8]) throws(IdentityError) {
        guard payload.count <= IdentityLimits.envelopeBytesMax else {
            throw IdentityError(.limitExceeded, "a peer record of \(payload.count) bytes is too long")
        }
        var peerID: [UInt8]?
        var sequenceNumber: UInt64?
        var addresses: [[UInt8]] = []
        var excess = 0
        do throws(IdentityError) {
            var reader = ProtobufReader(payload)
            while let field = try reader.next() {
                switch field.number {
                case 1 where peerID == nil: peerID = try field.bytes()
                case 2 where sequenceNumber == nil: sequenceNumber = try field.uint64()
                case 1, 2:
                    throw IdentityError(
                        .malformedRecord, "field \(field.number) of a peer record stands twice")
                case 3 where addresses.count < IdentityLimits.addressesMax:
                    addresses.append(try Self.address(in: try field.bytes()))
                case 3: excess += 1
                default: break
                }
            }
        } catch {
            throw error.code == .malformedRecord
                ? error : IdentityError(.malformedRecord, "a peer record is no protobuf", cause: error)
        }
        guard let peerID else { throw IdentityError(.malformedRecord, "a peer record names no peer") }
        let (known, dropped) = Multiaddr.parseKnown(addresses)
        self.peerID = try PeerID(bytes: peerID)
        self.sequenceNumber = sequenceNumber ?? 0
        self.addresses = known
        self.addressesDropped = dropped + excess
    }

    /// Takes the address out of an `AddressInfo`; one without is an empty address, which is dropped later.
    private static func address(in message: [UInt8]) throws(IdentityError) -> [UInt8] {
        var reader = ProtobufReader(message)
        var address: [UInt8] = []
        while let field = try reader.next() {
            if field.number == 1 { address = try field.bytes() }
        }
        return address
    }

    /// The protobuf encoding, the payload of an envelope.
    package var payload: [UInt8] {
        var writer = ProtobufWriter(capacity: 64 + addresses.reduce(0) { $0 + $1.bytes.count + 6 })
        writer.append(peerID.bytes, field: 1)
        writer.append(sequenceNumber, field: 2)
        for address in addresses {
            var message = ProtobufWriter(capacity: address.bytes.count + 3)
            message.append(address.bytes, field: 1)
            writer.append(message.bytes, field: 3)
        }
        return writer.bytes
    }

    /// Signs the record with its own peer's key.
    ///
    /// - Throws: `.signerMismatch` for another peer's key, `.limitExceeded`, `.cryptography`.
    public func sealed(with key: PrivateKey) throws(IdentityError) -> SignedEnvelope {
        guard peerID.matches(key.publicKey) else {
            throw IdentityError(.signerMismatch, "a record of \(peerID) is to be signed by \(key.peerID)")
        }
        return try SignedEnvelope(
            signing: payload, payloadType: Self.payloadType, domain: Self.domain, with: key)
    }

    /// Reads a signed record; first the signature, then the record, then whether the one is the other's.
    ///
    /// - Returns: the record, and the envelope to pass on to others.
    /// - Throws: what ``SignedEnvelope/init(opening:payloadType:domain:)`` throws, `.malformedRecord`,
    ///   `.malformedPeerID`, `.signerMismatch`.
    public static func open(
        _ bytes: [UInt8]
    ) throws(IdentityError) -> (record: PeerRecord, envelope: SignedEnvelope) {
        let envelope = try SignedEnvelope(unverified: bytes)
        if envelope.payloadType == draftPayloadType {
            try envelope.verify(payloadType: draftPayloadType, domain: draftDomain)
        } else {
            try envelope.verify(payloadType: payloadType, domain: domain)
        }
        let record = try PeerRecord(payload: envelope.payload)
        guard record.peerID.matches(envelope.publicKey) else {
            throw IdentityError(
                .signerMismatch, "a record of \(record.peerID) was signed by \(envelope.signer)")
        }
        return (record, envelope)
    }
}
