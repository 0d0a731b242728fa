/// Every fuzz target by the name under which `dev/fuzz` runs it and `Fuzz/FailCases` keeps its failing
/// inputs.
public enum FuzzTargets {
    /// One target: its name and what it does with any bytes. A trap is a finding.
    public typealias Target = (name: String, run: @Sendable ([UInt8]) -> Void)

    /// All of them, in the order in which they run.
    public static let all: [Target] =
        group("identity", IdentityFuzz.all)
        + group("handshake", HandshakeFuzz.all)
        + group("connection", ConnectionFuzz.all)
        + group("account", AccountKeysFuzz.all)
        + group("synapse", SynapseFuzz.all)
        + group("yamux", [("frames", YamuxFuzz.frames), ("operations", YamuxFuzz.operations)])
        + group("rpc", [("decode", { bytes in bytes.withUnsafeBytes { RPCFuzz.decode($0) } })])
        + group(
            "worker",
            [
                ("session", WorkerFuzz.session), ("endpoint", WorkerFuzz.endpoint),
                ("guardReports", WorkerFuzz.guardReports),
            ])
        + group(
            "model",
            [
                ("safeTensors", ModelFuzz.safeTensors), ("configuration", ModelFuzz.configuration),
                ("tokenizer", ModelFuzz.tokenizer), ("text", ModelFuzz.text), ("model", ModelFuzz.model),
            ])

    /// The target of that name; nil for none.
    public static func named(_ name: String) -> Target? { all.first { $0.name == name } }

    private static func group(_ prefix: String, _ targets: [Target]) -> [Target] {
        targets.map { ("\(prefix).\($0.name)", $0.run) }
    }
}
