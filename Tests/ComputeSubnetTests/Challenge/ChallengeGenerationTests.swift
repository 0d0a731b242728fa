internal import Foundation
internal import Testing

@testable internal import ComputeSubnet

@Suite struct ChallengeGenerationTests {
    @Test func `hashes, masks and run names are those of the vectors`() throws {
        let cases = try ComputeFixtures.cases("pow_challenge", "cases")
        #expect(cases.count == 6)
        for vector in cases {
            let password = try #require(vector["password"] as? String)
            let salt = try #require(vector["salt"] as? String)
            let hash = try #require(vector["hash"] as? String)
            #expect(ChallengeGenerator.hash(password: password, salt: salt) == hash)
            let difficulty = try #require(vector["difficulty"] as? Int)
            let inputs = ChallengeInputs(
                hash: hash, salt: salt, charset: "abc", mask: "", difficulty: difficulty)
            let part = try #require(vector["run_id_hash_part_[10:20]"] as? String)
            #expect(inputs.runID(caller: "5FHneW46xGXgs5mUi") == "5FHneW46/\(difficulty)/\(part)")
            #expect(vector["mask"] as? String == String(repeating: "?1", count: difficulty))
        }
        for vector in try ComputeFixtures.cases("pow_challenge", "keyspace") {
            let size = ChallengeSize(difficulty: try #require(vector["difficulty"] as? Int))
            #expect(size.candidates == vector["candidates"] as? Double)
        }
    }

    @Test func `the alphabet is the reference's without colon and dollar`() throws {
        let vector = try #require(try ComputeFixtures.object("pow_challenge")["alphabet"] as? String)
        #expect(ChallengeGenerator.legacyAlphabet == vector)
        #expect(ChallengeGenerator.alphabet.count == 84)
        #expect(Set(vector).subtracting(ChallengeGenerator.alphabet) == [":", "$"])
    }

    @Test(arguments: 1...12)
    func `an issued challenge is valid, solved by its password and by nothing near it`(
        difficulty: Int
    ) throws {
        var generator = SeededGenerator(UInt64(difficulty))
        for characters in [2, 7, 10] {
            let size = ChallengeSize(characters: characters, difficulty: difficulty)
            let issued = ChallengeGenerator.issue(size: size, using: &generator)
            let problem = try SearchProblem(issued.inputs)
            #expect(Double(problem.candidates) == size.candidates)
            #expect(problem.isSolved(by: Array(issued.password.utf8)))
            let verdict = ChallengeVerifier.verdict(
                issued.inputs, password: issued.password, elapsed: .seconds(2))
            #expect(verdict == ChallengeVerdict(isSolved: true, elapsed: .seconds(2)))
            #expect(!"\(issued)".contains(issued.password) || difficulty < 3)
            let reversed = String(issued.password.reversed())
            for wrong in [nil, "", issued.password + "a", String(issued.password.dropLast()), reversed + "!"]
            {
                #expect(
                    !ChallengeVerifier.verdict(issued.inputs, password: wrong, elapsed: .seconds(2)).isSolved)
            }
        }
    }

    @Test func `a verdict goes by the validator's clock and the validator's salt`() {
        var generator = SeededGenerator(5)
        let issued = ChallengeGenerator.issue(difficulty: 4, using: &generator)
        let late = ChallengeVerifier.verdict(
            issued.inputs, password: issued.password, elapsed: .seconds(30) + .nanoseconds(1))
        #expect(!late.isSolved)
        var salted = issued.inputs
        salted.salt = "0000000000000000"
        #expect(!ChallengeVerifier.verdict(salted, password: issued.password, elapsed: .zero).isSolved)
        // A password of foreign characters is refused even where its hash would fit.
        let foreign = ChallengeInputs(
            hash: ChallengeGenerator.hash(password: "zz", salt: issued.inputs.salt), salt: issued.inputs.salt,
            charset: "ab", mask: "?1?1", difficulty: 2)
        #expect(!ChallengeVerifier.verdict(foreign, password: "zz", elapsed: .zero).isSolved)
    }

    @Test func `randomness decides everything, and equal randomness the same`() {
        var one = SeededGenerator(1)
        var same = SeededGenerator(1)
        var other = SeededGenerator(2)
        let issued = ChallengeGenerator.issue(difficulty: 7, using: &one)
        #expect(issued == ChallengeGenerator.issue(difficulty: 7, using: &same))
        let different = ChallengeGenerator.issue(difficulty: 7, using: &other)
        #expect(issued.inputs.salt != different.inputs.salt)
        #expect(issued.inputs.charset != different.inputs.charset)
        #expect(issued.password != different.password)
    }
}

@Suite struct SearchProblemTests {
    private let good = ChallengeInputs(
        hash: ChallengeGenerator.hash(password: "k9q", salt: "a1b2c3d4e5f60718"), salt: "a1b2c3d4e5f60718",
        charset: "kq9abc$:-<", mask: "?1?1?1", difficulty: 3)

