import AccountKeys
import AsyncHTTPClient
import Bittensor
import BittensorCore
import Crypto
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

@testable import ComputeSubnet

/// A miner behind its axon on loopback, with its access rules, leases and challenges; only its containers are
/// rows of a table. Two validators with stake call it, and those who should not.
struct AttackStage {
    static let (validator, rival) = ("//Validator", "//Rival")
    static let (poor, banned, stranger) = ("//Poor", "//Banned", "//Stranger")

    let fixture: MinerFixture
    let info: AxonInfo
    let logger: Logger

    /// Runs a miner in `folder`, where it finds what it left there before.
    static func run(
        btauth: Bool = false, folder: String? = nil, challenges: ChallengeLimits = .init(),
        configure: (inout NativeMiner.Configuration) -> Void = { _ in },
        _ body: (AttackStage) async throws -> Void
    ) async throws {
        let place =
            folder ?? FileManager.default.temporaryDirectory.appending(path: "attack-\(UUID())").path
        defer { if folder == nil { try? FileManager.default.removeItem(atPath: place) } }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let registry = ScriptedRegistry()
        let neurons = try [(Self.validator, 2000), (Self.rival, 2000), (Self.poor, 10), (Self.banned, 2000)]
            .enumerated().map { index, key in
                Neuron(
                    uid: UInt16(index), hotkey: try Keypair(uri: key.0).ss58Address, coldkey: "5C\(index)",
                    stakeRao: UInt64(key.1) * 1_000_000_000, isValidatorPermitted: true)
            }
        registry.state.withLock { $0.neurons = neurons }
        let metagraph = Metagraph(registry: registry, netuid: 27)
        try await metagraph.refresh()
        try await MinerFixture.with(
            folder: place, host: FakeLeaseHost(), challenges: challenges, configure: configure
        ) { fixture in
            var axonConfiguration = Axon.Configuration.patient
            axonConfiguration.nonceFile = place + "/nonces"
            if btauth {
                var policy = StrictPolicy()
                policy.requiresBTAuth = true
                axonConfiguration.mode = .strict(policy)
            }
            ComputeSubnetAxon.prepare(&axonConfiguration, profile: .seed)
            let axon = try Axon(
                hotkey: try Keypair(uri: "//Miner"), configuration: axonConfiguration, logger: logger)
            var subnet = ComputeSubnetAxon.Configuration()
            subnet.access.blacklistedHotkeys = [neurons[3].hotkey]
            try ComputeSubnetAxon(
                miner: fixture.miner, metagraph: metagraph, configuration: subnet, logger: logger
            ).attach(to: axon)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await axon.run() }
                _ = try await axon.listening
                try await body(AttackStage(fixture: fixture, info: axon.info, logger: logger))
                group.cancelAll()
                while (try? await group.next()) != nil {}
            }
        }
    }

    /// Calls as an ordinary client.
    func call<S: Synapse>(
        _ synapse: S, as uri: String = validator, signing: Dendrite.Signing = .synapse,
        timeout: Duration = .seconds(60)
    ) async throws -> S {
        var configuration = Dendrite.Configuration()
        configuration.signing = signing
        let dendrite = Dendrite(
            hotkey: try Keypair(uri: uri), configuration: configuration, logger: self.logger)
        let answer = await dendrite.call(synapse, to: self.info, timeout: timeout)
        try await dendrite.shutdown()
        return answer
    }

    /// What the miner says to an operation.
    func allocate(
        _ operation: AllocateRequest.Operation, as uri: String = validator, key: String = TestRSA.publicKey,
        signing: Dendrite.Signing = .synapse
    ) async throws -> AllocateOutput {
        let request = Allocate(AllocateRequest(operation, publicKey: key), profile: .seed)
        return try AllocateOutput(try await self.call(request, as: uri, signing: signing).output)
    }

    /// An operation that makes a lease.
    static var lease: AllocateRequest.Operation { MinerFixture.allocation().operation }
}

/// A signed call as somebody on the way holds it, made from the specification: each part can be changed, and
/// it can be sent again.
struct CapturedCall {
    var path: String
    var headers: [(name: String, value: String)]
    var body: String

    /// With the classic headers, which sign no body that declares no hash fields.
    static func classic(
        _ name: String, _ body: String, as uri: String, to axon: String
    ) throws -> CapturedCall {
        let key = try Keypair(uri: uri)
        let (nonce, uuid) = (WallClock.system.now(), UUID().uuidString)
        let hash = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"
        let signature = try key.sign(Array("\(nonce).\(key.ss58Address).\(axon).\(uuid).\(hash)".utf8))
        return CapturedCall(
            path: "/\(name)",
            headers: [
                ("name", name), ("timeout", "60.0"), ("bt_header_axon_hotkey", axon),
                ("bt_header_dendrite_version", "9000000"), ("bt_header_dendrite_nonce", "\(nonce)"),
                ("bt_header_dendrite_uuid", uuid), ("bt_header_dendrite_hotkey", key.ss58Address),
                ("bt_header_dendrite_signature", SignatureText.encode(signature)),
                ("computed_body_hash", hash),
            ], body: body)
    }

    /// With the headers of SDK 11, which sign method, target and body.
    static func btauth(
        _ name: String, _ body: String, as uri: String, to axon: String
    ) throws -> CapturedCall {
        let key = try Keypair(uri: uri)
        let nonce = WallClock.system.now()
        let hash = SHA256.hash(data: Array(body.utf8)).map {
            String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
        }
        let payload = [
            "btauth/1", "sr25519", "POST", "/\(name)", hash.joined(), "\(nonce)", key.ss58Address, axon,
        ].joined(separator: "\n")
        return CapturedCall(
            path: "/\(name)",
            headers: [
                ("X-Bittensor-Version", "1"), ("X-Bittensor-Hotkey", key.ss58Address),
                ("X-Bittensor-Nonce", "\(nonce)"), ("X-Bittensor-Receiver", axon),
                ("X-Bittensor-Signature", SignatureText.encode(try key.sign(Array(payload.utf8)))),
            ], body: body)
    }

    subscript(name: String) -> String? {
        get { self.headers.first { $0.name == name }?.value }
        set {
            self.headers.removeAll { $0.name == name }
            if let newValue { self.headers.append((name, newValue)) }
        }
    }

    /// Status and body of the reply.
    func send(to stage: AttackStage) async throws -> (status: Int, text: String) {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(stage.info.port)\(self.path)")
        request.method = .POST
        for (name, value) in self.headers { request.headers.add(name: name, value: value) }
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: self.body))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 1 << 20)
        return (Int(response.status.code), String(buffer: body))
    }
}
