internal import Foundation

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// This executable in a process of its own, with its pipes.
///
/// - Important: `@unchecked Sendable`: `Process` and `Pipe` are set up before the first use elsewhere;
///   afterwards only their thread-safe calls (signals, waiting, closing) are made, each by one owner.
final class OwnProcess: @unchecked Sendable {
    /// Most bytes of the ready line.
    static let lineBytesMax = 64 * 1024
    private let process: Process
    private let input: Pipe
    private let output: Pipe

    /// Starts this executable with `arguments`; its standard input is a pipe that only this process holds.
    static func start(_ arguments: [String]) throws -> OwnProcess {
        guard let path = Bundle.main.executablePath else {
            throw CommandFailure("The path of this program is not known.")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        return OwnProcess(process, input: input, output: output)
    }

    /// Its id.
    var processID: Int32 { self.process.processIdentifier }

    private init(_ process: Process, input: Pipe, output: Pipe) {
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

    /// Asks a process that was started here to end.
    static func terminate(_ processID: Int32) { _ = sendSignal(processID, SIGTERM) }

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
