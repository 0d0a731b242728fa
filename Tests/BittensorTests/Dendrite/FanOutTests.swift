import AccountKeys
import Bittensor
import BittensorCore
import Testing

/// Many axons at the same time, each of which takes its time. (The benchmark does it with 256 and an
/// optimised build.)
@Suite(.serialized, .timeLimit(.minutes(1))) struct FanOutTests {
    @Test func `a fan-out takes little longer than its slowest axon`() async throws {
        let count = 32
        var random = SystemRandomNumberGenerator()
        let delays = (0..<count).map { _ in Duration.milliseconds(Int.random(in: 200...1000, using: &random))
        }
        let key = try Keypair(uri: "//Axon")
        try await withThrowingTaskGroup(of: Void.self) { group in
            var axons: [AxonInfo] = []
            for delay in delays {
                var configuration = Axon.Configuration()
                configuration.port = 0
                let axon = try Axon(hotkey: key, configuration: configuration, logger: Stage.logger)
                try axon.attach(Simple.self) { simple, _ in
                    // The work of the handler: what is measured is that such work overlaps.
                    try await Task.sleep(for: delay)
                    return simple
                }
                group.addTask { try await axon.run() }
                let endpoint = try await axon.listening
                var address = axon.info
                address.port = endpoint.port
                axons.append(address)
            }
            defer { group.cancelAll() }
            let dendrite = Dendrite(hotkey: try Keypair(uri: "//Caller"), logger: Stage.logger)
            let clock = ContinuousClock()
            let start = clock.now
            let answers = await dendrite.call(Simple(), to: axons)
            let took = clock.now - start
            #expect(answers.filter(\.isSuccess).count == count)
            // What the calls themselves cost, without optimisation and beside other tests, is allowed for.
            #expect(took < (delays.max() ?? .zero) * 3 / 2 + .seconds(2))
            #expect(took < delays.reduce(.zero, +) / 2)
            try await dendrite.shutdown()
        }
    }
}
