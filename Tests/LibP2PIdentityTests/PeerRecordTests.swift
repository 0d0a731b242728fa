internal import LibP2PIdentity
internal import Testing

@Suite struct PeerRecordTests {
    static func key(_ byte: UInt8 = 1) throws -> PrivateKey {
        try PrivateKey(ed25519Seed: [UInt8](repeating: byte, count: 32))
    }

    static func record() throws -> PeerRecord {
        try PeerRecord(
            peerID: key().peerID, sequenceNumber: 7,
            addresses: [Multiaddr("/ip4/192.0.2.0/tcp/42"), Multiaddr("/dns4/example.org/tcp/1/tls/ws")])
    }

    @Test func `records that py-libp2p signed are opened, and made the same`() throws {
        for vector in try IdentityVectors.load().records {
            let (record, envelope) = try PeerRecord.open(bytes(hex: vector.envelope))
            #expect(record.peerID.description == vector.peer_id)
            #expect(String(record.sequenceNumber) == vector.sequence)
            #expect(record.addresses.map(\.description) == vector.addresses)
            #expect(record.addressesDropped == 0)
            // Python leaves RSA's type, a zero, out of the key; this module writes it, as Go does.
            let isRSA = vector.name.hasPrefix("rsa")
            #expect((envelope.encoded == bytes(hex: vector.envelope)) == !isRSA)
            #expect(try PeerRecord.open(envelope.encoded).envelope == envelope)
            #expect(record.payload == bytes(hex: vector.payload))
            let key = try PrivateKey(protobuf: bytes(hex: vector.private))
            #expect(try record.sealed(with: key) == envelope, "\(vector.name)")
        }
    }

    @Test(arguments: KeyType.all)
    func `a record sealed with any key opens again`(_ type: KeyType) throws {
        let key = try PrivateKey.generate(type)
        let record = try PeerRecord(
            peerID: key.peerID, sequenceNumber: .max, addresses: [Multiaddr("/ip6/::1/tcp/42")])
        #expect(try PeerRecord.open(try record.sealed(with: key).encoded).record == record)
    }

    @Test func `every flipped bit and every truncation of an envelope is refused`() throws {
        let envelope = try Self.record().sealed(with: Self.key())
        let encoded = envelope.encoded
        for count in encoded.indices {
            #expect(throws: IdentityError.self) { try PeerRecord.open(Array(encoded[..<count])) }
            for bit in 0..<8 {
                var broken = encoded
                broken[count] ^= 1 << bit
                #expect(throws: IdentityError.self, "byte \(count)") { try PeerRecord.open(broken) }
            }
        }
    }

