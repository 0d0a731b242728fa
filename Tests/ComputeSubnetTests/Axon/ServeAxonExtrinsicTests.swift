import BittensorCore
import Logging
import Synchronization
import Testing

@testable import ComputeSubnet

@Suite struct ServeAxonExtrinsicTests {
    private let registry = ScriptedRegistry()

    private static func call(_ profile: ComputeProfile = .seed, certificate: [UInt8]? = nil) throws
        -> ServeAxonCall
    {
        ServeAxonCall(
            netuid: 27, version: 183, ip: try #require(IPAddress("192.0.2.7")), port: 8091,
            placeholder1: profile.servePlaceholders.first, placeholder2: profile.servePlaceholders.second,
            hotkey: "5Hot", coldkey: "5Cold", certificate: certificate)
    }

    private static func neuron(for call: ServeAxonCall) -> Neuron {
        Neuron(
            uid: 1, hotkey: call.hotkey, coldkey: call.coldkey, stakeRao: 0, isValidatorPermitted: false,
            axon: AxonRecord(
                version: call.version, ip: call.ip, port: call.port, protocolNumber: call.protocolNumber,
                placeholder1: call.placeholder1, placeholder2: call.placeholder2))
    }

    private func serve(_ call: ServeAxonCall, wait: ExtrinsicWait = ExtrinsicWait()) async throws -> Bool {
        let extrinsic = ServeAxonExtrinsic(registry: self.registry, logger: Logger(label: "test")) {
            FakeSigner(hotkey: "5Hot")
        }
        return try await extrinsic.serve(call, wait: wait)
    }

    private var calls: [ServeAxonCall] { self.registry.state.withLock { $0.axonCalls } }

    @Test func aLockedKeyIsFalseAndNothingIsSent() async throws {
        let extrinsic = ServeAxonExtrinsic(registry: self.registry, logger: Logger(label: "test")) {
            throw ComputeError(.notPermitted, "The password is wrong.")
        }
        #expect(try await extrinsic.serve(Self.call()) == false)
        #expect(self.calls.isEmpty)
    }

    @Test(arguments: ComputeProfile.all)
    func anEqualNeuronNeedsNoTransaction(_ profile: ComputeProfile) async throws {
        let call = try Self.call(profile)
        self.registry.state.withLock { $0.neurons = [Self.neuron(for: call)] }
        #expect(try await self.serve(call))
        #expect(self.calls.isEmpty)
    }

    @Test(
        arguments: [
            { $0.version = 184 }, { $0.ip = .loopback }, { $0.port = 1 }, { $0.coldkey = "5Else" },
            { $0.protocolNumber = 5 }, { $0.placeholder1 = 9 }, { $0.placeholder2 = 9 },
        ] as [@Sendable (inout ServeAxonCall) -> Void])
    func anyOtherFieldNeedsOne(_ change: @Sendable (inout ServeAxonCall) -> Void) async throws {
        let call = try Self.call()
        self.registry.state.withLock { $0.neurons = [Self.neuron(for: call)] }
        var changed = call
        change(&changed)
        #expect(try await self.serve(changed))
        #expect(self.calls == [changed])
    }

    @Test func theCertificateIsNotComparedAndMakesATLSCall() async throws {
        let plain = try Self.call()
        let tls = try Self.call(certificate: [1, 2])
        #expect(plain.callName == "serve_axon" && tls.callName == "serve_axon_tls")
        #expect(try await self.serve(tls))
        #expect(self.calls == [tls])
        self.registry.state.withLock { $0.neurons = [Self.neuron(for: plain)] }
        #expect(try await self.serve(tls))
        #expect(self.calls.count == 1)
    }

    @Test(arguments: [false, true], [false, true])
    func theResultFollowsTheWaitFlags(_ inclusion: Bool, _ finalization: Bool) async throws {
        let wait = ExtrinsicWait(inclusion: inclusion, finalization: finalization)
        self.registry.state.withLock { $0.answers = [.success(.failed("ServingRateLimitExceeded"))] }
        let refused = try await self.serve(Self.call(), wait: wait)
        #expect(refused == !(inclusion || finalization))
        self.registry.state.withLock { $0.answers = [.success(.succeeded(block: 5))] }
        #expect(try await self.serve(Self.call(), wait: wait))
    }

    @Test func anErrorOfTheChainIsThrownAndNotTriedAgain() async throws {
        self.registry.state.withLock { $0.answers = [.failure(ComputeError(.chain, "Gone."))] }
        await #expect(throws: ComputeError.self) { try await self.serve(Self.call()) }
        #expect(self.calls.count == 1)
    }
}
