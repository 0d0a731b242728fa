internal import NIOCore
internal import Testing

@testable internal import ComputeSubnet

@Suite struct ProofOfGPUTests {
    @Test(arguments: [(64, 1, 1, 1), (64, 3, 8, 2), (128, 2, 16, 1), (192, 2, 5, 3)])
    func `an honest prover passes, and its rate is what the validator's clock says`(
        size: Int, layers: Int, openedRows: Int, rounds: Int
    ) async throws {
        let parameters = try ProofFixtures.parameters(
            size: size, layers: layers, openedRows: openedRows, rounds: rounds)
        var verifier = try ProofFixtures.verifier(parameters)
        let prover = try ProofFixtures.prover()
        #expect(verifier.verdict == nil)
        try await ProofFixtures.prove(&verifier, milliseconds: 20) {
            try await prover.respond(to: $0, validatorHotkey: ProofFixtures.validator)
        }
        let verdict = try #require(verifier.verdict)
        #expect(verdict.passed && verdict.failure == nil && verdict.model == "M" && verdict.rounds == rounds)
        #expect(abs(verdict.teraOps - parameters.teraOperations / 0.02) < 1e-9)
    }

    @Test func `keystream, leaves and root are the same everywhere`() async throws {
        // RFC 8439, A.1, test vector 1.
        let stream = ProofMatrices.keystream(key: ProofFixtures.seed(0), row: 0, count: 64)
        #expect(Hexadecimal.encode(stream.prefix(16)) == "76b8e0ada0f13d90405d6ae55386bd28")
        // Computed by the Python worker's arithmetic; docs/protocols/proof-of-gpu.md has them too.
        let challenge = try ProofChallenge(
            subject: try ProofFixtures.subject(), parameters: try ProofFixtures.parameters(), round: 0,
            nonce: ProofFixtures.seed(7))
        #expect(
            Hexadecimal.encode(challenge.digest)
                == "99858ced013f4e2cd1545257874c8221d1cb1fcacb3708b6874f47d46fee335c")
        let leaves = try await CPUProofEngine().leaves(challenge)
        #expect(
            Hexadecimal.encode(leaves[0])
                == "51cce66ad4f289d40c3c9c945c9e691fc325f8458dd5a732817436e7d31ec0e8")
        #expect(
            Hexadecimal.encode(ProofTree(leaves: leaves).root)
                == "44ac80baff9a198ab8e4a72b69a65058bdfe535774eb26d52e1f899c64548999")
    }

    @Test func `every nonce, round, GPU, miner and validator has matrices of its own`() throws {
        func row(
            nonce: UInt8 = 1, round: Int = 0, validator: String = "v", miner: String = "m", uuid: UInt8 = 0
        ) throws -> [Int8] {
            let subject = try ProofFixtures.subject(
                validator: validator, miner: miner, uuid: [UInt8](repeating: uuid, count: 16))
            let challenge = try ProofChallenge(
                subject: subject, parameters: try ProofFixtures.parameters(), round: round,
                nonce: ProofFixtures.seed(nonce))
            return ProofMatrices(challenge).weightRow(3)
        }
        let rows = [
            try row(), try row(nonce: 2), try row(round: 1), try row(validator: "w"), try row(miner: "n"),
            try row(uuid: 1),
        ]
        #expect(Set(rows).count == rows.count)
        #expect(try row() == row())
    }

    @Test func `a commitment after its time fails, and one in time does not`() async throws {
        let parameters = try ProofFixtures.parameters()
        // 3 * 2 * 64³ operations at this rate take 100 ms.
        let budget = ProofOfGPUBudget(teraOpsMin: parameters.teraOperations / 0.1)
        let prover = try ProofFixtures.prover()
        func answer(_ request: [UInt8]) async throws -> [UInt8] {
            try await prover.respond(to: request, validatorHotkey: ProofFixtures.validator)
        }
        var verifier = try ProofFixtures.verifier(budget: budget)
        try await ProofFixtures.prove(&verifier, milliseconds: 100, answer: answer)
        #expect(verifier.verdict?.passed == true)
        var late = try ProofFixtures.verifier(budget: budget)
        let error = await #expect(throws: ProofOfGPUError.self) {
            try await ProofFixtures.prove(&late, milliseconds: 101, answer: answer)
        }
        #expect(error?.code == .late)
        #expect(late.verdict?.passed == false && late.verdict?.failure?.code == .late)
        // Nor can it be tried again within the same proof.
        #expect(throws: ProofOfGPUError.self) { try late.begin(nonce: ProofFixtures.seed(1), now: .now()) }
    }

    @Test func `a GPU that is faster than the claimed one can be is not the claimed one`() async throws {
        let parameters = try ProofFixtures.parameters()
        let budget = ProofOfGPUBudget(
            teraOpsMin: parameters.teraOperations / 10, teraOpsMax: parameters.teraOperations / 0.1,
            model: "M")
        var verifier = try ProofFixtures.verifier(budget: budget)
        let prover = try ProofFixtures.prover()
        try await ProofFixtures.prove(&verifier, milliseconds: 50) {
            try await prover.respond(to: $0, validatorHotkey: ProofFixtures.validator)
        }
        #expect(verifier.verdict?.passed == false && verifier.verdict?.model == nil)
        #expect(verifier.verdict?.failure?.code == .mismatch)
    }

    @Test func `budgets follow the GPU table`() throws {
        let budget = try #require(ProofOfGPUBudget(model: "NVIDIA H200", table: .standard))
        #expect(budget.teraOpsMin == 1979 * 0.25 && budget.teraOpsMax == 1979 * 1.15)
        #expect(ProofOfGPUBudget(model: "NVIDIA RTX 9999", table: .standard) == nil)
        let time = budget.commitmentTime(teraOperations: ProofOfGPUParameters.standard.teraOperations)
        #expect(time > .seconds(4) && time < .seconds(5))
        #expect(budget.commitmentTime(teraOperations: 1e9) == budget.commitmentTimeMax)
        let standard = ProofOfGPUParameters.standard
        #expect(
            try ProofOfGPUParameters(
                size: standard.size, layers: standard.layers, openedRows: standard.openedRows,
                rounds: standard.rounds) == standard)
    }

    @Test func `UUIDs are read as drivers write them, and two owners of one are found`() throws {
        let text = "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f"
        #expect(ProofOfGPUSubject.uuid(text) == ProofFixtures.uuid)
        #expect(ProofOfGPUSubject.text(ofUUID: ProofFixtures.uuid) == text)
        for wrong in ["", "GPU-", "GPU-00", text + "0", String(repeating: "-", count: 100), "GPU-zz010203"] {
            #expect(ProofOfGPUSubject.uuid(wrong) == nil)
        }
        let twice = ProofOfGPUSubject.claimedTwice([
            ("a", [1]), ("b", [2]), ("a", [1]), ("c", [2]), ("c", [3]),
        ])
        #expect(twice == [[2]])
    }

    @Test(arguments: [
        (0, 1, 1, 1), (1, 1, 1, 1), (32, 1, 1, 1), (65, 1, 1, 1), (65_600, 1, 1, 1), (-64, 1, 1, 1),
        (64, 0, 1, 1),
        (64, 257, 1, 1), (64, 1, 0, 1), (64, 1, 65, 1), (64, 1, 1, 0), (64, 1, 1, 17), (65_536, 256, 1, 1),
        (65_536, 16, 64, 1), (.max, .max, .max, .max), (.min, .min, .min, .min),
    ]) func `sizes that prove nothing or cost too much are refused`(numbers: (Int, Int, Int, Int)) {
        #expect(throws: ProofOfGPUError.self) {
            try ProofFixtures.parameters(
                size: numbers.0, layers: numbers.1, openedRows: numbers.2, rounds: numbers.3)
        }
    }

    @Test func `Freivalds' test holds for products and for nothing near them`() throws {
        let challenge = try ProofChallenge(
            subject: try ProofFixtures.subject(), parameters: try ProofFixtures.parameters(), round: 0,
            nonce: ProofFixtures.seed(1))
        let matrices = ProofMatrices(challenge)
        let check = FreivaldsCheck(matrices, seed: ProofFixtures.seed(9))
        for entries in [
            matrices.inputRow(5), [Int8](repeating: -128, count: 64), [Int8](repeating: 0, count: 64),
        ] {
            var sums = [Int32](repeating: 0, count: 64)
            for row in 0..<64 {
                for (column, weight) in matrices.weightRow(row).enumerated() {
                    sums[column] += Int32(entries[row]) * Int32(weight)
                }
            }
            #expect(check.holds(entries: entries, sums: sums))
            for column in 0..<64 {
                for change: Int32 in [1, -1, .max, .min] {
                    var wrong = sums
                    wrong[column] &+= change
                    #expect(!check.holds(entries: entries, sums: wrong))
                }
            }
            #expect(!check.holds(entries: entries, sums: Array(sums.dropLast())))
            sums.swapAt(1, 2)
            #expect(sums[1] == sums[2] || !check.holds(entries: entries, sums: sums))
        }
    }

    @Test func `a path leads from every row to the root, and from no other place`() {
        for count in [1, 2, 3, 5, 64, 96] {
            let leaves = (0..<count).map { ProofFixtures.seed(UInt8($0)) }
            let tree = ProofTree(leaves: leaves)
            for row in 0..<count {
                let path = tree.path(of: row)
                #expect(ProofTree.root(leaf: leaves[row], row: row, path: path) == tree.root)
                if count > 1 {
                    #expect(ProofTree.root(leaf: ProofFixtures.seed(200), row: row, path: path) != tree.root)
                    #expect(ProofTree.root(leaf: leaves[row], row: row, path: path.dropLast()) != tree.root)
                }
            }
        }
    }
}
