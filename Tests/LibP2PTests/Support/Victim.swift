import LibP2PCore
import LibP2PIdentity
import Logging
import NIOCore
import Synchronization
import Testing

@testable import LibP2P

/// Log lines with their metadata, for tests that look for the cause of a failure.
final class LogRecorder: LogHandler, Sendable {
    private struct State {
        var lines: [String] = []
        var waiting: [(text: String, continuation: CheckedContinuation<String, Never>)] = []
    }
    private let state = Mutex(State())
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }

    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        let line = "\(event.message) \(event.metadata ?? [:])"
        let found = self.state.withLock { state in
            state.lines.append(line)
            let found = state.waiting.filter { line.contains($0.text) }
            state.waiting.removeAll { line.contains($0.text) }
            return found
        }
        for (_, continuation) in found { continuation.resume(returning: line) }
    }

    /// The first line with `text`, waiting until there is one.
    func line(with text: String) async -> String {
        await withCheckedContinuation { continuation in
            let line = self.state.withLock { state -> String? in
                if let line = state.lines.first(where: { $0.contains(text) }) { return line }
                state.waiting.append((text, continuation))
                return nil
            }
            if let line { continuation.resume(returning: line) }
        }
    }

    func count(of text: String) -> Int { self.state.withLock { $0.lines.count { $0.contains(text) } } }
}

/// A host under attack, and an honest one that shows whether it still serves.
struct Victim: Sendable {
    static let echo = "/echo/1.0.0"
    /// Answers anything with four mebibytes.
    static let flood = "/flood/1.0.0"

    let host: Host
    let honest: Host
    let address: Multiaddr
    let port: UInt16
    let log: LogRecorder

    /// Checks that the host answers: on a connection that stands, and on a new one.
    func expectToServe(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for isNew in [false, true] {
            if isNew { await self.honest.disconnect(self.host.peerID) }
            try await self.honest.connect(to: self.address)
            let stream = try await self.honest.newStream(to: self.host.peerID, protocols: [Self.echo])
            try await stream.write(ByteBuffer(string: "still there?"))
            stream.closeWrite()
            let answer = try await String(buffer: stream.readToEnd())
            #expect(answer == "still there?", sourceLocation: sourceLocation)
        }
    }
}

func withVictim(
    configure: (inout HostConfiguration) -> Void = { _ in }, _ body: (Victim) async throws -> Void
) async throws {
    let log = LogRecorder()
    var configuration = HostConfiguration(
        identity: try PrivateKey.generate(.ed25519), listen: [try Multiaddr("/ip4/127.0.0.1/tcp/0")])
    configuration.timeouts.bePatient()
    configure(&configuration)
    let host = try Host(configuration, logger: Logger(label: "victim") { _ in log })
    var ofHonest = HostConfiguration(identity: try PrivateKey.generate(.ed25519))
    ofHonest.timeouts.bePatient()
    let honest = try Host(
        ofHonest,
        logger: Logger(label: "honest") { _ in SwiftLogNoOpLogHandler() })
    let address = try #require(try await host.start().first)
    host.setHandler(Victim.echo, echo)
    host.setHandler(Victim.flood) { stream in
        guard (try? await stream.read()) != nil else { return }
        let block = ByteBuffer(repeating: 1, count: 64 * 1024)
        for _ in 0..<64 {
            guard (try? await stream.write(block)) != nil else { return stream.reset() }
        }
    }
    let port = try #require(address.tcpEndpoint?.endpoint.port)
    let victim = Victim(host: host, honest: honest, address: address, port: port, log: log)
    do { try await body(victim) } catch {
        await honest.stop()
        await host.stop()
        throw error
    }
    await honest.stop()
    await host.stop()
}
