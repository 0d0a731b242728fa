internal import NIOCore
internal import Testing

@testable internal import BittensorCore

/// The fuzz targets over mutations of real messages: a quick sample of what the fuzzer does for hours.
@Suite struct FuzzSmokeTests {
    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return self.state ^ (self.state >> 29)
        }
    }

    static func mutated(_ bytes: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let position = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes.remove(at: position)
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
            default: bytes.removeLast(bytes.count - position)
            }
        }
        return bytes
    }

    @Test func mutationsDoNotTrapAndRoundTrip() throws {
        var generator = Generator(state: 27)
        let exchanges = try CapturedExchange.all("10.5.0").compactMap(\.request).prefix(30)
        let tensor = TensorMessagePack.encode(
            .init(type: "<f4", shape: [2, 3], data: Array(repeating: 7, count: 24)))
        for exchange in exchanges {
            let body = Array(exchange.body.readableBytesView)
            let headers = exchange.headers.fields.map { "\($0.name):\($0.value)" }.joined(separator: "\n")
            for _ in 0..<20 {
                let text = Self.mutated(body, &generator)
                #expect(BittensorFuzz.json(text))
                #expect(BittensorFuzz.body(text))
                #expect(BittensorFuzz.headers(Self.mutated(Array(headers.utf8), &generator)))
                #expect(BittensorFuzz.tensor(Self.mutated(tensor, &generator)))
            }
        }
        let claim =
            "X-Bittensor-Version:1\nX-Bittensor-Hotkey:\(TestKeys.dendriteAddress)\n"
            + "X-Bittensor-Nonce:1700000000123456789\n"
            + "X-Bittensor-Signature:0x\(String(repeating: "a", count: 128))\n"
            + "X-Bittensor-Receiver:\(TestKeys.axonAddress)"
        for _ in 0..<200 { #expect(BittensorFuzz.btauth(Self.mutated(Array(claim.utf8), &generator))) }
    }

    @Test func everyKindOfErrorHasAStatus() {
        #expect(SynapseError.Kind.all.count == 20)
        for kind in SynapseError.Kind.all { #expect((400..<600).contains(kind.status)) }
        #expect(SynapseError(.blacklisted, "x").status == 403)
    }
}
