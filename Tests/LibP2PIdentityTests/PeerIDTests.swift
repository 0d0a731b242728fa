internal import LibP2PIdentity
internal import Multiformats
internal import Testing

@Suite struct PeerIDTests {
    @Test func `peer ids of independent implementations have the same bytes and texts`() throws {
        for vector in try IdentityVectors.load().keys {
            let key = try PublicKey(protobuf: bytes(hex: vector.public))
            let peer = PeerID(publicKey: key)
            #expect(peer.bytes == bytes(hex: vector.peer_id_bytes))
            #expect(peer.description == vector.peer_id)
            #expect(peer.cidDescription == vector.peer_id_cid)
            for text in [vector.peer_id, vector.peer_id_cid, vector.peer_id_cid_base36] {
                #expect(try PeerID(text) == peer)
            }
            #expect(peer.matches(key))
            #expect(peer.embeddedPublicKey == (vector.type == 1 || vector.type == 2 ? key : nil))
        }
    }

    @Test func `the examples of the specification are read, and two of them are one peer`() throws {
        let peers = try SpecificationVectors.load().peer_ids.map { try PeerID($0) }
        #expect(peers[0].cidDescription == "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe")
        #expect(peers[0].description == "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N")
        #expect(peers[0] == peers[1])
        #expect(peers[2].description == "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA")
        #expect(peers[2].embeddedPublicKey?.type == .ed25519)
    }

    @Test func `a peer id is read in every base`() throws {
        let peer = try PrivateKey(ed25519Seed: Array(0..<32)).peerID
        for base in Multibase.Base.all where base != .identity {
            #expect(try PeerID(try Multibase.encode([0x01, 0x72] + peer.bytes, base: base)) == peer)
        }
    }

    @Test func `only identity digests up to 42 bytes and SHA-256 of 32 are peer ids`() throws {
        for count in 1...42 {
            #expect(throws: Never.self) {
                try PeerID(bytes: [0, UInt8(count)] + [UInt8](repeating: 7, count: count))
            }
        }
        for count in [0, 43, 64, 127] {
            #expect(throws: IdentityError.self) {
                try PeerID(bytes: [0, UInt8(count)] + [UInt8](repeating: 7, count: count))
            }
        }
        for count in [0, 20, 31, 33, 64] {
            #expect(throws: IdentityError.self) {
                try PeerID(bytes: [0x12, UInt8(count)] + [UInt8](repeating: 7, count: count))
            }
        }
        let digest = [UInt8](repeating: 7, count: 32)
        for function in [0x11, 0x13, 0x16, 0x1b, 0x80] as [UInt8] {
            #expect(throws: IdentityError.self) { try PeerID(bytes: [function, 32] + digest) }
        }
        #expect(throws: IdentityError.self) { try PeerID(bytes: [0x12, 0xa0, 0x00] + digest) }
    }

    @Test
    func `bytes cut short or with more behind them are refused, and text cut short is another peer at most`()
        throws
    {
        let peer = try PrivateKey(ed25519Seed: Array(0..<32)).peerID
        for count in 0..<peer.bytes.count {
            #expect(throws: IdentityError.self) { try PeerID(bytes: Array(peer.bytes[..<count])) }
        }
        #expect(throws: IdentityError.self) { try PeerID(bytes: peer.bytes + [0]) }
        for text in [peer.description, peer.cidDescription] {
            for count in 0..<text.count {
                // The start of an identity id may be a shorter one by chance, but never the same.
                #expect((try? PeerID(String(text.prefix(count)))) != peer)
            }
        }
    }

    @Test(arguments: [
        "", "1", "Qm", "0", "hello", "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5S0",
        " 12D3KooW", "é",
        // A CID of version 1 for another codec (raw), and multibase text of a bare multihash.
        "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy", "f122000", "f",
        String(repeating: "1", count: 300),
    ])
    func `broken text is refused`(_ text: String) {
        let error = #expect(throws: IdentityError.self) { try PeerID(text) }
        #expect(error?.code == .malformedPeerID)
    }

    @Test func `peer ids sort by their bytes and hash as they compare`() throws {
        let peers = try (0..<20).map { try PrivateKey(ed25519Seed: [UInt8](repeating: $0, count: 32)).peerID }
        let sorted = peers.sorted()
        for (a, b) in zip(sorted, sorted.dropFirst()) {
            #expect(a < b && a.bytes.lexicographicallyPrecedes(b.bytes))
        }
        #expect(Set(peers + peers).count == 20)
    }
}
