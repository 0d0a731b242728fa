/// A hashcat command line, one entry for each argument. No shell ever interprets it.
struct HashcatCommand: Sendable, Hashable {
    /// Program name or path.
    var path: String
    /// Arguments behind it.
    var arguments: [String]

    /// The search for a problem's password.
    ///
    /// The reference's arguments, and: no potfile (a second search for the same hash would print nothing), no
    /// restore file, no log, a session of its own (a second run of the same session is refused), nothing but
    /// the plain on standard output, and an end of its own should this process not live to end it.
    ///
    /// - Parameters:
    ///   - problem: every field was checked, so no argument can be anything but what it is meant to be.
    ///   - session: letters, digits and hyphens.
    ///   - runtime: after how many seconds hashcat ends by itself.
    init(
        _ configuration: ChallengeSolver.Configuration, problem: SearchProblem, usesGPU: Bool,
        session: String, runtime: Int
    ) {
        self.path = configuration.hashcatPath
        let target = SearchProblem.hashPrefix + Hexadecimal.encode(problem.digest)
        self.arguments =
            [
                target + ":" + String(decoding: problem.salt, as: UTF8.self),
                "-a", "3", "-D", usesGPU ? "2" : "1", "-m", SearchProblem.mode,
                "-1", String(decoding: problem.charset, as: UTF8.self),
                String(repeating: "?1", count: problem.difficulty),
                "-w", String(configuration.workloadProfile),
            ] + configuration.extendedOptions
        self.arguments += [
            "--potfile-disable", "--restore-disable", "--session", session, "--quiet", "--outfile-format",
            "2",
            "--logfile-disable", "--runtime", String(max(runtime, 1)),
        ]
    }

    /// Another use of the program.
    init(path: String, arguments: [String]) {
        self.path = path
        self.arguments = arguments
    }
}

/// What hashcat prints, and what it means.
enum HashcatOutput {
    /// The first line that is a solution of the problem.
    ///
    /// Lines are plains, of which those with unprintable characters or a colon are written `$HEX[…]`. A line
    /// that is no solution is not believed, whatever hashcat says.
    static func password(in output: [UInt8], solving problem: SearchProblem) -> String? {
        for line in output.split(separator: UInt8(ascii: "\n")) {
            let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            let plain = Self.plain(Array(text))
            if problem.isSolved(by: plain) { return String(decoding: plain, as: UTF8.self) }
        }
        return nil
    }

    /// A plain without its `$HEX[…]`.
    static func plain(_ text: [UInt8]) -> [UInt8] {
        let prefix = Array("$HEX[".utf8)
        guard text.starts(with: prefix), text.last == UInt8(ascii: "]") else { return text }
        return Hexadecimal.decode(Array(text.dropFirst(prefix.count).dropLast())) ?? text
    }

    /// The numbers of `v6.2.6` or `v6.2.6-851-g6716447df`; nil for anything else.
    static func version(_ output: [UInt8]) -> [Int]? {
        let text = String(decoding: output.prefix(64), as: UTF8.self)
        guard text.first == "v", let line = text.split(whereSeparator: \.isNewline).first else { return nil }
        let numbers = line.dropFirst().prefix { $0.isNumber || $0 == "." }.split(separator: ".").map {
            Int($0)
        }
        guard numbers.count >= 2, numbers.allSatisfy({ $0 != nil }) else { return nil }
        return numbers.compactMap(\.self)
    }

    /// Whether the list of `hashcat -I` has a GPU.
    static func listsGPU(_ output: [UInt8]) -> Bool {
        String(decoding: output, as: UTF8.self).split(whereSeparator: \.isNewline).contains { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return parts.count == 2 && parts[0].contains("Type.") && parts[1].contains("GPU")
        }
    }

    /// A child's complaint as one line of printable text for an answer.
    static func complaint(_ output: [UInt8], charactersMax: Int) -> String {
        let text = String(decoding: output, as: UTF8.self).unicodeScalars.map { scalar in
            scalar.value < 0x20 || scalar.value == 0x7f ? " " : Character(scalar)
        }
        let words = String(text).split(separator: " ", omittingEmptySubsequences: true)
        return String(words.joined(separator: " ").prefix(charactersMax))
    }
}
