internal import BittensorCore

/// Entry points for fuzzing what `BittensorCore` reads; the checks lie beside the codecs, as they see inside.
public enum SynapseFuzz {
    /// Every entry point by name, for drivers.
    public static let all: [(name: String, run: @Sendable ([UInt8]) -> Void)] = [
        ("json", { expect(BittensorFuzz.json($0)) }), ("body", { expect(BittensorFuzz.body($0)) }),
        ("headers", { expect(BittensorFuzz.headers($0)) }), ("tensor", { expect(BittensorFuzz.tensor($0)) }),
        ("btauth", { expect(BittensorFuzz.btauth($0)) }),
    ]

    /// Traps in release builds too, so that a fuzzer sees it.
    private static func expect(_ holds: Bool) {
        precondition(holds, "what was read did not come back the same, or a forgery was believed")
    }
}
