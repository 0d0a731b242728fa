internal import Crypto
internal import Testing

@testable internal import AccountKeys

@Suite struct TranscriptTests {
    @Test func merlinKnownAnswer() {
        // From the tests of the Merlin crate.
        var transcript = MerlinTranscript(label: "test protocol")
        transcript.append("some label", "some data")
        let challenge = transcript.challenge("challenge", count: 32)
        #expect(
            Hexadecimal.encode(challenge)
                == "d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615")
    }

    @Test func snapshotGoesOnWhereItWasTaken() {
        var whole = MerlinTranscript(label: "a")
        whole.append("b", [UInt8](repeating: 7, count: 300))
        var resumed = MerlinTranscript(whole.snapshot)
        let first = whole.challenge("c", count: 200)
        #expect(resumed.challenge("c", count: 200) == first)
        #expect(whole.challenge("c", count: 200) != first)
    }

    @Test func digestsAsOtherLibrariesMakeThem() throws {
        let vectors = try HashVectors.load().hashes
        #expect(vectors.count > 5)
        for vector in vectors {
            let input = try bytes(vector.input)
            #expect(Hexadecimal.prefixed(Keccak256.hash(input)) == vector.keccak256)
            #expect(Hexadecimal.prefixed(Blake2b.hash(input, count: 32)) == vector.blake2256)
            #expect(Hexadecimal.prefixed(Blake2b.hash(input, count: 64)) == vector.blake2512)
        }
    }

    /// Around the block of 136 bytes, known from pycryptodome for 135, 136 and 137 bytes of 0x61.
    @Test func keccakAroundItsBlock() {
        let lengths = [0, 1, 135, 136, 137, 271, 272, 273]
        let digests = lengths.map { Keccak256.hash([UInt8](repeating: 0x61, count: $0)) }
        #expect(Set(digests).count == lengths.count)
        #expect(
            Hexadecimal.encode(digests[0])
                == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
        // SHA3-256 shares the permutation and differs in the padding alone.
        #expect(digests[0] != Array(SHA3_256.hash(data: [UInt8]())))
    }
}
