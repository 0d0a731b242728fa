internal import Bittensor
internal import BittensorCore
internal import Foundation

/// One call of a dendrite to 256 axons at the same time, whose handlers wait a random 0.2 to 1 second each.
/// The bar: all answers are there within 1.5 times the slowest handler.
enum AxonFanOut {
    static let axons = 256
    static let bar = 1.5

    static func run() async throws {
        let key = try SignedEcho.keys(SignedEcho.axonPhrase)
        let delays = (0..<Self.axons).map { _ in Duration.milliseconds(Int.random(in: 200...1000)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            var addresses: [AxonInfo] = []
            for delay in delays {
                var configuration = Axon.Configuration()
                configuration.port = 0
                let axon = try Axon(hotkey: key, configuration: configuration)
                try axon.attach(Echo.self) { echo, _ in
                    try await Task.sleep(for: delay)
                    return echo
                }
                group.addTask { try await axon.run() }
                var address = axon.info
                address.port = try await axon.listening.port
                addresses.append(address)
            }
            defer { group.cancelAll() }
            let dendrite = Dendrite(hotkey: try SignedEcho.keys(SignedEcho.callerPhrase))
            let clock = ContinuousClock()
            let start = clock.now
            let answers = await dendrite.call(Echo(message: "hello"), to: addresses)
            let took = (clock.now - start) / .seconds(1)
            try await dendrite.shutdown()
            let slowest = (delays.max() ?? .zero) / .seconds(1)
            let good = answers.filter(\.isSuccess).count
            print(
                "\(good) of \(Self.axons) axons answered in \(figure(took)) s; the slowest handler waited "
                    + "\(figure(slowest)) s: \(figure(took / slowest))x (bar: at most \(figure(Self.bar))x)")
            guard good == Self.axons, took <= slowest * Self.bar else { throw BenchFailure("missed") }
        }
    }
}
