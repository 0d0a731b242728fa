internal import Foundation

/// One side of a pair: a child process that is commanded by JSON lines. It ends when its standard input does.
final class PeerProcess {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var unread = Data()
    private let name: String

    /// Starts a program, kept on one core with all that it starts when `core` says so (Linux).
    init(_ name: String, _ program: String, _ arguments: [String], core: Int?) throws {
        self.name = name
        if let core {
            self.process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
            self.process.arguments = ["-c", "\(core)", program] + arguments
        } else {
            self.process.executableURL = URL(fileURLWithPath: program)
            self.process.arguments = arguments
        }
        self.process.standardInput = self.input
        self.process.standardOutput = self.output
        self.process.standardError = FileHandle.nullDevice
        try self.process.run()
    }

    /// The first line, which says where a server listens.
    func ready() throws -> [String] {
        let reply = try self.line()
        guard reply.event == "ready" else {
            throw BenchFailure("\(self.name) said \(reply.event), not ready")
        }
        return reply.addrs ?? []
    }

    /// Sends a command and waits for its result.
    func ask(_ command: Command) throws -> Reply {
        self.input.fileHandleForWriting.write(try JSONEncoder().encode(command) + Data("\n".utf8))
        var reply = try self.line()
        while reply.event != "result" { reply = try self.line() }
        guard reply.ok == true else {
            throw BenchFailure(
                "\(self.name): \(command.command) failed: \(reply.error?.message ?? "no reason given")")
        }
        return reply
    }

    func end() {
        try? self.input.fileHandleForWriting.close()
        self.process.waitUntilExit()
    }

    private func line() throws -> Reply {
        while true {
            if let end = self.unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Data(self.unread[..<end])
                self.unread = Data(self.unread[(end + 1)...])
                return try JSONDecoder().decode(Reply.self, from: line)
            }
            let more = self.output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw BenchFailure("\(self.name) ended without an answer") }
            self.unread += more
        }
    }
}

/// A server and a client of one kind, connected and warm.
final class Pair {
    private let server: PeerProcess
    private let client: PeerProcess

    private convenience init(
        _ name: String, _ program: String, pinned: Bool, _ arguments: (_ role: String) -> [String]
    ) throws {
        try self.init(
            name, server: (program, arguments("server")), client: (program, arguments("client")),
            pinned: pinned)
    }

    private init(
        _ name: String, server: (program: String, arguments: [String]),
        client: (program: String, arguments: [String]), pinned: Bool
    ) throws {
        self.server = try PeerProcess(
            "\(name) server", server.program, server.arguments, core: pinned ? 0 : nil)
        self.client = try PeerProcess(
            "\(name) client", client.program, client.arguments, core: pinned ? 1 : nil)
        _ = try self.client.ready()
        guard let address = try self.server.ready().first else {
            throw BenchFailure("\(name) listens nowhere")
        }
        _ = try self.client.ask(Command(command: "connect", addr: address))
    }

    /// Two processes of ours.
    static func ours(pinned: Bool) throws -> Pair {
        guard let program = Bundle.main.executablePath else { throw BenchFailure("where is this program?") }
        return try Pair("subnet", program, pinned: pinned) { [$0] }
    }

    /// Two processes of a Python peer.
    static func python(_ environment: String, _ script: String, pinned: Bool) throws -> Pair {
        let program = ".build/interop/\(environment)/bin/python"
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw BenchFailure(
                "\(program) is missing: run dev/interop-setup bench, from the root of the repository")
        }
        return try Pair(environment, program, pinned: pinned) { ["Interop/\(script)", "--role", $0] }
    }

    /// An axon, ours or the SDK's, and our prepared requests, the same for both.
    static func axon(python: Bool, pinned: Bool) throws -> Pair {
        guard let ours = Bundle.main.executablePath else { throw BenchFailure("where is this program?") }
        let theirs = ".build/interop/bittensor/bin/python"
        guard !python || FileManager.default.isExecutableFile(atPath: theirs) else {
            throw BenchFailure("\(theirs) is missing: run dev/interop-setup, from the root of the repository")
        }
        return try Pair(
            python ? "bittensor" : "subnet axon",
            server: python ? (theirs, ["Interop/bittensor_peer.py"]) : (ours, ["axon-server"]),
            client: (ours, ["axon-client"]), pinned: pinned)
    }

    func round(_ command: Command) throws -> Reply { try self.client.ask(command) }

    func end() {
        self.client.end()
        self.server.end()
    }
}
