package import NIOCore

/// What a guard process and its parent say to each other, over the guard's standard input: a socket of which
/// only the parent holds the other end.
///
/// Guard → parent: lines of ASCII, at most ``lineBytesMax`` bytes each: `started PID`, `failed ERRNO`,
/// `exited CODE`, `signaled NUMBER`. Parent → guard: the byte `k` kills the worker's group at once; the end
/// of the stream, which the kernel writes when the parent dies however it dies, ends the group with a grace
/// period.
package enum GuardProtocol {
    /// The byte that kills.
    package static let killByte = UInt8(ascii: "k")
    /// Longest line, its line feed included.
    package static let lineBytesMax = 64
    /// The name of the hidden command that runs ``WorkerGuard``.
    package static let commandName = "worker-guard"

    /// One report of a guard.
    package enum Report: Sendable, Hashable {
        /// The worker runs as process `pid`, which leads its own group.
        case started(pid: Int32)
        /// The worker could not be started: an `errno`.
        case failed(errno: Int32)
        /// The worker ended and its group was killed.
        case ended(WorkerExit)

        /// The report as a line.
        package var line: String {
            switch self {
            case .started(let pid): return "started \(pid)\n"
            case .failed(let errno): return "failed \(errno)\n"
            case .ended(let exit):
                if let code = exit.code { return "exited \(code)\n" }
                return "signaled \(exit.signal ?? 0)\n"
            }
        }

        /// Reads a line without its line feed; nil for anything that is no report.
        package init?(line: String) {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 2, let number = Int32(parts[1]) else { return nil }
            switch parts[0] {
            case "started" where number > 1: self = .started(pid: number)
            case "failed" where number > 0: self = .failed(errno: number)
            case "exited" where number >= 0: self = .ended(.exited(number))
            case "signaled" where number > 0: self = .ended(.signaled(number))
            default: return nil
            }
        }
    }

    /// Cuts the guard's bytes into reports.
    package struct Decoder: Sendable {
        private var kept: [UInt8] = []

        /// A decoder at the start of the stream.
        package init() {}

        /// The reports that `bytes` complete.
        ///
        /// - Throws: ``WorkerError/Code/protocolViolation``.
        package mutating func received(_ bytes: inout ByteBuffer) throws(WorkerError) -> [Report] {
            var reports: [Report] = []
            while let byte = bytes.readInteger(as: UInt8.self) {
                guard byte == UInt8(ascii: "\n") else {
                    self.kept.append(byte)
                    guard self.kept.count < GuardProtocol.lineBytesMax else {
                        throw WorkerError(.protocolViolation, "a line of the worker guard is too long")
                    }
                    continue
                }
                guard let report = Report(line: String(decoding: self.kept, as: UTF8.self)) else {
                    throw WorkerError(.protocolViolation, "the guard process is no worker guard")
                }
                self.kept.removeAll(keepingCapacity: true)
                reports.append(report)
            }
            return reports
        }
    }
}
