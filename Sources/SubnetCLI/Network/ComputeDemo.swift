internal import AccountKeys
internal import Bittensor
internal import BittensorCore
internal import ComputeSubnet
internal import Foundation
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Subnet

/// What happens in `subnet demo compute`.
enum ComputeDemoEvent: Sendable {
    case started(hotkey: String, address: String, process: Int32)
    case specs(HardwareDocument, Duration)
    case challenged(candidates: Double, password: String, Duration)
    case allocated(user: String, address: String, expiresAt: Int64?, Duration)
    case loggedIn(saying: String)
    case deallocated(Duration)
}

/// One miner, as a process of its own, and one validator, which is this process, on loopback.
///
/// The validator asks the miner what it has, challenges it, leases it, logs in as the tenant with a key made
/// for this lease, and ends the lease. Everything lies in a temporary folder that is removed.
struct ComputeDemo: Sendable {
    /// What is asked for.
    struct Request: Sendable {
        /// The socket of the container engine; nil looks for one.
        var engine: String?
        /// Length of the password of the challenge, of ten characters.
        var difficulty: Int
        var timeout: Duration
    }

    private static let netuid: UInt16 = 27
    private static let leaseTime: Duration = .seconds(300)
    /// Small enough for any machine that can build this program.
    private static let device = DeviceRequirement(
        cpuCount: 1, ramBytes: 256 << 20, hardDiskBytes: 128 << 20, isTesting: false)

    private let request: Request
    private let folder: String
    private let happened: @Sendable (ComputeDemoEvent) throws -> Void

