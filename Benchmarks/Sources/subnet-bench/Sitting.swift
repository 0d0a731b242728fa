internal import Foundation

/// One row of a table: the same round asked of two pairs.
struct Contest {
    enum Unit {
        case perSecond, mebibytes
        /// Calls in a second at the median time of one: what is judged is the median time.
        case median
    }
    var title: String
    var unit = Unit.perSecond
    var ours: Command
    var theirs: Command
    /// The ratio that must be reached; nil for a row that is only reported.
    var bar: Double?
}

/// What a contest gave, round by round.
struct Outcome {
    var contest: Contest
    var ours: [Reply] = []
    var theirs: [Reply] = []

    private func value(_ reply: Reply) -> Double {
        switch self.contest.unit {
        case .perSecond: reply.per_second ?? 0
        case .mebibytes: reply.mib_per_second ?? 0
        case .median: 1000 / (reply.p50_ms ?? .infinity)
        }
    }
    var oursMedian: Double { median(self.ours.map(self.value)) }
    var theirsMedian: Double { median(self.theirs.map(self.value)) }
    /// The ratio of each round.
    var ratios: [Double] { zip(self.ours, self.theirs).map { self.value($0) / max(self.value($1), 1e-9) } }
    /// The median of the ratios of the rounds: what is judged.
    var ratio: Double { median(self.ratios) }
}

func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return .nan }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// All rounds of one run: the pairs stay up and take turns, so that what disturbs the machine disturbs both.
struct Sitting {
    let options: Options

    init(_ options: Options) { self.options = options }

    func run() throws {
        var report = Report(options: self.options)
        if !self.options.parts.isDisjoint(with: ["hivemind", "py-libp2p", "bulk"]) {
            try self.overLibP2P(&report)
        }
        if self.options.parts.contains("bittensor") {
            let ours = try Pair.axon(python: false, pinned: self.options.isPinned)
            defer { ours.end() }
            let theirs = try Pair.axon(python: true, pinned: self.options.isPinned)
            defer { theirs.end() }
            report.add(
                "the Axon of bittensor 10.5.0 (Python), requests signed before",
                try self.against("bittensor", theirs, ours, self.bittensor))
        }
        print(report.text)
        if let file = self.options.file { try report.write(to: file) }
        if !self.options.isQuick, !report.missed.isEmpty {
            throw BenchFailure("missed: \(report.missed.joined(separator: "; "))")
        }
    }

    private func overLibP2P(_ report: inout Report) throws {
        let ours = try Pair.ours(pinned: self.options.isPinned)
        defer { ours.end() }
        if self.options.parts.contains("hivemind") {
            report.add(
                "hivemind 1.1.12 (Python, with its Go daemon)",
                try self.against("hivemind", "bench_hivemind.py", ours, self.hivemind))
        }
        if self.options.parts.contains("py-libp2p") {
            report.add(
                "py-libp2p 0.8.1 (Python), TaskProtocol",
                try self.against("py-libp2p", "bench_py_libp2p.py", ours, self.pyLibP2P))
        }
        if self.options.parts.contains("bulk") {
            report.addBulk("64 KiB", bar: 5, try self.bulk(ours, itemBytes: 1 << 16))
            report.addBulk("1 MiB", bar: nil, try self.bulk(ours, itemBytes: 1 << 20))
        }
    }

    private func against(_ environment: String, _ script: String, _ ours: Pair, _ contests: [Contest]) throws
        -> [Outcome]
    {
        let theirs = try Pair.python(environment, script, pinned: self.options.isPinned)
        defer { theirs.end() }
        return try self.against(environment, theirs, ours, contests)
    }

    private func against(_ name: String, _ theirs: Pair, _ ours: Pair, _ contests: [Contest]) throws
        -> [Outcome]
    {
        var outcomes = contests.map { Outcome(contest: $0) }
        // A first round that nobody counts: caches, windows and the allocator of all four processes.
        if !self.options.isQuick {
            for contest in contests {
                _ = try ours.round(contest.ours)
                _ = try theirs.round(contest.theirs)
            }
        }
        for round in 0..<self.options.rounds {
            for index in contests.indices {
                let contest = contests[index]
                // Who begins changes from round to round.
                if round.isMultiple(of: 2) {
                    outcomes[index].ours.append(try ours.round(contest.ours))
                    outcomes[index].theirs.append(try theirs.round(contest.theirs))
                } else {
                    outcomes[index].theirs.append(try theirs.round(contest.theirs))
                    outcomes[index].ours.append(try ours.round(contest.ours))
                }
                self.progress(
                    "\(name), round \(round + 1), \(contest.title): "
                        + "\(figure(outcomes[index].ratios.last ?? 0))x"
                )
            }
        }
        return outcomes
    }

