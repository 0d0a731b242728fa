import Foundation
import Synchronization

/// A row of the matrix.
enum Check: String, CaseIterable, Sendable {
    case connect = "connect: security, muxer, peer id"
    case identify = "identify: theirs of us, ours of them"
    case ping = "ping"
    case bytes0 = "TaskProtocol, 0 B"
    case bytes64 = "TaskProtocol, 64 B"
    case bytes1Mi = "TaskProtocol, 1 MiB"
    case bytes4Mi = "TaskProtocol, 4 MiB"
    case concurrent = "64 concurrent calls"
    case thousand = "1,000 calls over one connection"
    case unknownProtocol = "unknown protocol"
    case handlerFailure = "handler failure"
    case peerKilled = "peer killed mid-call"
    case deadline = "deadline passed"
}

/// What the tests of this run saw, and the table of it in docs/PROTOCOLS.md.
final class Matrix: Sendable {
    static let shared = Matrix()
    static let path = "\(Repository.root)/docs/PROTOCOLS.md"
    private static let begin = "<!-- interop-matrix:begin -->"
    private static let end = "<!-- interop-matrix:end -->"

    private struct Cell: Hashable {
        var check: Check
        var lane: Lane
    }
    private let seen = Mutex<[Cell: Bool]>([:])

    func record(_ check: Check, _ lane: Lane, passed: Bool) {
        self.seen.withLock { seen in
            let cell = Cell(check: check, lane: lane)
            seen[cell] = passed && seen[cell] != false
        }
    }

    /// Cells without a result in this run.
    var absent: Int { Check.allCases.count * Lane.all.count - self.seen.withLock { $0.count } }

    /// The table; a cell without a result of this run has the sign it has in `old`.
    func table(keeping old: String) -> String {
        let known = Self.signs(in: old)
        var lines = [
            "| | "
                + Lane.all.map { "\($0.kind.title), \($0.security.title): \(arrow($0))" }.joined(
                    separator: " | ") + " |",
            "|---|" + Lane.all.map { _ in ":-:|" }.joined(),
        ]
        for check in Check.allCases {
            let cells = Lane.all.enumerated().map { index, lane in
                if let passed = self.seen.withLock({ $0[Cell(check: check, lane: lane)] }) {
                    return passed ? "✓" : "✗"
                }
                let row = known[check.rawValue] ?? []
                return index < row.count ? row[index] : "?"
            }
            lines.append("| \(check.rawValue) | " + cells.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n")

        func arrow(_ lane: Lane) -> String { lane.direction == .weCall ? "we call" : "it calls" }
    }

    private static func signs(in table: String) -> [String: [String]] {
        var rows: [String: [String]] = [:]
        for line in table.split(separator: "\n") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard let name = cells.first, Check(rawValue: name) != nil else { continue }
            rows[name] = Array(cells.dropFirst())
        }
        return rows
    }

    /// The table as the page has it.
    static func committed() throws -> String {
        let page = try String(contentsOfFile: self.path, encoding: .utf8)
        guard let begin = page.range(of: self.begin), let end = page.range(of: self.end),
            begin.upperBound <= end.lowerBound
        else {
            throw InteropFailure("docs/PROTOCOLS.md has no place for the matrix: \(self.begin) … \(self.end)")
        }
        return page[begin.upperBound..<end.lowerBound].trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Puts `table` into the page.
    static func write(_ table: String) throws {
        let page = try String(contentsOfFile: self.path, encoding: .utf8)
        guard let begin = page.range(of: self.begin), let end = page.range(of: self.end) else { return }
        let changed = page[..<begin.upperBound] + "\n" + table + "\n" + page[end.lowerBound...]
        try String(changed).write(toFile: self.path, atomically: true, encoding: .utf8)
    }
}
