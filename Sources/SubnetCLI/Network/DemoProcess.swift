internal import Foundation
internal import LibP2PIdentity

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// A node of the demo: this executable in a process of its own.
///
/// Its standard input is a pipe that only the demo holds: when the demo is gone, however it ended, the node
/// sees the end of its input and shuts down.
final class DemoProcess: Sendable {
    /// "bootnode", "hoster 1", …
    let role: String
    let peer: PeerID
    let address: Multiaddr
    let processID: Int32
    private let process: ProcessBox

    private struct Ready: Decodable {
        var event: String
        var peerId: String
        var listen: [String]

        enum CodingKeys: String, CodingKey {
            case event, listen
            case peerId = "peer_id"
        }
    }

    /// Starts `subnet node` and waits for its ready line.
    static func start(role: String, arguments: [String], timeout: Duration) async throws -> DemoProcess {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try Self.ownExecutable())
        process.arguments = ["node", "--json", "--stop-with-stdin", "--log-level", "error"] + arguments
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let box = ProcessBox(process, input: input, output: output)
        do {
            let line = try await withDeadline(timeout, "The \(role) did not get ready in time.") {
                try await box.firstLine()
            }
            let ready = try JSONDecoder().decode(Ready.self, from: Data(line.utf8))
            guard let text = ready.listen.first else { throw CommandFailure("The \(role) listens nowhere.") }
            return DemoProcess(
                role: role, peer: try PeerID(ready.peerId), address: try Multiaddr(text),
                processID: process.processIdentifier, process: box)
        } catch {
            await box.end()
            throw error
        }
    }

    private init(role: String, peer: PeerID, address: Multiaddr, processID: Int32, process: ProcessBox) {
        self.role = role
        self.peer = peer
        self.address = address
        self.processID = processID
        self.process = process
    }

    /// Kills the process without a word, as a crash would.
    func kill() { self.process.kill() }

    /// Asks the process to stop, and returns when it did.
    func end() async { await self.process.end() }

    private static func ownExecutable() throws -> String {
        guard let path = Bundle.main.executablePath else {
            throw CommandFailure("The path of this program is not known.")
        }
        return path
    }
}

/// A child process and its pipes.
///
/// - Important: `@unchecked Sendable`: `Process` and `Pipe` are set up before the first use elsewhere;
///   afterwards only their thread-safe calls (signals, waiting, closing) are made, each by one owner.
private final class ProcessBox: @unchecked Sendable {
    /// Most bytes of the ready line.
    static let lineBytesMax = 64 * 1024
    private let process: Process
    private let input: Pipe
    private let output: Pipe

    init(_ process: Process, input: Pipe, output: Pipe) {
        self.process = process
        self.input = input
        self.output = output
    }

    /// The first line of standard output.
    func firstLine() async throws -> String {
        let (chunks, continuation) = AsyncStream.makeStream(
            of: Data.self, bufferingPolicy: .bufferingOldest(64))
        self.output.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            if data.isEmpty { continuation.finish() } else { continuation.yield(data) }
        }
        defer { self.output.fileHandleForReading.readabilityHandler = nil }
        var line = Data()
        for await chunk in chunks {
            line.append(chunk)
            if let end = line.firstIndex(of: 0x0a) { return String(decoding: line[..<end], as: UTF8.self) }
            guard line.count <= Self.lineBytesMax else { break }
        }
        throw CommandFailure("A node of the demo ended before it was ready.")
    }

    func kill() { _ = sendSignal(self.process.processIdentifier, SIGKILL) }

    func end() async {
        try? self.input.fileHandleForWriting.close()
        // A node that does not follow within a while is killed: nothing of the demo may outlive it.
        do {
            try await withDeadline(.seconds(15), "") { await self.exited() }
        } catch {
            self.kill()
            await self.exited()
        }
    }

    private func exited() async {
        let (ended, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.process.terminationHandler = { _ in continuation.finish() }
        if !self.process.isRunning { continuation.finish() }
        for await _ in ended {}
    }
}

/// The system's `kill`, which methods of the same name hide.
private func sendSignal(_ process: Int32, _ number: Int32) -> Int32 { kill(process, number) }