    private var hivemind: [Contest] {
        let (items, tokens) = self.options.isQuick ? (64, 20_000) : (512, 200_000)
        let bulk = Command(command: "round", kind: "stream", bytes: 1 << 20, count: items)
        let token = Command(command: "round", kind: "stream", bytes: 16, count: tokens)
        // The same count of larger items takes us too short a time to measure.
        var ourToken = token
        ourToken.count = tokens * 4
        return [
            self.unary("64 B unary, sequential", 64, 1, bar: 4.5),
            self.unary("64 B unary, 32 in flight", 64, 32, bar: 8),
            self.unary("1 MiB unary, sequential", 1 << 20, 1, bar: 5),
            self.unary("1 MiB unary, 32 in flight", 1 << 20, 32, bar: nil),
            Contest(
                title: "1 MiB server streaming, MiB/s", unit: .mebibytes, ours: bulk, theirs: bulk, bar: 1.5),
            Contest(title: "16 B token streaming, messages/s", ours: ourToken, theirs: token, bar: 3),
        ]
    }

    private var pyLibP2P: [Contest] {
        [(64, 1, 40), (64, 32, nil), (1 << 20, 1, nil)].map { bytes, concurrency, bar in
            let size = bytes == 64 ? "64 B" : "1 MiB"
            let load = concurrency == 1 ? "sequential" : "\(concurrency) in flight"
            var contest = self.unary("\(size) TaskProtocol, \(load)", bytes, concurrency, bar: bar)
            contest.ours.kind = "task"
            return contest
        }
    }

    /// The Python axon answers about 130 a second; more requests than it can take are not signed for it.
    private var bittensor: [Contest] {
        [
            ("signed echo, 32 connections", 32, Contest.Unit.perSecond, 20.0),
            ("signed echo, sequential, p50", 1, .median, 10),
        ]
        .map { title, concurrency, unit, bar in
            let ours = Command(
                command: "round", kind: "echo", concurrency: concurrency, seconds: self.options.seconds)
            var theirs = ours
            theirs.count = max(concurrency, Int(1000 * self.options.seconds))
            return Contest(title: title, unit: unit, ours: ours, theirs: theirs, bar: bar)
        }
    }

    private func unary(_ title: String, _ bytes: Int, _ concurrency: Int, bar: Double?) -> Contest {
        let command = Command(
            command: "round", kind: "unary", bytes: bytes, concurrency: concurrency,
            seconds: self.options.seconds)
        return Contest(title: title, ours: command, theirs: command, bar: bar)
    }

    /// Idle rounds and rounds beside a bulk stream take turns on our own pair.
    private func bulk(_ ours: Pair, itemBytes: Int) throws -> [(idle: Reply, loaded: Reply)] {
        try (0..<self.options.rounds).map { round in
            let command = Command(
                command: "round", kind: "unary", bytes: 64, concurrency: 1, seconds: self.options.seconds)
            let idle = try ours.round(command)
            var besides = command
            besides.kind = "bulk"
            besides.count = itemBytes
            let loaded = try ours.round(besides)
            self.progress(
                "bulk, round \(round + 1): p99 \(figure(idle.p99_ms ?? 0)) ms idle, "
                    + "\(figure(loaded.p99_ms ?? 0)) ms beside "
                    + "\(figure(loaded.bulk_mib_per_second ?? 0)) MiB/s")
            return (idle, loaded)
        }
    }

    private func progress(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
}

/// Three significant digits, and no more than a reader can use.
func figure(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    if value >= 1000 {
        return Int(value.rounded()).formatted(
            .number.grouping(.automatic).locale(Locale(identifier: "en_US")))
    }
    return String(format: value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value)
}
