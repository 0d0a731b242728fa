internal import AccountKeys
internal import Bittensor
internal import BittensorCore
internal import Logging

/// What `subnet dendrite` does, apart from its command line.
enum DendriteOperation {
    /// One call.
    struct Request: Sendable {
        var name: String
        var fields: JSONObject
        var host: String
        var port: Int
        var axonHotkey: String
        var timeout: Duration
        var signing: Dendrite.Signing
        var hotkey: Keypair
    }

    /// What came of it.
    struct Report: Sendable {
        var status: Int
        var message: String
        var fields: JSONObject
        var axonHotkey: String
        var milliseconds: Double
    }

    /// Calls once. A refusal is a report, not an error.
    static func call(_ request: Request) async throws -> Report {
        var configuration = Dendrite.Configuration()
        configuration.signing = request.signing
        let dendrite = Dendrite(
            hotkey: request.hotkey, configuration: configuration, logger: Logger(label: "subnet.dendrite"))
        let axon = AxonInfo(
            version: configuration.version, ip: request.host, port: request.port, ipType: 4,
            hotkey: request.axonHotkey, coldkey: "")
        let clock = ContinuousClock()
        let start = clock.now
        let answer = await dendrite.call(
            named: request.name, fields: request.fields, to: axon, timeout: request.timeout)
        let took = clock.now - start
        try await dendrite.shutdown()
        return Report(
            status: answer.head.dendrite.statusCode ?? 0, message: answer.head.dendrite.statusMessage ?? "",
            fields: answer.fields, axonHotkey: request.axonHotkey, milliseconds: took / .milliseconds(1))
    }
}
