import Foundation
import Synchronization
import Testing

@testable import ComputeSubnet

/// The dispatch table of ni-compute §1.2, row by row, in both profiles, from the request to the host.
@Suite("Allocate", .timeLimit(.minutes(3)))
struct DispatchTests {
    @Test(arguments: ComputeProfile.all)
    func anAllocationFromTheWireToTheEnd(profile: ComputeProfile) async throws {
        try await MinerFixture.with(profile: profile) { fixture in
            // From the synapse, so that the unit of `timeline` is the profile's.
            var synapse = Allocate()
            synapse.timeline = 2
            synapse.checking = false
            synapse.publicKey = TestRSA.publicKey
            synapse.deviceRequirement = MinerFixture.device.json
            synapse.dockerRequirement = DockerRequirement(sshKey: MinerFixture.userKey).json
            let unit: Int64 = profile == .seed ? 1 : 86_400
            let answer = try await fixture.send(try AllocateRequest(synapse, profile: profile))
            #expect(answer.status == true)
            #expect(answer.port == 4444 && answer.sshPort == 4444)
            #expect(answer.expiresAt == fixture.wall.seconds + 2 * unit)
            let info = try LeaseCredentials(TestRSA.decrypted(try #require(answer.info)))
            #expect(info.username == "tenant" && info.password.isEmpty && info.port == 4444)
            #expect(info.version == 183 && info.hostKey?.hasPrefix("SHA256:") == true)
            #expect(fixture.host.containers.values.map { $0 } == [.running])

            synapse.checking = true
            let available = try await fixture.send(try AllocateRequest(synapse, profile: profile))
            #expect(available.status == false && available.port == 4444)
            synapse.timeline = 0
            let alive = try await fixture.send(try AllocateRequest(synapse, profile: profile))
            #expect(alive.status == true && alive.expiresAt == answer.expiresAt)

            fixture.wall.advance(2 * unit)
            try await fixture.until("the lease ended") { await $0.miner.leaseState().state == "free" }
            #expect(fixture.host.containers.isEmpty)
            let dead = try await fixture.send(try AllocateRequest(synapse, profile: profile))
            #expect(dead.status == false && dead.expiresAt == nil)
        }
    }

    @Test(arguments: ComputeProfile.all)
    func availabilityIsComparedWithTheHardwareOnlyWhereItIsSaid(profile: ComputeProfile) async throws {
        try await MinerFixture.with(profile: profile) { fixture in
            let free = try await fixture.send(.checkAvailability(nil))
            #expect(free == AllocateOutput(status: true, port: 4444))
            let huge = DeviceRequirement(cpuCount: 4096, ramBytes: 1 << 50)
            let answer = try await fixture.send(.checkAvailability(huge))
            #expect(answer.status == (profile == .ni183))
        }
    }

    @Test(arguments: ComputeProfile.all)
    func everyActionReachesTheContainer(profile: ComputeProfile) async throws {
        try await MinerFixture.with(profile: profile) { fixture in
            let lease = try await fixture.send(MinerFixture.allocation())
            let only = { fixture.host.containers.values.first }
            let paused = try await fixture.send(.change(DockerAction(.pause)), key: "")
            #expect(paused.status == true && paused.expiresAt == lease.expiresAt)
            #expect(only() == .frozen)
            try await expectEqual(fixture.refusal(of: .change(DockerAction(.restart))), .notAvailable)
            let alive = try await fixture.send(.checkLease)
            #expect(alive.status == true, "a paused lease is alive")
            try await expectEqual(fixture.send(.change(DockerAction(.unpause))).status, true)
            #expect(only() == .running)
            try await expectEqual(fixture.send(.change(DockerAction(.restart))).status, true)
            let exchange = DockerAction(.exchangeKey, sshKey: MinerFixture.otherKey, keyType: .terminal)
            try await expectEqual(fixture.send(.change(exchange)).status, true)
            let keys = fixture.host.state.withLock { $0.keys.values.first }
            #expect(keys == [MinerFixture.userKey, MinerFixture.otherKey])
            let replace = DockerAction(.exchangeKey, sshKey: MinerFixture.otherKey, keyType: .user)
            try await expectEqual(fixture.send(.change(replace)).status, true)
            #expect(
                fixture.host.state.withLock { $0.keys.values.first }
                    == [MinerFixture.otherKey, MinerFixture.otherKey])
            let broken = DockerAction(.exchangeKey, sshKey: "x\"; reboot; \"", keyType: .user)
            try await expectEqual(fixture.refusal(of: .change(broken)), .malformedRequest)
            // An unknown action says nothing.
            let unknown = try await fixture.send(.changeUnknown("explode"))
            #expect(unknown == AllocateOutput(port: 4444))
        }
    }

    @Test(arguments: ComputeProfile.all)
    func strangersCanDoNothing(profile: ComputeProfile) async throws {
        try await MinerFixture.with(profile: profile) { fixture in
            _ = try await fixture.send(MinerFixture.allocation())
            let before = fixture.host.containers
            for key in [TestRSA.publicKey, "", "other"] {
                try await expectEqual(fixture.send(.checkLease, as: "5Eve", key: key).status, false)
                try await expectEqual(fixture.refusal(of: .deallocate, as: "5Eve", key: key), .notOwner)
                for kind in DockerAction.Kind.allCases {
                    let action = DockerAction(kind, sshKey: MinerFixture.otherKey)
                    try await expectEqual(
                        fixture.refusal(of: .change(action), as: "5Eve", key: key), .notOwner)
                }
            }
            try await expectEqual(
                fixture.refusal(of: MinerFixture.allocation(), as: "5Eve"), .busy, "a tenant is never evicted"
            )
            // The owner's hotkey with another public key is another lease's.
            try await expectEqual(fixture.refusal(of: .deallocate, key: "other"), .notOwner)
            #expect(fixture.host.containers == before)
            if profile == .ni183 {
                try await expectEqual(fixture.refusal(of: .deallocate, key: ""), .notOwner)
            }
            try await expectEqual(fixture.send(.deallocate).status, true)
            #expect(fixture.host.containers.isEmpty)
            try await expectEqual(fixture.refusal(of: .deallocate), .notFound)
        }
    }

    @Test func manyAtOnceGetOneLease() async throws {
        try await MinerFixture.with { fixture in
            let answers = try await withThrowingTaskGroup(of: ComputeError.Code?.self) { group in
                for number in 0..<24 {
                    group.addTask {
                        try await fixture.refusal(of: MinerFixture.allocation(), as: "5Tenant\(number)")
                    }
                }
                return try await group.reduce(into: [ComputeError.Code?]()) { $0.append($1) }
            }
            #expect(answers.filter { $0 == nil }.count == 1)
            #expect(answers.filter { $0 == .busy }.count == 23)
            #expect(fixture.host.state.withLock { $0.tenantsMax } == 1)
        }
    }

    @Test func aRepetitionGetsTheSameLeaseAndNoMoreTime() async throws {
        try await MinerFixture.with { fixture in
            let request = MinerFixture.allocation()
            let first = try await fixture.send(request)
            fixture.wall.advance(5)
            let second = try await fixture.send(request)
            #expect(second.expiresAt == first.expiresAt)
            let (one, two) = (try #require(first.info), try #require(second.info))
            #expect(try TestRSA.decrypted(one) == TestRSA.decrypted(two))
            #expect(fixture.host.done.filter { $0 == "prepare" }.count == 1)
            try await expectEqual(fixture.refusal(of: MinerFixture.allocation(seconds: 61)), .busy)
        }
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var what: String
        var request: AllocateRequest
        var code: ComputeError.Code
        var testDescription: String { what }
    }

    static let refused: [Refused] = {
        func docker(_ change: (inout DockerRequirement) -> Void) -> AllocateRequest {
            var docker = DockerRequirement(sshKey: MinerFixture.userKey)
            change(&docker)
            return MinerFixture.allocation(docker: docker)
        }
        func device(_ change: (inout DeviceRequirement) -> Void) -> AllocateRequest {
            var device = MinerFixture.device
            change(&device)
            return MinerFixture.allocation(device: device)
        }
        return [
            Refused(what: "build text", request: docker { $0.dockerfile = "RUN id" }, code: .unsupported),
            Refused(
                what: "blank build text", request: docker { $0.dockerfile = " \n x" },
                code: .unsupported),
            Refused(what: "no key", request: docker { $0.sshKey = "" }, code: .unsupported),
            Refused(
                what: "a shell", request: docker { $0.sshKey += "$(id)" }, code: .malformedRequest),
            Refused(
                what: "an image of one's own", request: docker { $0.baseImage = "evil" }, code: .unsupported),
            Refused(
                what: "a reference", request: docker { $0.baseImage = ImageAllowList.leaseImage },
                code: .unsupported),
            Refused(what: "/etc", request: docker { $0.volumePath = "/etc" }, code: .unsupported),
            Refused(what: "the root", request: docker { $0.volumePath = "/" }, code: .unsupported),
            Refused(what: "a way up", request: docker { $0.volumePath = "/tmp/../etc" }, code: .unsupported),
            Refused(
                what: "the keys", request: docker { $0.volumePath = "/run/lease" }, code: .unsupported
            ),
            Refused(
                what: "a mount option", request: docker { $0.volumePath = "/tmp:rw,exec" }, code: .unsupported
            ),
            Refused(what: "too many cores", request: device { $0.cpuCount = 4096 }, code: .notAvailable),
            Refused(what: "too much memory", request: device { $0.ramBytes = 1 << 50 }, code: .notAvailable),
            Refused(
                what: "a GPU", request: device { $0.gpu = .init(count: 64, type: "no such model") },
                code: .notAvailable),
            Refused(
                what: "no RSA", request: MinerFixture.allocation(publicKey: "x"), code: .malformedRequest),
        ]
    }()

    @Test(arguments: refused)
    func whatCannotBeIsRefusedBeforeAnythingIsMade(_ refused: Refused) async throws {
        try await MinerFixture.with { fixture in
            try await expectEqual(fixture.refusal(of: refused.request), refused.code)
            #expect(!fixture.host.done.contains("prepare"))
            try await expectEqual(fixture.send(.checkAvailability(nil)).status, true)
        }
    }

    @Test func release183HeedsNeitherImageNorVolume() async throws {
        try await MinerFixture.with(profile: .ni183) { fixture in
            let docker = DockerRequirement(
                baseImage: "pytorch/pytorch:2.5.1", sshKey: MinerFixture.userKey, volumePath: "/anything")
            try await expectEqual(fixture.send(MinerFixture.allocation(docker: docker)).status, true)
        }
    }

    @Test func anUnsignedBodyIsRefusedWhereTheOperatorWantsIt() async throws {
        try await MinerFixture.with(configure: { $0.needsAuthenticatedBody = true }) { fixture in
            let classic = MinerFixture.caller(isBodyAuthenticated: false)
            for request in [
                MinerFixture.allocation(), AllocateRequest(.deallocate),
                AllocateRequest(.change(DockerAction(.restart))),
            ] {
                var code: ComputeError.Code?
                do { _ = try await fixture.miner.allocate(request, caller: classic) } catch let error
                    as ComputeError
                {
                    code = error.code
                }
                expectEqual(code, .notPermitted)
            }
            try await expectEqual(fixture.send(MinerFixture.allocation()).status, true)
        }
    }
}
