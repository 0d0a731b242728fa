public import BittensorCore

/// `POST /Specs`: what hardware a miner has.
///
/// Layout (JSON members): `specs_input` (text, today empty), `specs_output` (JSON text of a
/// ``HardwareDocument``).
public struct Specs: Synapse {
    public static let name = "Specs"
    public static let fields: [SynapseField] = [
        .optional("specs_input", .string, default: ""),
        .optional("specs_output", .string, default: ""),
    ]

    public var head = SynapseHead()
    /// What the validator asks for; empty.
    public var specsInput = ""
    /// The answer.
    public var specsOutput = ""

    /// A request with an input.
    public init(specsInput: String = "") {
        self.specsInput = specsInput
    }

    /// ``specsOutput``.
    public func deserialize() -> String { self.specsOutput }
}