    @Test func `a field that is absent or stands twice is a refusal`() throws {
        let envelope = try Self.record().sealed(with: Self.key())
        let fields: [(Int, [UInt8])] = [
            (1, envelope.publicKey.protobufEncoded), (2, envelope.payloadType), (3, envelope.payload),
            (5, envelope.signature),
        ]
        func encoded(_ fields: [(Int, [UInt8])]) -> [UInt8] {
            var writer = ProtobufWriter()
            for (number, value) in fields { writer.append(value, field: number) }
            return writer.bytes
        }
        #expect(throws: Never.self) { try PeerRecord.open(encoded(fields)) }
        #expect(throws: Never.self) { try PeerRecord.open(encoded(fields.reversed())) }
        #expect(throws: Never.self) { try PeerRecord.open(encoded(fields + [(9, [1, 2, 3])])) }
        for index in fields.indices {
            var missing = fields
            missing.remove(at: index)
            let absent = #expect(throws: IdentityError.self) { try PeerRecord.open(encoded(missing)) }
            #expect(absent?.code == .malformedEnvelope)
            let twice = #expect(throws: IdentityError.self) {
                try PeerRecord.open(encoded(fields + [fields[index]]))
            }
            #expect(twice?.code == .malformedEnvelope)
        }
    }

    @Test func `a signature for another domain or payload type is refused`() throws {
        let payload = try Self.record().payload
        let key = try Self.key()
        let domain = try SignedEnvelope(
            signing: payload, payloadType: PeerRecord.payloadType, domain: "another", with: key)
        let wrongDomain = #expect(throws: IdentityError.self) { try PeerRecord.open(domain.encoded) }
        #expect(wrongDomain?.code == .invalidSignature)
        let type = try SignedEnvelope(
            signing: payload, payloadType: [3, 2], domain: PeerRecord.domain, with: key)
        let wrongType = #expect(throws: IdentityError.self) { try PeerRecord.open(type.encoded) }
        #expect(wrongType?.code == .wrongPayloadType)
        let opened = try SignedEnvelope(
            opening: domain.encoded, payloadType: PeerRecord.payloadType, domain: "another")
        #expect(opened == domain)
    }

    @Test func `the payload type and domain that RFC 0003 prints are read as well`() throws {
        let envelope = try SignedEnvelope(
            signing: Self.record().payload, payloadType: Array("/libp2p/routing-state-record".utf8),
            domain: "libp2p-routing-state", with: Self.key())
        #expect(try PeerRecord.open(envelope.encoded).record == Self.record())
    }

    @Test func `a record of another peer than the signer is refused, on both sides`() throws {
        let other = try Self.key(2)
        let sealing = #expect(throws: IdentityError.self) { try Self.record().sealed(with: other) }
        #expect(sealing?.code == .signerMismatch)
        let forged = try SignedEnvelope(
            signing: Self.record().payload, payloadType: PeerRecord.payloadType, domain: PeerRecord.domain,
            with: other)
        let opening = #expect(throws: IdentityError.self) { try PeerRecord.open(forged.encoded) }
        #expect(opening?.code == .signerMismatch)
    }

    @Test func `addresses that are not understood are dropped and counted`() throws {
        var writer = ProtobufWriter()
        writer.append(try Self.key().peerID.bytes, field: 1)
        writer.append(1, field: 2)
        for address in [[4, 127, 0, 0, 1, 6, 0, 80], [0xd1, 0x03], []] as [[UInt8]] {
            var message = ProtobufWriter()
            message.append(address, field: 1)
            writer.append(message.bytes, field: 3)
        }
        for _ in 0..<200 { writer.append([], field: 3) }
        let record = try PeerRecord(payload: writer.bytes)
        #expect(record.addresses.map(\.description) == ["/ip4/127.0.0.1/tcp/80"])
        #expect(record.addressesDropped == 202)
    }

    @Test func `a record without a peer, with a broken one or with broken fields is refused`() throws {
        var empty = ProtobufWriter()
        empty.append(1, field: 2)
        let good = try Self.record().payload
        for payload in [
            empty.bytes, [], [0x0a, 0x01, 0x00], good + good, good + [0x10], [0x08, 0x01], [0x0b], [0x00],
        ] {
            #expect(throws: IdentityError.self) { try PeerRecord(payload: payload) }
        }
        // A record may end after any whole field: then it is one with fewer addresses, and nothing else.
        let whole = try PeerRecord(payload: good)
        var shorter: [Int] = []
        for count in good.indices {
            guard let record = try? PeerRecord(payload: Array(good[..<count])) else { continue }
            #expect(record.peerID == whole.peerID && whole.addresses.starts(with: record.addresses))
            shorter.append(record.addresses.count)
        }
        #expect(shorter == [0] + Array(0..<whole.addresses.count), "cut after a whole field and nowhere else")
    }

    @Test func `envelopes, domains and lists beyond their bounds are refused`() throws {
        let key = try Self.key()
        let big = [UInt8](repeating: 0, count: IdentityLimits.envelopeBytesMax)
        for (payload, type, domain) in [
            (big, [1], "d"), ([1], [UInt8](repeating: 0, count: 129), "d"), ([1], [1], ""),
            ([1], [1], String(repeating: "d", count: 129)),
        ] as [([UInt8], [UInt8], String)] {
            let error = #expect(throws: IdentityError.self) {
                try SignedEnvelope(signing: payload, payloadType: type, domain: domain, with: key)
            }
            #expect(error?.code == .limitExceeded)
        }
        #expect(throws: IdentityError.self) { try PeerRecord.open(big + [0]) }
        let address = try Multiaddr("/tcp/1")
        #expect(throws: IdentityError.self) {
            try PeerRecord(
                peerID: key.peerID, sequenceNumber: 1,
                addresses: [Multiaddr](repeating: address, count: IdentityLimits.addressesMax + 1))
        }
    }
}
