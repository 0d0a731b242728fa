import BittensorCore
import ComputeSubnet
import Testing

@Suite struct ChallengeRequestTests {
    private static let hash = "$BLAKE2$" + String(repeating: "0a", count: 64)

    private static func synapse(_ change: (inout Challenge) -> Void = { _ in }) -> Challenge {
        var synapse = Challenge(
            ChallengeRequest(
                hash: Self.hash, salt: "a1b2c3d4e5f60718", characters: "abcdefghij", difficulty: 3))
        change(&synapse)
        return synapse
    }

    @Test func aProperChallengeIsRead() throws {
        let request = try ChallengeRequest(Self.synapse())
        #expect(request.mask == "?1?1?1" && request.difficulty == 3 && request.mode == "610")
    }

    @Test(
        arguments: [
            { $0.challengeHash = "" }, { $0.challengeHash = "$BLAKE2$" + String(repeating: "0A", count: 64) },
            { $0.challengeHash = String(repeating: "a", count: 136) }, { $0.challengeSalt = "short" },
            { $0.challengeSalt = "a1b2c3d4e5f6071z" }, { $0.challengeMode = "0" },
            { $0.challengeChars = "aa" },
            { $0.challengeChars = "a" }, { $0.challengeChars = "abcö" }, { $0.challengeChars = "ab\n" },
            { $0.challengeMask = "?1?1" }, { $0.challengeMask = "?a?a?a" }, { $0.challengeDifficulty = 0 },
            { $0.challengeDifficulty = -1 }, { $0.challengeDifficulty = 13 },
            { $0.challengeDifficulty = Int.max }, { $0.challengeMask = "--help" },
        ] as [@Sendable (inout Challenge) -> Void])
    func anythingElseIsRefused(_ change: @Sendable (inout Challenge) -> Void) {
        let synapse = Self.synapse(change)
        let error = #expect(throws: ComputeError.self) { try ChallengeRequest(synapse) }
        #expect(error?.code == .malformedRequest)
    }

    @Test func outputsHaveAllThreeMembers() throws {
        let solved = ChallengeOutput(password: "abc", localExecutionTime: 0.5)
        #expect(solved.json == ["password": "abc", "local_execution_time": 0.5, "error": .null])
        #expect(try ChallengeOutput(solved.json) == solved)
        #expect(try ChallengeOutput([:]) == ChallengeOutput())
        #expect(throws: ComputeError.self) { try ChallengeOutput(["password": 7]) }
        #expect(throws: ComputeError.self) {
            try ChallengeOutput(["password": .string(String(repeating: "a", count: 300))])
        }
    }
}