    /// Runs the demo; every process and file of it is gone when this returns or throws.
    static func run(
        _ request: Request, happened: @escaping @Sendable (ComputeDemoEvent) throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("subnet-demo-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let demo = ComputeDemo(request: request, folder: folder, happened: happened)
        try await withDeadline(request.timeout, "The demo did not finish in time.") { try await demo.run() }
    }

    private func run() async throws {
        let miner = try await self.wallet("miner")
        let validator = try await self.wallet("validator")
        let registry = try SQLiteRegistry(directory: "\(self.folder)/registry")
        for (key, stake) in [(miner, UInt64(0)), (validator, UInt64(10_000_000_000_000))] {
            _ = try await registry.add(
                netuid: Self.netuid, uid: nil, hotkey: key.ss58Address, coldkey: key.ss58Address,
                stakeRao: stake, isValidatorPermitted: stake > 0, axon: nil)
        }
        let process = try await self.startMiner()
        do {
            try await self.talk(to: miner, as: validator, registry, process)
            await process.end()
        } catch {
            await process.end()
            throw error
        }
    }

    private func wallet(_ name: String) async throws -> Keypair {
        let wallet = try Wallet(directory: "\(self.folder)/wallets", name: name)
        let contents = try KeyfileContents(mnemonic: try Mnemonic.generate())
        // A subnet of one demo: nothing is worth a password.
        try wallet.setColdkeyPublic(try contents.publicKey())
        try await wallet.setHotkey(contents)
        return try await wallet.hotkey(password: .none)
    }

    private func startMiner() async throws -> OwnProcess {
        var arguments = [
            "miner", "run", "--wallet-path", "\(self.folder)/wallets", "--wallet", "miner", "--hotkey",
            "default",
            "--listen", "127.0.0.1:0", "--external-ip", "127.0.0.1", "--data-dir", "\(self.folder)/miner",
            "--registry-dir", "\(self.folder)/registry", "--ssh-listen", "127.0.0.1", "--ssh-address",
            "127.0.0.1",
            "--ssh-port", "\(try await Self.freePort())", "--log-level", "warning", "--stop-with-stdin",
            "--json",
        ]
        if let engine = self.request.engine { arguments += ["--engine", engine] }
        return try OwnProcess.start(arguments)
    }

    private func talk(
        to miner: Keypair, as validator: Keypair, _ registry: SQLiteRegistry, _ process: OwnProcess
    ) async throws {
        let line = try await withDeadline(.seconds(60), "The miner did not get ready in time.") {
            try await process.firstLine()
        }
        let ready = try JSONDecoder().decode(MinerLine.self, from: Data(line.utf8))
        try self.happened(
            .started(hotkey: ready.hotkey, address: ready.listen, process: process.processID))
        guard let neuron = try await registry.neuron(hotkey: miner.ss58Address, netuid: Self.netuid) else {
            throw CommandFailure("The miner is not in the registry.")
        }
        var configuration = Dendrite.Configuration()
        configuration.signing = .btauth1
        let dendrite = Dendrite(
            hotkey: validator, configuration: configuration, logger: Logger(label: "subnet.demo"))
        let client = MinerClient(
            dialer: DendriteDialer(dendrite), profile: .seed, limits: ValidatorLimits())
        do {
            try await self.specs(of: neuron, client)
            try await self.challenge(neuron, client)
            try await self.lease(neuron, client)
            try await dendrite.shutdown()
        } catch {
            try? await dendrite.shutdown()
            throw error
        }
    }

    private func specs(of miner: Neuron, _ client: MinerClient) async throws {
        let (document, took) = try await Self.timed { await client.specs(of: miner) }
        guard let document else { throw CommandFailure("The miner does not say what it has.") }
        try self.happened(.specs(document, took))
    }

    private func challenge(_ miner: Neuron, _ client: MinerClient) async throws {
        var random = SystemRandomNumberGenerator()
        let issued = ChallengeGenerator.issue(difficulty: self.request.difficulty, using: &random)
        let inputs = issued.inputs
        let (answer, took) = try await Self.timed {
            await client.challenge(
                ChallengeRequest(
                    hash: inputs.hash, salt: inputs.salt, characters: inputs.charset,
                    difficulty: inputs.difficulty), to: miner)
        }
        let verdict = ChallengeVerifier.verdict(inputs, password: answer?.password, elapsed: took)
        guard verdict.isSolved, let password = answer?.password else {
            let why = answer?.error ?? verdict.reason ?? "it gives no answer"
            throw CommandFailure("The miner did not solve the challenge: \(why)")
        }
        try self.happened(.challenged(candidates: issued.size.candidates, password: password, took))
    }

    private func lease(_ miner: Neuron, _ client: MinerClient) async throws {
        let tenant = try await TenantShell.make(in: self.folder)
        let keys = try CredentialKeys()
        let (grant, took) = try await Self.timed {
            try await client.allocate(
                miner, duration: Self.leaseTime, device: Self.device,
                docker: DockerRequirement(sshKey: tenant.publicKey), keys: keys)
        }
        let address = grant.sshAddress ?? "127.0.0.1"
        try self.happened(
            .allocated(
                user: grant.credentials.username, address: "\(address):\(grant.sshPort)",
                expiresAt: grant.expiresAt, took))
        let said: Result<String, any Error>
        do {
            said = .success(
                try await tenant.run(
                    "id -un; uname -sr", user: grant.credentials.username, host: address, port: grant.sshPort,
                    hostKey: grant.credentials.hostKey))
        } catch {
            said = .failure(error)
        }
        // The lease ends whether the tenant got in or not.
        let (ended, time) = try await Self.timed {
            await client.deallocate(miner, publicKey: keys.publicKey) { try await Task.sleep(for: $0) }
        }
        try self.happened(.loggedIn(saying: try said.get()))
        guard ended == true else { throw CommandFailure("The miner did not end the lease.") }
        try self.happened(.deallocated(time))
    }

    private static func timed<T>(_ body: () async throws -> T) async throws -> (T, Duration) {
        let clock = ContinuousClock()
        let start = clock.now
        let value = try await body()
        return (value, clock.now - start)
    }

    /// A port that was free a moment ago, and that the system gives to nobody who asks for any: those are
    /// 32768 and above, and the lease takes seconds before it has the port.
    private static func freePort() async throws -> Int {
        for _ in 0..<64 {
            let port = Int.random(in: 20_000..<32_000)
            let channel = try? await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: port).get()
            guard let channel else { continue }
            try await channel.close()
            return port
        }
        throw CommandFailure("No port of the loopback is free for the lease.")
    }
}

/// The ready line of `subnet miner run --json`.
private struct MinerLine: Decodable {
    let hotkey: String
    let listen: String
}
