import BittensorCore
import Logging
import Synchronization
import Testing

@testable import ComputeSubnet

@Suite struct ServePrometheusExtrinsicTests {
    private let registry = ScriptedRegistry()
    private let log = SleepLog()

    private func serve(
        wait: ExtrinsicWait = ExtrinsicWait(), force: Bool = false,
        address: @escaping @Sendable () async throws -> IPAddress = { .loopback }
    ) async -> Bool {
        let log = self.log
        let extrinsic = ServePrometheusExtrinsic(
            registry: self.registry, signer: FakeSigner(hotkey: "5Hot"), externalAddress: address,
            logger: Logger(label: "test"), sleep: { log.add($0) })
        return await extrinsic.serve(port: 8091, netuid: 27, wait: wait, force: force)
    }

    private var calls: [ServePrometheusCall] { self.registry.state.withLock { $0.prometheusCalls } }

    private func answers(_ answers: Result<ExtrinsicOutcome, ComputeError>...) {
        self.registry.state.withLock { $0.answers = answers }
    }

    private static let failure = Result<ExtrinsicOutcome, ComputeError>.failure(ComputeError(.chain, "Gone."))

    @Test func twoErrorsAndASuccessSleepOneAndTwoSeconds() async {
        self.answers(Self.failure, Self.failure, .success(.succeeded(block: 2)))
        #expect(await self.serve())
        #expect(self.log.all == [.seconds(1), .seconds(2)])
        #expect(self.calls.count == 3)
    }

    @Test func threeErrorsAreFalse() async {
        self.answers(Self.failure)
        #expect(await self.serve() == false)
        #expect(self.log.all == [.seconds(1), .seconds(2)])
        #expect(self.calls.count == 3)
    }

    @Test func whatTheChainRefusesIsNotTriedAgain() async {
        self.answers(.success(.failed("ServingRateLimitExceeded")))
        #expect(await self.serve() == false)
        #expect(self.calls.count == 1)
        #expect(self.log.all.isEmpty)
    }

    @Test func withoutWaitingARefusalIsNotSeen() async {
        self.answers(.success(.failed("ServingRateLimitExceeded")))
        #expect(await self.serve(wait: ExtrinsicWait(inclusion: false, finalization: false)))
    }

    @Test func noAddressOfOnesOwnIsFalse() async {
        #expect(
            await self.serve(address: { throw ComputeError(.failed, "Unable to attain your external ip.") })
                == false)
        #expect(self.calls.isEmpty)
        self.registry.state.withLock { $0.isReachable = false }
        #expect(await self.serve() == false)
    }

    @Test func anEqualRecordIsWrittenAgainAfterAHundredBlocks() async {
        let neuron = Neuron(
            uid: 1, hotkey: "5Hot", coldkey: "5Cold", stakeRao: 0, isValidatorPermitted: true,
            lastUpdate: 1000,
            prometheus: PrometheusRecord(version: 183, ip: .loopback, port: 8091))
        self.registry.state.withLock {
            $0.neurons = [neuron]
            $0.block = 1199
        }
        #expect(await self.serve())
        #expect(self.calls.isEmpty)
        #expect(await self.serve(force: true))
        #expect(self.calls.count == 1)
        // 1200 is in the next hundred: the age is 200 blocks.
        self.registry.state.withLock { $0.block = 1200 }
        #expect(await self.serve())
        #expect(self.calls.count == 2)
        // Another version is written at once.
        self.registry.state.withLock {
            $0.block = 1001
            $0.neurons[0].prometheus?.version = 182
        }
        #expect(await self.serve())
        #expect(self.calls.count == 3 && self.calls.last?.version == 183)
    }

    @Test func delaysDoubleUpToTheirBound() {
        let policy = RetryPolicy(tries: 6, delay: .seconds(1), backoff: 2, delayMax: .seconds(4))
        #expect(
            (0...6).map { policy.wait(afterFailures: $0) } == [
                nil, .seconds(1), .seconds(2), .seconds(4), .seconds(4), .seconds(4), nil,
            ])
    }
}
