internal import Foundation
internal import Testing

@testable internal import ComputeSubnet

private func close(_ left: Double, _ right: Double) -> Bool { abs(left - right) <= 1e-12 }

@Suite struct ScoringTests {
    @Test func `challenge scores are those of the vectors`() throws {
        let cases = try ComputeFixtures.cases("scoring_pow_legacy", "cases")
        #expect(cases.count == 8)
        for vector in cases {
            let input = try #require(vector["in"] as? [String: Any])
            let statistics = ChallengeStatistics(
                attempts: input["att"] as? Int ?? 0, successes: input["suc"] as? Int ?? 0,
                lastFailures: input["f20"] as? Int ?? 0, averageElapsed: input["el"] as? Double,
                averageDifficulty: input["df"] as? Double)
            let score = Scoring.challengeScore(
                statistics, isAllocated: vector["alloc"] as? Bool ?? false,
                hasDocker: input["docker"] as? Bool ?? false, penaltyVotes: vector["pen"] as? Int ?? 0,
                validators: vector["nval"] as? Int ?? 0)
            #expect(close(score, try #require(vector["score01"] as? Double)), "\(vector)")
        }
    }

    @Test func `half of the validators silence a miner, and an absurd time is no score below zero`() {
        let statistics = ChallengeStatistics(
            attempts: 60, successes: 60, averageElapsed: 5, averageDifficulty: 12)
        func score(_ votes: Int, of validators: Int) -> Double {
            Scoring.challengeScore(
                statistics, isAllocated: false, hasDocker: true, penaltyVotes: votes, validators: validators)
        }
        #expect(score(4, of: 8) == 0)
        #expect(score(1, of: 0) == 0)
        #expect(score(1, of: 8) > score(3, of: 8))
        let slow = ChallengeStatistics(attempts: 60, successes: 1, averageElapsed: 1e9, averageDifficulty: 7)
        #expect(Scoring.challengeScore(slow, isAllocated: false, hasDocker: true) == 0)
        let nonsense = ChallengeStatistics(attempts: 1, successes: 1, averageElapsed: .nan)
        #expect(Scoring.challengeScore(nonsense, isAllocated: false, hasDocker: true) == 0)
    }

    @Test func `GPU scores are those of the vectors`() throws {
        let table = GPUTable.standard
        let scores = try #require(
            try ComputeFixtures.object("scoring_pog")["gpu_scores"] as? [String: Double])
        #expect(scores.count == 16)
        for (model, score) in scores { #expect(table.score(model: model) == score) }
        #expect(table.entries.compactMap(\.score).count == scores.count)
        for vector in try ComputeFixtures.cases("scoring_pog", "score_cases") {
            let score = Scoring.gpuScore(
                model: try #require(vector["gpu"] as? String), count: try #require(vector["num"] as? Int),
                table: table)
            #expect(close(score, try #require(vector["score01"] as? Double)), "\(vector)")
            #expect(close(100 * score, try #require(vector["stats_score_0_100"] as? Double)))
        }
        #expect(Scoring.gpuScore(model: "NVIDIA H200", count: -3, table: table) == 0)
        #expect(Scoring.gpuScore(model: "NVIDIA H200", count: .max, table: table) == 1)
    }

    @Test func `models are identified as in the vectors, and far-off ones are unknown unless anything goes`()
        throws
    {
        let table = GPUTable.standard
        let cases = try ComputeFixtures.cases("scoring_pog", "identify_cases")
        #expect(cases.count == 8)
        for vector in cases {
            func number(_ key: String) throws -> Double { try #require(vector[key] as? Double) }
            func identify(reported: String?, deviationMax: Double) throws -> String? {
                table.identify(
                    fp16: try number("fp16"), fp32: try number("fp32"), memoryGB: try number("vram"),
                    reported: reported, deviationMax: deviationMax)
            }
            let reported = vector["reported"] as? String
            let anything = try identify(reported: reported, deviationMax: .infinity)
            #expect(anything == vector["identified"] as? String)
            let nearest = try identify(reported: nil, deviationMax: .infinity)
            #expect(nearest == vector["nearest"] as? String)
            let bounded = try identify(reported: reported, deviationMax: 0.25)
            #expect(bounded == (reported == nil ? nil : anything))
        }
        #expect(
            table.identify(fp16: .nan, fp32: 1, memoryGB: 1, reported: nil, deviationMax: .infinity) == nil)
    }

