internal import Foundation
internal import Logging
internal import Testing

@testable internal import ComputeSubnet

private let caller = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"

@Suite struct HashcatAdapterTests {
    private func solve(
        _ fake: FakeHashcat, _ inputs: ChallengeInputs, seconds: Double = 20,
        limits: ChallengeLimits = .init()
    ) async throws -> ChallengeSolution {
        try await fake.solver(limits: limits).solve(inputs, caller: caller, deadline: .after(seconds))
    }

    @Test func `a plain on standard output is the password`() async throws {
        let solution = try await self.solve(FakeHashcat("echo cab"), .searching("cab"))
        #expect(solution.password == "cab" && solution.error == nil)
        #expect(solution.localExecutionTime > 0 && solution.localExecutionTime < 20)
    }

    @Test func `a plain in hexadecimal is decoded, behind other lines too`() async throws {
        let fake = try FakeHashcat("echo 'Some notice:'; echo; printf '$HEX[613a62]\\r\\n'")
        let solution = try await self.solve(fake, .searching("a:b", charset: "ab:"))
        #expect(solution.password == "a:b" && solution.error == nil)
    }

    @Test func `without a result line there is neither password nor error, as in the reference`() async throws
    {
        let fake = try FakeHashcat(
            "echo 'INFO: All hashes found as potfile and/or empty entries! Use --show to display them.'")
        let solution = try await self.solve(fake, .searching("cab"))
        #expect(solution.password == nil && solution.error == nil)
        let lying = try await self.solve(
            FakeHashcat("echo abc; echo '$HEX[zz]'; echo '$HEX['"), .searching("cab"))
        #expect(lying.password == nil)
    }

