import BittensorCore
import CryptoExtras
import Foundation
import Synchronization

@testable import ComputeSubnet

/// Miners without a wire: each does what a test says.
final class FakeMiners: MinerDialer {
    /// One miner.
    struct Miner {
        var document: HardwareDocument? = FakeMiners.document()
        /// Whether it finds passwords; the test's challenges are short enough to try them all.
        var solves = true
        var answers = true
        var grantsLeases = true
        /// Whether its credentials can be read.
        var encryptsWell = true
        var endsLeases = true
        var leaseKey: String?
        var expiresAt: Int64? = 1_800_000_000
        var requests: [String] = []
    }

    let miners = Mutex<[String: Miner]>([:])

    static func document(gpu: String = "NVIDIA A40", gpus: Int = 1) -> HardwareDocument {
        HardwareDocument(
            cpu: .init(count: 8),
            gpu: .init(
                count: gpus, capacity: 46_068 * Double(gpus),
                details: (0..<gpus).map { _ in .init(name: gpu, capacity: 46_068) }),
            hardDisk: .init(total: 1 << 40, free: 1 << 39, used: 1 << 39),
            ram: .init(total: 1 << 36, available: 1 << 35, used: 1 << 35, free: 1 << 34), hasDocker: true)
    }

    func change(_ hotkey: String, _ body: (inout Miner) -> Void) {
        self.miners.withLock { body(&$0[hotkey, default: Miner()]) }
    }

    func requests(to hotkey: String) -> [String] { self.miners.withLock { $0[hotkey]?.requests ?? [] } }

    func call<S: Synapse>(_ synapse: S, to miner: Neuron, timeout: Duration) async -> S {
        var answered = synapse
        let isThere = self.miners.withLock { $0[miner.hotkey]?.answers ?? false }
        guard isThere else {
            answered.head.dendrite.statusCode = 408
            return answered
        }
        answered.head.dendrite.statusCode = 200
        switch answered {
        case var specs as Specs:
            self.change(miner.hotkey) { $0.requests.append("Specs") }
            let document = self.miners.withLock { $0[miner.hotkey]?.document }
            specs.specsOutput = (try? document?.text()) ?? ""
            return specs as? S ?? synapse
        case var challenge as Challenge:
            self.change(miner.hotkey) { $0.requests.append("Challenge") }
            let solves = self.miners.withLock { $0[miner.hotkey]?.solves ?? false }
            challenge.output =
                ChallengeOutput(
                    password: solves ? Self.search(challenge) : "wrong", localExecutionTime: 0.1
                ).json
            return challenge as? S ?? synapse
        case var allocate as Allocate:
            allocate.output = self.allocate(allocate, miner).json
            return allocate as? S ?? synapse
        default:
            return synapse
        }
    }

    private func allocate(_ synapse: Allocate, _ neuron: Neuron) -> AllocateOutput {
        guard let request = try? AllocateRequest(synapse, profile: .seed) else {
            return AllocateOutput(status: false)
        }
        return self.miners.withLock { miners in
            var miner = miners[neuron.hotkey, default: Miner()]
            defer { miners[neuron.hotkey] = miner }
            switch request.operation {
            case .checkAvailability:
                miner.requests.append("check")
                return AllocateOutput(status: miner.leaseKey == nil, port: 4444)
            case .checkLease:
                miner.requests.append("alive")
                return AllocateOutput(status: miner.leaseKey == request.publicKey, port: 4444)
            case .allocate:
                miner.requests.append("allocate")
                guard miner.grantsLeases, miner.leaseKey == nil else { return AllocateOutput(status: false) }
                miner.leaseKey = request.publicKey
                let credentials = LeaseCredentials(
                    username: "root", password: "s3cret-p4ss", port: 4444, version: 183)
                let info = Self.encrypt(credentials, request.publicKey)
                return AllocateOutput(
                    status: true, info: miner.encryptsWell ? info : "QUJD", port: 4444, sshPort: 4445,
                    expiresAt: miner.expiresAt)
            case .deallocate:
                miner.requests.append("deallocate")
                guard miner.endsLeases, miner.leaseKey == request.publicKey else {
                    return AllocateOutput(status: false)
                }
                miner.leaseKey = nil
                return AllocateOutput(status: true)
            case .change(let action):
                miner.requests.append(action.kind.rawValue)
                return AllocateOutput(status: miner.leaseKey == request.publicKey)
            case .changeUnknown:
                return AllocateOutput()
            }
        }
    }

    private static func encrypt(_ credentials: LeaseCredentials, _ pem: String) -> String? {
        guard let key = try? _RSA.Encryption.PublicKey(pemRepresentation: pem),
            let plain = try? credentials.encoded(),
            let sealed = try? key.encrypt(plain, padding: .PKCS1_OAEP_SHA256)
        else { return nil }
        return sealed.base64EncodedString()
    }

    /// Tries all passwords of up to three characters.
    private static func search(_ challenge: Challenge) -> String? {
        var candidates = [""]
        for _ in 0..<min(3, challenge.challengeDifficulty) {
            candidates = candidates.flatMap { start in challenge.challengeChars.map { start + String($0) } }
        }
        return candidates.first {
            ChallengeGenerator.hash(password: $0, salt: challenge.challengeSalt) == challenge.challengeHash
        }
    }
}
