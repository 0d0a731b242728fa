import Testing

@testable import ComputeSubnet

@Suite struct RoundPlannerTests {
    /// The blocks at which `round` starts while the chain grows one block at a time.
    private static func starts(
        _ round: RoundPlanner.Round, until last: UInt64, random: UInt64 = 0
    ) -> [UInt64] {
        var planner = RoundPlanner()
        var starts: [UInt64] = []
        for block in 0...last {
            let rounds = planner.reached(block: block, random: random)
            for round in rounds { planner.ended(round) }
            if rounds.contains(round) { starts.append(block) }
        }
        return starts
    }

    @Test func eachRoundHasItsPeriod() {
        #expect(Self.starts(.sync, until: 60) == [0, 25, 50])
        #expect(Self.starts(.selection, until: 110) == [0, 50, 100])
        #expect(Self.starts(.specs, until: 310) == [0, 150, 300])
        #expect(Self.starts(.proofs, until: 730) == [0, 360, 720])
        #expect(Self.starts(.checks, until: 40) == [0, 15, 30])
        #expect(Self.starts(.challenges, until: 160) == [0, 50, 100, 150])
        #expect(Self.starts(.challenges, until: 170, random: 30) == [0, 80, 160])
        #expect(Self.starts(.challenges, until: 170, random: 31) == [0, 50, 100, 150])
        // More than 100 blocks since the last weights.
        #expect(Self.starts(.weights, until: 310) == [101, 202, 303])
    }

    @Test func theSameHeightStartsNothingTwice() {
        var planner = RoundPlanner()
        #expect(!planner.reached(block: 7, random: 0).isEmpty)
        for round in RoundPlanner.Round.allCases { planner.ended(round) }
        #expect(planner.reached(block: 7, random: 0).isEmpty)
    }

    @Test func aRoundThatRunsIsNotStartedAgain() {
        var planner = RoundPlanner()
        #expect(planner.reached(block: 0, random: 0).contains(.specs))
        #expect(!planner.reached(block: 150, random: 0).contains(.specs))
        #expect(!planner.reached(block: 400, random: 0).contains(.specs))
        planner.ended(.specs)
        #expect(planner.reached(block: 401, random: 0).contains(.specs))
    }

    @Test func whatWasMissedComesOnce() {
        var planner = RoundPlanner()
        _ = planner.reached(block: 0, random: 0)
        for round in RoundPlanner.Round.allCases { planner.ended(round) }
        #expect(planner.reached(block: 10_000, random: 0) == RoundPlanner.Round.allCases)
        for round in RoundPlanner.Round.allCases { planner.ended(round) }
        #expect(planner.reached(block: 10_001, random: 0).isEmpty)
    }

    @Test func aRestartGoesOn() {
        var planner = RoundPlanner()
        _ = planner.reached(block: 100, random: 0)
        var again = RoundPlanner(state: planner.state)
        #expect(again.reached(block: 101, random: 0).isEmpty)
        #expect(again.reached(block: 125, random: 0).contains(.sync))
    }

    @Test func aChainThatIsMadeAnewStartsAnew() {
        var planner = RoundPlanner()
        _ = planner.reached(block: 1_000_000, random: 0)
        for round in RoundPlanner.Round.allCases { planner.ended(round) }
        #expect(planner.reached(block: 5, random: 0).contains(.specs))
    }

    @Test func theEndOfTimeDoesNotTrap() {
        var planner = RoundPlanner()
        #expect(!planner.reached(block: .max, random: .max).isEmpty)
        #expect(planner.reached(block: .max, random: .max).isEmpty)
    }
}
