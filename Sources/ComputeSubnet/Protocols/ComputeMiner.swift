/// Who calls a miner. The axon has proven the key and found it in the registry.
public struct ComputeCaller: Sendable, Hashable {
    /// SS58 address of the key that signed.
    public var hotkey: String
    /// SS58 address of its owner, as the registry says.
    public var coldkey: String?
    /// Its stake.
    public var stakeTAO: Double
    /// The address that the connection came from.
    public var remoteAddress: String?
    /// Whether the body was signed too. Bittensor's classic headers leave it open to whoever sits between.
    public var isBodyAuthenticated: Bool
    /// What was left of the call's time when it was handed over.
    public var remainingTime: Duration

    /// A caller from its parts.
    public init(
        hotkey: String, coldkey: String? = nil, stakeTAO: Double = 0, remoteAddress: String? = nil,
        isBodyAuthenticated: Bool = false, remainingTime: Duration
    ) {
        self.hotkey = hotkey
        self.coldkey = coldkey
        self.stakeTAO = stakeTAO
        self.remoteAddress = remoteAddress
        self.isBodyAuthenticated = isBodyAuthenticated
        self.remainingTime = remainingTime
    }
}

/// What answers the three protocols. `ComputeSubnetAxon` has checked the caller and the request before.
///
/// Handlers are cancelled when the call ends. Of what they throw, a ``ComputeError`` from
/// ``allocate(_:caller:)`` becomes `{"status": false}`; anything else reaches the caller as an opaque 500.
public protocol ComputeMiner: Sendable {
    /// The JSON text of a ``HardwareDocument``.
    func specs(input: String, caller: ComputeCaller) async throws -> String
    /// Does what the request says for this caller.
    func allocate(_ request: AllocateRequest, caller: ComputeCaller) async throws -> AllocateOutput
    /// Searches for the password.
    func challenge(_ request: ChallengeRequest, caller: ComputeCaller) async throws -> ChallengeOutput
    /// Answers a message of the proof of GPU for the GPU with this UUID (16 bytes). By default
    /// ``ComputeError/Code/unsupported``.
    func proofOfGPU(gpu: [UInt8], message: [UInt8], caller: ComputeCaller) async throws -> [UInt8]
    /// The port of SSH that answers to malformed requests name too.
    var allocatePort: Int? { get }
}

extension ComputeMiner {
    public var allocatePort: Int? { nil }

    public func proofOfGPU(
        gpu: [UInt8], message: [UInt8], caller: ComputeCaller
    ) async throws -> [UInt8] {
        throw ComputeError(.unsupported, "This miner proves no GPUs.")
    }
}
