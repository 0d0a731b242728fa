internal import ArgumentParser
internal import LibP2PIdentity

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// `subnet call`.
struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Call a service of a peer.", subcommands: [TaskCommand.self])

    /// `subnet call task`.
    struct TaskCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "task",
            abstract: "Send a task over TaskProtocol (/subnet/task_protocol/1.0.0).",
            discussion: """
                Prints the result. Exits with 3 when the peer did not accept the task.
                """)

        @Argument(
            help: ArgumentHelp("Address of the peer, with /p2p/ID.", valueName: "multiaddr"))
        var target: String

        @Option(help: ArgumentHelp("Name of the task.", valueName: "id"))
        var taskID: String

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "The payload: a text, @FILE, or - for standard input.", valueName: "text|@file|-"))
        var payload: String

        @Option(
            parsing: .unconditional, help: ArgumentHelp("Seconds for the call.", valueName: "seconds"),
            transform: ArgumentReader.seconds)
        var timeout: Duration = .seconds(30)

        @OptionGroup var client: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let address = try ArgumentReader.peerAddress(target)
            guard !taskID.isEmpty else { throw CommandFailure("--task-id is empty.", status: .usage) }
            let report = try await NetworkOperations.callTask(
                TaskCallRequest(
                    target: address, taskID: taskID, payload: try Payload.read(payload), timeout: timeout,
                    client: try client.start()))
            if output.json {
                try JSONLine.write(TaskCallLine(report))
            } else if report.isAccepted {
                try StandardOutput.write(TaskCallLine.shown(report.result))
            }
            guard report.isAccepted else {
                let reason = report.error.isEmpty ? "" : ": \(PeerText.printable(report.error))"
                throw CommandFailure("\(report.peer) did not accept the task\(reason)", status: .notAccepted)
            }
        }
    }
}

/// The JSON form of an answer.
struct TaskCallLine: Encodable {
    let accepted: Bool
    let resultBase64: String
    /// Left out when the result is not UTF-8.
    let resultText: String?
    let error: String
    let peer: String
    let milliseconds: Double

    init(_ report: TaskCallReport) {
        accepted = report.isAccepted
        resultBase64 = Data(report.result).base64EncodedString()
        resultText = String(validating: report.result, as: UTF8.self)
        error = report.error
        peer = report.peer.description
        milliseconds = report.elapsed.milliseconds
    }

    /// A result for standard output: as it is into a file or pipe; on a terminal without control characters
    /// and with a line feed at its end.
    static func shown(_ result: [UInt8]) -> [UInt8] {
        guard StandardOutput.isTerminal, let last = result.last else { return result }
        let text = PeerText.printable(String(decoding: result, as: UTF8.self), keepsLines: true)
        return Array(text.utf8) + (last == UInt8(ascii: "\n") ? [] : [UInt8(ascii: "\n")])
    }
}
