internal import NIOCore
internal import NIOHTTP1

/// How a command in a container ended, and what it printed.
package struct ExecOutput: Sendable, Hashable {
    /// Its exit code.
    package var exitCode = 0
    /// What it printed.
    package var standardOutput: [UInt8] = []
    /// What it complained of.
    package var standardError: [UInt8] = []

    /// What it printed, as text without white space at its ends.
    package var text: String {
        let isSpace: (UInt8) -> Bool = { $0 == 32 || (9...13).contains($0) }
        let kept = standardOutput.drop(while: isSpace)
        let end = kept.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? kept.startIndex
        return String(decoding: kept[kept.startIndex..<end], as: UTF8.self)
    }

    /// Takes apart the stream in which both outputs come: frames of 1 byte stream number, 3 zero bytes, 4
    /// bytes length (big-endian) and that many bytes.
    static func demultiplexed(_ stream: ByteBuffer) throws(ContainerEngineError) -> ExecOutput {
        var output = ExecOutput()
        var rest = stream
        while rest.readableBytes > 0 {
            guard let stream = rest.readInteger(as: UInt8.self), stream <= 2,
                rest.readInteger(as: UInt8.self) == 0, rest.readInteger(as: UInt16.self) == 0,
                let length = rest.readInteger(as: UInt32.self),
                let bytes = rest.readBytes(length: Int(length))
            else {
                throw ContainerEngineError(
                    .malformedResponse, "The output of a command is cut or not framed.")
            }
            if stream == 2 { output.standardError += bytes } else { output.standardOutput += bytes }
        }
        return output
    }
}

extension ContainerEngine {
    private struct CreateExec: Encodable {
        var attachStdout = true
        var attachStderr = true
        var command: [String]
        var user: String

        enum CodingKeys: String, CodingKey {
            case attachStdout = "AttachStdout", attachStderr = "AttachStderr", command = "Cmd", user = "User"
        }
    }

    private struct StartExec: Encodable {
        var detach = false
        var terminal = false

        enum CodingKeys: String, CodingKey {
            case detach = "Detach", terminal = "Tty"
        }
    }

    private struct CreatedExec: Decodable {
        var id: String

        enum CodingKeys: String, CodingKey {
            case id = "Id"
        }
    }

    private struct InspectedExec: Decodable {
        var isRunning: Bool
        var exitCode: Int?

        enum CodingKeys: String, CodingKey {
            case isRunning = "Running", exitCode = "ExitCode"
        }
    }

    /// Runs a command in a running container, each argument its own entry, and returns what it printed.
    ///
    /// - Throws: `tooLarge` when it prints more than the limits permit; `timedOut` when it does not end in
    ///   time (the command goes on then); `conflict` when the container does not run.
    package func exec(
        _ command: [String], in container: String, user: String
    ) async throws(ContainerEngineError) -> ExecOutput {
        let name = try EngineName.checked(container)
        let create = try json(CreateExec(command: command, user: user))
        let created: CreatedExec = try await decoded(order(.POST, "/containers/\(name)/exec", body: create))
        let id = try EngineName.checked(created.id)
        var start = order(.POST, "/exec/\(id)/start", body: try json(StartExec()))
        start.bytesMax = limits.outputBytesMax
        var output = try ExecOutput.demultiplexed(try await send(start).body)
        let ended: InspectedExec = try await decoded(get("/exec/\(id)/json"))
        guard !ended.isRunning, let exitCode = ended.exitCode else {
            throw ContainerEngineError(.malformedResponse, "A command's output ended before the command did.")
        }
        output.exitCode = exitCode
        return output
    }
}
