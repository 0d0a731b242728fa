internal import Foundation

/// The tables of a sitting, as Markdown.
struct Report {
    static let begin = "<!-- written by dev/bench: begin -->"
    static let end = "<!-- written by dev/bench: end -->"

    private let options: Options
    private var lines: [String] = []
    /// Rows that did not reach their bar.
    private(set) var missed: [String] = []

    init(options: Options) {
        self.options = options
        let date = Date().formatted(.iso8601.year().month().day())
        self.lines.append(
            "Measured on \(date), \(Self.machine()), "
                + "\(options.rounds) alternating rounds of \(figure(options.seconds)) s"
                + (options.isPinned ? ", servers on one core and clients on the other" : "")
                + (options.isQuick ? ", quick: not for judging." : "."))
    }

    var text: String { self.lines.joined(separator: "\n") }

    mutating func add(_ opponent: String, _ outcomes: [Outcome]) {
        self.lines += [
            "", "Against \(opponent):", "",
            "| | Subnet | p50 / p99 ms | peer | p50 / p99 ms | ratio, median (lowest - highest) | bar | |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for outcome in outcomes {
            let ratios = outcome.ratios
            let bar = outcome.contest.bar
            let isReached = bar.map { outcome.ratio >= $0 }
            if isReached == false {
                self.missed.append("\(outcome.contest.title): \(figure(outcome.ratio))x")
            }
            self.lines.append(
                "| \(outcome.contest.title) | \(figure(outcome.oursMedian)) | \(Self.latency(outcome.ours)) "
                    + "| \(figure(outcome.theirsMedian)) | \(Self.latency(outcome.theirs)) "
                    + "| **\(figure(outcome.ratio))x** "
                    + "(\(figure(ratios.min() ?? .nan)) - \(figure(ratios.max() ?? .nan))) "
                    + "| \(bar.map { "\(figure($0))x" } ?? "") "
                    + "| \(isReached.map { $0 ? "reached" : "missed" } ?? "") |"
            )
        }
    }

    mutating func addBulk(_ item: String, bar: Double?, _ rounds: [(idle: Reply, loaded: Reply)]) {
        let ratio = median(rounds.map { ($0.loaded.p99_ms ?? .nan) / ($0.idle.p99_ms ?? .nan) })
        if let bar, !(ratio <= bar) { self.missed.append("p99 beside a bulk stream: \(figure(ratio))x") }
        let judged = bar.map { " (bar: at most \(figure($0))x, \(ratio <= $0 ? "reached" : "missed"))" } ?? ""
        self.lines += [
            "", "64 B unary, sequential, while \(item) items stream on the same connection:", "",
            "| | p50 ms | p99 ms | stream MiB/s |", "|---|---|---|---|",
            "| idle connection | \(Self.middle(rounds.map(\.idle.p50_ms))) "
                + "| \(Self.middle(rounds.map(\.idle.p99_ms))) | |",
            "| beside the stream | \(Self.middle(rounds.map(\.loaded.p50_ms))) "
                + "| \(Self.middle(rounds.map(\.loaded.p99_ms))) "
                + "| \(Self.middle(rounds.map(\.loaded.bulk_mib_per_second))) |",
            "", "p99 beside the stream is **\(figure(ratio))x** idle\(judged).",
        ]
    }

    private static func latency(_ replies: [Reply]) -> String {
        guard replies.contains(where: { $0.p50_ms != nil }) else { return "" }
        return "\(Self.middle(replies.map(\.p50_ms))) / \(Self.middle(replies.map(\.p99_ms)))"
    }

    private static func middle(_ values: [Double?]) -> String {
        let known = values.compactMap(\.self).sorted()
        return known.isEmpty ? "" : figure(known[known.count / 2])
    }

    /// Cores and processor, without names that identify the machine.
    private static func machine() -> String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = text.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":")
            .last
        let memory = ProcessInfo.processInfo.physicalMemory >> 30
        let name = model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
        return "\(ProcessInfo.processInfo.processorCount) cores (\(name)), \(memory) GiB"
    }

    /// Replaces what stands between the two markers of a file.
    func write(to path: String) throws {
        let old = try String(contentsOfFile: path, encoding: .utf8)
        guard let begin = old.range(of: Self.begin), let end = old.range(of: Self.end),
            begin.upperBound <= end.lowerBound
        else {
            throw BenchFailure("\(path) has not the two marker lines")
        }
        let new = old[..<begin.upperBound] + "\n" + self.text + "\n" + old[end.lowerBound...]
        try String(new).write(toFile: path, atomically: true, encoding: .utf8)
    }
}
