internal import Foundation
internal import Testing

/// The committed vectors of the compute subnet.
enum ComputeFixtures {
    static func json(_ name: String) throws -> Any {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"))
        return try JSONSerialization.jsonObject(with: Data(contentsOf: url))
    }

    static func object(_ name: String) throws -> [String: Any] {
        try #require(Self.json(name) as? [String: Any])
    }

    static func cases(_ name: String, _ key: String) throws -> [[String: Any]] {
        try #require(Self.object(name)[key] as? [[String: Any]])
    }
}

/// SplitMix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var value = self.state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
