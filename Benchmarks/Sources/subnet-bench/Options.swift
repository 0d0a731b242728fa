internal import Foundation

/// What the command line asks for. `SUBNET_BENCH_QUICK=1` makes the defaults short: enough to see that all
/// runs, not to judge.
struct Options {
    var rounds: Int
    var seconds: Double
    var parts: Set<String> = ["hivemind", "py-libp2p", "bulk", "bittensor"]
    /// A Markdown file that has the two marker lines of ``Report``; the table between them is replaced.
    var file: String?
    var isQuick: Bool
    /// Whether each server and what it starts stays on the first core and each client on the second, ours and
    /// theirs alike.
    var isPinned = false

    init(_ arguments: [String]) throws {
        self.isQuick = ProcessInfo.processInfo.environment["SUBNET_BENCH_QUICK"] == "1"
        self.rounds = self.isQuick ? 1 : 5
        self.seconds = self.isQuick ? 0.5 : 2
        var rest = arguments[...]
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw BenchFailure("\(name) needs a value") }
            switch name {
            case "--rounds": self.rounds = max(1, Int(value) ?? self.rounds)
            case "--seconds": self.seconds = max(0.1, Double(value) ?? self.seconds)
            case "--only":
                let wanted = Set(value.split(separator: ",").map(String.init))
                guard wanted.isSubset(of: self.parts) else {
                    throw BenchFailure("--only takes \(self.parts.sorted().joined(separator: ","))")
                }
                self.parts = wanted
            case "--write": self.file = value
            case "--pin": self.isPinned = value == "yes"
            default:
                throw BenchFailure(
                    "unknown option \(name); --rounds, --seconds, --only, --pin and --write exist")
            }
        }
    }
}