    @Test func `each end has the text of the reference`() async throws {
        let inputs = ChallengeInputs.searching("cab")
        let prefix = inputs.runID(caller: caller) + ": ❌ "
        let silent = try await self.solve(FakeHashcat("exit 0"), inputs)
        #expect(silent.error == prefix + "run_hashcat execution failed: no exceptions")
        let exhausted = try await self.solve(FakeHashcat("exit 1"), inputs)
        #expect(exhausted.error == prefix + "Hashcat execution failed with code 1: ")
        let noDevice = try await self.solve(
            FakeHashcat("printf 'No devices\\n\\033[1mfound/left.\\n' >&2; exit 255"), inputs)
        #expect(
            noDevice.error == prefix + "Hashcat execution failed with code 255: No devices [1mfound/left.")
        let killed = try await self.solve(FakeHashcat("kill -9 $$"), inputs)
        #expect(killed.error == prefix + "Hashcat execution failed with code -9: ")
        let loud = try await self.solve(
            FakeHashcat("head -c 4000 /dev/zero | tr '\\0' x >&2; exit 3"), inputs)
        #expect(
            loud.error == prefix + "Hashcat execution failed with code 3: "
                + String(repeating: "x", count: 512))
        for solution in [silent, exhausted, noDevice, killed, loud] { #expect(solution.password == nil) }
    }

    @Test func `a missing program is an error and not a crash`() async throws {
        var configuration = ChallengeSolver.Configuration()
        configuration.hashcatPath = "/nonexistent/hashcat"
        let solver = ChallengeSolver(configuration: configuration, logger: Logger(label: "test"))
        solver.assumeHashcat(usesGPU: false)
        let solution = try await solver.solve(.searching("cab"), caller: caller, deadline: .after(20))
        #expect(solution.error?.contains("run_hashcat execution failed: it cannot be run") == true)
    }

    @Test
    func `what it gets is exactly one argument for each entry, a short environment and an empty folder`()
        async throws
    {
        setenv("SUBNET_TEST_SECRET", "mother's maiden name", 1)
        let fake = try FakeHashcat(
            """
            for argument in "$@"; do printf '%s\\n' "$argument"; done > $FOLDER/arguments
            env > $FOLDER/environment
            ls -A . > $FOLDER/files; pwd > $FOLDER/folder; stat -c %a . > $FOLDER/mode
            cut -d' ' -f6 /proc/$$/stat > $FOLDER/session; echo $PPID > $FOLDER/guard
            echo 'a,b'
            """)
        let inputs = ChallengeInputs.searching("a,b", charset: "ab,$;{}()-")
        let solver = fake.solver(usesGPU: true) { $0.extendedOptions = ["-O", "--hwmon-disable"] }
        let solution = try await solver.solve(inputs, caller: caller, deadline: .after(20))
        #expect(solution.password == "a,b")
        var arguments = try fake.note("arguments").split(separator: "\n").map(String.init)
        let session = arguments.remove(at: try #require(arguments.firstIndex(of: "--session")) + 1)
        let runtime = try #require(Int(arguments.removeLast()))
        #expect(session.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" } && session.count > 20)
        #expect((20...21).contains(runtime))
        #expect(
            arguments == [
                inputs.hash + ":" + inputs.salt, "-a", "3", "-D", "2", "-m", "610", "-1", "ab,$;{}()-",
                "?1?1?1",
                "-w", "3", "-O", "--hwmon-disable", "--potfile-disable", "--restore-disable", "--session",
                "--quiet", "--outfile-format", "2", "--logfile-disable", "--runtime",
            ])
        #expect(!(try fake.note("environment").contains("SUBNET_TEST_SECRET")))
        #expect(try fake.note("environment").contains("PATH="))
        #expect(try fake.note("files").isEmpty)
        #expect(try fake.note("mode") == "700\n")
        let folder = try fake.note("folder").trimmingCharacters(in: .newlines)
        #expect(!FileManager.default.fileExists(atPath: folder))
        #expect(
            try Int(fake.note("session").trimmingCharacters(in: .whitespacesAndNewlines))
                == Int(fake.note("guard").trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    @Test func `at the deadline the whole group dies, also one that will not listen`() async throws {
        let fake = try FakeHashcat(
            """
            trap '' TERM INT HUP
            sh -c "trap '' TERM INT HUP; echo \\$\\$ > $FOLDER/child; while true; do sleep 60; done" &
            echo $$ > $FOLDER/leader
            while true; do sleep 60; done
            """)
        var limits = ChallengeLimits()
        limits.runTimeMin = .milliseconds(1)
        let inputs = ChallengeInputs.searching("cab")
        let solution = try await self.solve(fake, inputs, seconds: 1.5, limits: limits)
        #expect(solution.error == inputs.runID(caller: caller) + ": ❌ Hashcat execution timed out")
        #expect(solution.localExecutionTime >= 1.5 && solution.localExecutionTime < 15)
        let leaderDies = try await fake.dies("leader")
        #expect(leaderDies)
        let childDies = try await fake.dies("child")
        #expect(childDies)
    }

    @Test func `one who is left behind neither delays the answer nor survives it`() async throws {
        let fake = try FakeHashcat("sleep 300 & echo $! > $FOLDER/child; echo cab")
        let solution = try await self.solve(fake, .searching("cab"))
        #expect(solution.password == "cab")
        #expect(solution.localExecutionTime < 15)
        let childDies = try await fake.dies("child")
        #expect(childDies)
    }

    @Test func `more output than allowed ends the run`() async throws {
        let fake = try FakeHashcat(
            "echo $$ > $FOLDER/leader; while true; do echo xxxxxxxxxxxxxxxxxxxxxxxxx; done")
        let solution = try await self.solve(fake, .searching("cab"))
        #expect(solution.error?.hasSuffix("it printed more than 65536 bytes") == true)
        let leaderDies = try await fake.dies("leader")
        #expect(leaderDies)
    }

    @Test func `one run at a time, a bounded queue, and a cancelled call gives its place back`() async throws
    {
        let fake = try FakeHashcat(
            """
            mkdir $FOLDER/lock || echo overlap > $FOLDER/overlap
            case "$*" in *?1?1?1?1*) echo $$ > $FOLDER/leader; while true; do sleep 60; done;; esac
            rmdir $FOLDER/lock; echo cab
            """)
        var limits = ChallengeLimits()
        limits.queueLengthMax = 2
        let solver = fake.solver(limits: limits)
        try await withThrowingTaskGroup(of: ChallengeSolution?.self) { group in
            // Runs until it is cancelled.
            let long = Task {  // Ended by this test: cancelled and awaited below.
                try await solver.solve(.searching("abcd"), caller: caller, deadline: .after(25))
            }
            while !solver.isBusy || (try? fake.note("leader"))?.hasSuffix("\n") != true { await Task.yield() }
            for length in 1...2 {
                group.addTask {
                    try await solver.solve(.searching("cab"), caller: caller, deadline: .after(25))
                }
                while solver.queueLength < length { await Task.yield() }
            }
            let refusal = await #expect(throws: ChallengeRefusal.self) {
                try await solver.solve(.searching("cab"), caller: caller, deadline: .after(25))
            }
            #expect(refusal?.code == .queueFull)
            #expect(refusal?.message == "2 challenges wait already")
            // A place is given back by one who stops waiting.
            let impatient = Task {  // Ended by this test: cancelled and awaited here.
                try await solver.solve(.searching("abcd"), caller: caller, deadline: .after(25))
            }
            impatient.cancel()
            await #expect(throws: ChallengeRefusal.self) { try await impatient.value }
            #expect(solver.queueLength == 2)
            rmdir(fake.folder + "/lock")
            long.cancel()
            await #expect(throws: ChallengeRefusal.self) { try await long.value }
            let leaderDies = try await fake.dies("leader")
            #expect(leaderDies)
            for try await solution in group { #expect(solution?.password == "cab") }
        }
        #expect((try? fake.note("overlap")) == nil)
        #expect(!solver.isBusy && solver.queueLength == 0)
    }

    @Test func `one whose turn cannot come in time is told so at his deadline`() async throws {
        let fake = try FakeHashcat("echo $$ > $FOLDER/leader; while true; do sleep 60; done")
        var limits = ChallengeLimits()
        limits.runTimeMin = .milliseconds(1)
        let solver = fake.solver(limits: limits)
        let long = Task {  // Ended by this test: cancelled and awaited below.
            try await solver.solve(.searching("abcd"), caller: caller, deadline: .after(25))
        }
        while !solver.isBusy { await Task.yield() }
        let refusal = await #expect(throws: ChallengeRefusal.self) {
            try await solver.solve(.searching("cab"), caller: caller, deadline: .after(0.2))
        }
        #expect(refusal?.code == .tooLate)
        #expect(solver.queueLength == 0)
        let past = await #expect(throws: ChallengeRefusal.self) {
            try await solver.solve(.searching("cab"), caller: caller, deadline: .now)
        }
        #expect(past?.code == .tooLate)
        long.cancel()
        _ = try? await long.value
    }

    @Test(arguments: ["echo v5.1.0", "echo hashcat", "exit 1", "echo v6.2.6; exit 3", "echo v; echo 6.2"])
    func `a program that is no hashcat of today is left alone`(script: String) async throws {
        let fake = try FakeHashcat(script)
        var configuration = ChallengeSolver.Configuration()
        configuration.hashcatPath = fake.path
        let solver = ChallengeSolver(configuration: configuration, logger: Logger(label: "test"))
        await solver.prepare()
        #expect(solver.backend == "native")
        let solution = try await solver.solve(.searching("cab"), caller: caller, deadline: .after(20))
        #expect(solution.password == "cab")
    }

    @Test func `one that has the version and cannot solve a challenge is left alone too`() async throws {
        let fake = try FakeHashcat("case $1 in --version) echo v6.2.6;; -I) echo;; *) echo nonsense;; esac")
        var configuration = ChallengeSolver.Configuration()
        configuration.hashcatPath = fake.path
        let solver = ChallengeSolver(configuration: configuration, logger: Logger(label: "test"))
        await solver.prepare()
        #expect(solver.backend == "native")
    }

    @Test func `versions and devices are read from what hashcat prints`() {
        #expect(HashcatOutput.version(Array("v6.2.6\n".utf8)) == [6, 2, 6])
        #expect(HashcatOutput.version(Array("v6.2.6-851-g6716447df\n".utf8)) == [6, 2, 6])
        #expect(HashcatOutput.version(Array("v7.1\n".utf8)) == [7, 1])
        for text in ["", "6.2.6", "v", "v6", "vx.y", "v99999999999999999999.1", "v1..\n"] {
            #expect(HashcatOutput.version(Array(text.utf8)) == nil, "\(text)")
        }
        let cpu = "Backend Device ID #1\n  Type...........: CPU\n  Name...........: AMD GPU-like\n"
        #expect(!HashcatOutput.listsGPU(Array(cpu.utf8)))
        #expect(HashcatOutput.listsGPU(Array((cpu + "  Type...........: GPU\n").utf8)))
    }

    @Test func `argv and outputs are those that were seen of hashcat`() throws {
        let vector = try ComputeFixtures.object("hashcat_runs")
        let problem = try SearchProblem(.searching("a:b", charset: "abcdefgh:-"))
        let command = HashcatCommand(
            ChallengeSolver.Configuration(), problem: problem, usesGPU: true, session: "s1", runtime: 30)
        let template = try #require(vector["argv_template"] as? [String])
        let values = [
            "{hash}:{salt}": command.arguments[0], "{10 chars}": "abcdefgh:-",
            "{?1 repeated difficulty times}": "?1?1?1", "-O or empty string": "-O",
        ]
        #expect(([command.path] + command.arguments).starts(with: template.map { values[$0] ?? $0 }))
        let flags = "--potfile-disable --restore-disable --session s1 --quiet --outfile-format 2"
        #expect(command.arguments.joined(separator: " ").contains(flags))
        let runs = try ComputeFixtures.cases("hashcat_runs", "runs")
        let exact = try #require(runs.compactMap { $0["stdout_exact"] as? String }.first)
        #expect(HashcatOutput.password(in: Array(exact.utf8), solving: problem) == "a:b")
        let tail = try #require(runs.compactMap { $0["result_line_tail"] as? String }.first)
        let plain = try #require(tail.split(separator: ":").last)
        #expect(HashcatOutput.plain(Array(plain.utf8)) == Array("a:b".utf8))
        for notice in runs.compactMap({ $0["stdout_has"] as? String }) {
            #expect(HashcatOutput.password(in: Array(notice.utf8), solving: problem) == nil)
        }
    }
}
