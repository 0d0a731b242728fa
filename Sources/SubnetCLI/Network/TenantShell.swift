internal import Foundation
internal import Synchronization

/// A tenant's SSH: a key made for one lease, the host key that the miner promised, and the system's `ssh`.
struct TenantShell: Sendable {
    /// Most bytes that a tool may print.
    private static let outputBytesMax = 64 * 1024
    private let folder: String
    /// The line for the lease.
    let publicKey: String

    /// Makes a key pair below `folder`.
    static func make(in folder: String) async throws -> TenantShell {
        let key = "\(folder)/tenant"
        _ = try await self.tool("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "tenant", "-f", key])
        guard let line = FileManager.default.contents(atPath: "\(key).pub"), line.count < 4096 else {
            throw CommandFailure("ssh-keygen made no key.")
        }
        return TenantShell(
            folder: folder,
            publicKey: String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// Runs a command in the lease and returns what it printed.
    ///
    /// The server must show the promised host key, "SHA256:…"; without a promise there is no login.
    func run(_ command: String, user: String, host: String, port: Int, hostKey: String?) async throws
        -> String
    {
        guard let hostKey else { throw CommandFailure("The miner promised no host key, so nobody logs in.") }
        let known = "\(self.folder)/known_hosts"
        try await self.learn(hostKey, host: host, port: port, into: known)
        return try await Self.tool(
            "ssh",
            [
                "-F", "none", "-i", "\(self.folder)/tenant", "-p", "\(port)", "-o",
                "UserKnownHostsFile=\(known)",
                "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR", "\(user)@\(host)", command,
            ])
    }

    /// Writes down the server's host keys, if one of them is the promised one. A server that has just been
    /// started may not answer at once.
    private func learn(_ hostKey: String, host: String, port: Int, into file: String) async throws {
        for attempt in 1...20 {
            let keys = try await Self.tool(
                "ssh-keyscan", ["-T", "5", "-p", "\(port)", host], mayFail: true)
            if !keys.isEmpty {
                try Data(keys.utf8).write(to: URL(fileURLWithPath: file))
                let prints = try await Self.tool("ssh-keygen", ["-l", "-f", file])
                guard prints.split(whereSeparator: \.isWhitespace).contains(Substring(hostKey)) else {
                    throw CommandFailure("The lease shows another host key than the miner promised.")
                }
                return
            }
            if attempt < 20 { try await Task.sleep(for: .milliseconds(250)) }
        }
        throw CommandFailure("The lease does not answer on \(host):\(port).")
    }

    /// Runs a tool of the system without a shell; its error output is ours.
    private static func tool(
        _ name: String, _ arguments: [String], mayFail: Bool = false
    ) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [name] + arguments
        process.standardInput = FileHandle.nullDevice
        if mayFail { process.standardError = FileHandle.nullDevice }
        let output = Pipe()
        process.standardOutput = output
        let (chunks, continuation) = AsyncStream.makeStream(
            of: Data.self, bufferingPolicy: .bufferingOldest(64))
        output.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            if data.isEmpty { continuation.finish() } else { continuation.yield(data) }
        }
        defer { output.fileHandleForReading.readabilityHandler = nil }
        let (ended, exit) = AsyncStream.makeStream(of: Int32.self, bufferingPolicy: .bufferingNewest(1))
        process.terminationHandler = {
            exit.yield($0.terminationStatus)
            exit.finish()
        }
        try process.run()
        let id = process.processIdentifier
        return try await withTaskCancellationHandler {
            var text = Data()
            for await chunk in chunks where text.count < self.outputBytesMax { text += chunk }
            let status = await ended.first { _ in true } ?? -1
            guard status == 0 || mayFail else {
                throw CommandFailure(
                    status == 127 ? "\(name) is not installed." : "\(name) ended with status \(status).")
            }
            return String(decoding: text.prefix(self.outputBytesMax), as: UTF8.self)
        } onCancel: {
            OwnProcess.terminate(id)
        }
    }
}
