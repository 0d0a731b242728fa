internal import Foundation
internal import LibP2PIdentity

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
    private let process: OwnProcess

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
        let process = try OwnProcess.start(
            ["node", "--json", "--stop-with-stdin", "--log-level", "error"] + arguments)
        do {
            let line = try await withDeadline(timeout, "The \(role) did not get ready in time.") {
                try await process.firstLine()
            }
            let ready = try JSONDecoder().decode(Ready.self, from: Data(line.utf8))
            guard let text = ready.listen.first else { throw CommandFailure("The \(role) listens nowhere.") }
            return DemoProcess(
                role: role, peer: try PeerID(ready.peerId), address: try Multiaddr(text),
                processID: process.processID, process: process)
        } catch {
            await process.end()
            throw error
        }
    }

    private init(role: String, peer: PeerID, address: Multiaddr, processID: Int32, process: OwnProcess) {
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
}
