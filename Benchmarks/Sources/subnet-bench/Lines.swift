internal import Foundation

/// A command to a benchmark peer, as `Interop/README.md` describes it.
struct Command: Codable {
    var id = 0
    var command: String
    var addr: String?
    /// `unary`, `task` (TaskProtocol; the Python peer of that world calls it unary), `stream` or `bulk`.
    var kind: String?
    var bytes: Int?
    var concurrency: Int?
    var seconds: Double?
    /// Items of a stream; beside a bulk stream, the bytes of its items.
    var count: Int?
}

/// A line that a peer says.
struct Reply: Codable {
    struct Failure: Codable {
        var kind: String
        var message: String
    }
    var event: String
    var ok: Bool?
    var error: Failure?
    var addrs: [String]?
    var per_second: Double?
    var mib_per_second: Double?
    var p50_ms: Double?
    var p99_ms: Double?
    /// Of the bulk stream beside the calls.
    var bulk_mib_per_second: Double?

    /// Writes it as one line on standard output.
    func say() throws {
        FileHandle.standardOutput.write(try JSONEncoder().encode(self) + Data("\n".utf8))
    }
}

/// Commands from standard input, until it ends or says `exit`.
func nextCommand() throws -> Command? {
    guard let line = readLine() else { return nil }
    let command = try JSONDecoder().decode(Command.self, from: Data(line.utf8))
    return command.command == "exit" ? nil : command
}