    @Test func `the standard table is the vectors' tables and passes its own checks`() throws {
        let table = GPUTable.standard
        let tables = try #require(try ComputeFixtures.object("scoring_pog")["tables"] as? [String: Any])
        let fp16 = try #require(tables["fp16"] as? [String: Double])
        let fp32 = try #require(tables["fp32"] as? [String: Double])
        let memory = try #require(tables["avram"] as? [String: Double])
        #expect(Set(fp16.keys) == Set(table.entries.map(\.name)))
        for entry in table.entries {
            #expect(entry.fp16TeraOps == fp16[entry.name])
            #expect(entry.fp32TeraOps == fp32[entry.name])
            #expect(entry.probeGB == memory[entry.name])
        }
        let tolerance = try #require(tables["tolerance"] as? [String: String])
        #expect(tolerance.count == 2 * table.lookAlikes.count)
        for pair in table.lookAlikes {
            #expect(tolerance[pair[0]] == pair[1] && tolerance[pair[1]] == pair[0])
        }
        #expect(try GPUTable(entries: table.entries, lookAlikes: table.lookAlikes) == table)
        let yaml = try table.yaml
        #expect(try GPUTable(yaml: yaml) == table)
    }

    @Test func `a table of one's own replaces the standard one`() throws {
        let table = try GPUTable(
            yaml: """
                gpus:
                  - {name: NVIDIA B200, score: 5.0, int8_tops: 4500}
                  - {name: NVIDIA H200, score: 4}
                """)
        #expect(Scoring.gpuScore(model: "NVIDIA H200", count: 8, table: table) == 0.8)
        #expect(Scoring.gpuScore(model: "NVIDIA H100", count: 8, table: table) == 0)
    }

    @Test(arguments: [
        "", "gpus: 3", "gpus: [{score: 1}]", "gpus: [{name: A, score: x}]", "gpus: [{name: A, score: -1}]",
        "gpus: [{name: A, score: .nan}]", "gpus: [{name: A}, {name: A}]", "gpus: [{name: A, scores: 1}]",
        "gpus: []\nlook_alikes: [[A, B]]", "gpus: [{name: A}]\nlook_alikes: [[A]]", "gpus: []\nmore: 1",
        "gpus: [{name: ''}]", ": : :", String(repeating: "#", count: GPUTable.yamlBytesMax + 1),
    ]) func `a table that makes no sense is refused with a reason`(yaml: String) {
        #expect(throws: GPUTableError.self) { try GPUTable(yaml: yaml) }
    }

    @Test func `weights sum to one, and nothing gives nothing`() throws {
        let vector = try #require(try ComputeFixtures.object("scoring_pog")["weights_l1"] as? [String: Any])
        let scores = try #require(vector["scores"] as? [Double])
        let expected = try #require(vector["weights"] as? [Double])
        for (weight, wanted) in zip(Scoring.weights(scores), expected) { #expect(close(weight, wanted)) }
        #expect(Scoring.weights([0, 0, -1]) == [0, 0, 0])
        #expect(Scoring.weights([]) == [])
        #expect(Scoring.weights([.nan, .infinity, 1]) == [0, 0, 1])
        #expect(Scoring.weights([.greatestFiniteMagnitude, .greatestFiniteMagnitude]) == [0.5, 0.5])
        #expect(Scoring.weights(["a": 3.0, "b": 1, "c": -2]) == ["a": 0.75, "b": 0.25, "c": 0])
    }

    @Test func `the old hardware score is that of the vector`() throws {
        let vector = try ComputeFixtures.object("scoring_hw_legacy")
        let input = try #require(vector["in"] as? [String: [String: Double]])
        var hardware = HardwareScore()
        hardware.cpuCount = try #require(input["cpu"]?["count"])
        hardware.cpuFrequency = try #require(input["cpu"]?["frequency"])
        hardware.gpuCapacity = try #require(input["gpu"]?["capacity"])
        hardware.gpuGraphicsSpeed = try #require(input["gpu"]?["graphics_speed"])
        hardware.gpuMemorySpeed = try #require(input["gpu"]?["memory_speed"])
        hardware.diskFree = try #require(input["hard_disk"]?["free"])
        hardware.diskReadSpeed = try #require(input["hard_disk"]?["read_speed"])
        hardware.diskWriteSpeed = try #require(input["hard_disk"]?["write_speed"])
        hardware.ramFree = try #require(input["ram"]?["free"])
        hardware.ramReadSpeed = try #require(input["ram"]?["read_speed"])
        let components = try #require(vector["components"] as? [Double])
        for (component, wanted) in zip(hardware.components, components) { #expect(close(component, wanted)) }
        let score = try #require(vector["score"] as? Double)
        #expect(close(hardware.score(isRegistered: false), score))
        #expect(close(hardware.score(isRegistered: true), score + 100))
    }
}