    @Test func `a challenge of the reference is accepted, colon and dollar included`() throws {
        let problem = try SearchProblem(self.good)
        #expect(problem.charset == Array("kq9abc$:-<".utf8))
        #expect(problem.candidates == 1000)
    }

    static let bad: [(String, @Sendable (inout ChallengeInputs) -> Void)] = [
        ("no hash", { $0.hash = "" }),
        ("hash without prefix", { $0.hash = String($0.hash.dropFirst(8)) }),
        ("hash of another kind", { $0.hash = "$SHA512$" + $0.hash.dropFirst(8) }),
        ("short hash", { $0.hash.removeLast() }),
        ("long hash", { $0.hash += "0" }),
        ("hash in capitals", { $0.hash = "$BLAKE2$" + $0.hash.dropFirst(8).uppercased() }),
        ("hash with another letter", { $0.hash = $0.hash.dropLast() + "g" }),
        ("hash with a line break", { $0.hash = $0.hash.dropLast() + "\n" }),
        ("hash that is an option", { $0.hash = "--outfile=x" }),
        ("hash that is a path", { $0.hash = "/etc/passwd" }),
        ("no salt", { $0.salt = "" }),
        ("short salt", { $0.salt = "a1b2" }),
        ("long salt", { $0.salt += "00" }),
        ("salt with a colon", { $0.salt = "a1b2c3d4e5f6071:" }),
        ("salt in capitals", { $0.salt = "A1B2C3D4E5F60718" }),
        ("another mode", { $0.mode = "600" }),
        ("mode with more", { $0.mode = "610 --show" }),
        ("no mode", { $0.mode = "" }),
        ("no characters", { $0.charset = "" }),
        ("eleven characters", { $0.charset = "abcdefghijk" }),
        ("a character twice", { $0.charset = "aab" }),
        ("an escape of hashcat", { $0.charset = "?d" }),
        ("a path", { $0.charset = "/etc/hosts" }),
        ("a blank", { $0.charset = "a b" }),
        ("a quotation mark", { $0.charset = "a'b" }),
        ("a backslash", { $0.charset = "a\\b" }),
        ("a zero byte", { $0.charset = "a\0b" }),
        ("a letter beyond ASCII", { $0.charset = "abcé" }),
        ("a long charset", { $0.charset = String(repeating: "a", count: 1 << 20) }),
        ("no mask", { $0.mask = "" }),
        ("a short mask", { $0.mask = "?1?1" }),
        ("a long mask", { $0.mask = "?1?1?1?1" }),
        ("a mask of all bytes", { $0.mask = "?b?b?b" }),
        ("a mask that is a file", { $0.mask = "a.hcmask" }),
        ("a difficulty that the mask does not have", { $0.difficulty = 4 }),
        (
            "a difficulty over the limit",
            {
                $0.difficulty = 13
                $0.mask = String(repeating: "?1", count: 13)
            }
        ),
        ("a huge difficulty", { $0.difficulty = .max }),
    ]

    @Test(arguments: Self.bad.indices) func `anything else is refused before it could reach a command line`(
        index: Int
    ) {
        let (name, change) = Self.bad[index]
        var inputs = self.good
        change(&inputs)
        #expect(throws: ChallengeRefusal.self, "\(name)") { try SearchProblem(inputs) }
    }

    @Test(arguments: [0, -1, Int.min]) func `a difficulty that is not positive is told apart`(difficulty: Int)
    {
        var inputs = self.good
        inputs.difficulty = difficulty
        let refusal = #expect(throws: ChallengeRefusal.self) { try SearchProblem(inputs) }
        #expect(refusal?.code == .difficultyNotPositive)
    }

    @Test func `refusals speak the reference's language`() throws {
        let texts = ChallengeErrorText(runID: self.good.runID(caller: "5FHneW46xGXgs5mUi"))
        #expect(texts.timedOut == "5FHneW46/3/da7ad4c5fd: ❌ Hashcat execution timed out")
        #expect(
            texts.nothingSaid == "5FHneW46/3/da7ad4c5fd: ❌ run_hashcat execution failed: no exceptions")
        #expect(
            texts.ended(code: 255, standardError: "No devices")
                == "5FHneW46/3/da7ad4c5fd: ❌ Hashcat execution failed with code 255: No devices")
        let late = ChallengeRefusal(.tooLate, "x").solution(for: self.good, caller: "5FHneW46xGXgs5mUi")
        #expect(late.error == texts.timedOut && late.password == nil)
        let full = ChallengeRefusal(.queueFull, "16 challenges wait already")
        #expect(
            full.solution(for: self.good, caller: "5FHneW46xGXgs5mUi").error
                == "5FHneW46/3/da7ad4c5fd: ❌ run_hashcat execution failed: 16 challenges wait already")
    }
}
