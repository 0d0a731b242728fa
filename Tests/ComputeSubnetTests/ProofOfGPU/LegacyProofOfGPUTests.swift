internal import Foundation
internal import Testing

@testable internal import ComputeSubnet

@Suite struct LegacyProofOfGPUTests {
    @Test func `entries are those of the vectors`() throws {
        let cases = try ComputeFixtures.cases("pog_prng_merkle", "prng")
        #expect(cases.count == 7)
        for vector in cases {
            let seed = try #require((vector["seed"] as? String).flatMap { UInt64($0) })
            let row = try #require(vector["i"] as? Int)
            let column = try #require(vector["j"] as? Int)
            let state = LegacyProofOfGPU.state(seed: seed, row: row, column: column)
            #expect(Int(state) == vector["state_after_10"] as? Int)
            let entry = LegacyProofOfGPU.entry(seed: seed, row: row, column: column)
            let bytes = ProofMessage.encode(Int(entry.bitPattern))
            #expect(Hexadecimal.encode(bytes) == vector["f32_bytes_le_validator"] as? String)
        }
    }

    @Test func `trees, paths and answers are those of the vectors, and nothing else passes`() throws {
        let cases = try ComputeFixtures.cases("pog_prng_merkle", "merkle")
        #expect(cases.compactMap { $0["n"] as? Int } == [4, 5, 7])
        for vector in cases {
            let size = try #require(vector["n"] as? Int)
            func digests(_ texts: Any?) throws -> [[UInt8]] {

                let texts = try #require(texts as? [String])
                let digests = texts.compactMap { Hexadecimal.decode(Array($0.utf8)) }
                #expect(digests.count == texts.count)
                return digests
            }
            let seeds = (
                try #require((vector["seed_A"] as? String).flatMap { UInt64($0) }),
                try #require((vector["seed_B"] as? String).flatMap { UInt64($0) })
            )
            let rows = try digests(vector["C_rows_le_hex"])
            let leaves = try digests(vector["leaves"])
            #expect(rows.map(LegacyProofOfGPU.leaf) == leaves)
            let tree = try digests(vector["tree"])
            #expect(LegacyProofOfGPU.tree(leaves: leaves) == tree)
            let root = try #require(tree.last)
            let paths = try #require(vector["proofs"] as? [Any]).map(digests)
            for row in 0..<size {
                #expect(LegacyProofOfGPU.path(of: row, leaves: leaves) == paths[row])
                let path = paths[row].flatMap { $0 }
                func verify(
                    size: Int = size, column: Int = 1, rowBytes: [UInt8] = rows[row], path: [UInt8] = path
                ) -> Bool {
                    LegacyProofOfGPU.verify(
                        size: size, seeds: seeds, row: row, column: column, rowBytes: rowBytes, path: path,
                        root: root)
                }
                for column in 0..<size { #expect(verify(column: column)) }
                #expect(
                    !verify(column: size) && !verify(column: -1) && !verify(size: size + 1)
                        && !verify(size: 1))
                for count in 0..<(4 * size) { #expect(!verify(rowBytes: Array(rows[row].prefix(count)))) }
                for count in 0..<path.count { #expect(!verify(path: Array(path.prefix(count)))) }
                #expect(
                    !verify(path: path + [0]) && !verify(path: path + path)
                        && !verify(rowBytes: rows[row] + [0]))
                var changed = rows[row]
                changed[5] ^= 1
                #expect(!verify(rowBytes: changed))
                // A tree that commits to a wrong product is found by the product.
                var wrong = rows
                wrong[row] = Array(rows[row][4...]) + Array(rows[row][..<4])
                let forged = wrong.map(LegacyProofOfGPU.leaf)
                let forgedRoot = try #require(LegacyProofOfGPU.tree(leaves: forged).last)
                #expect(
                    !LegacyProofOfGPU.verify(
                        size: size, seeds: seeds, row: row, column: 1, rowBytes: wrong[row],
                        path: LegacyProofOfGPU.path(of: row, leaves: forged).flatMap { $0 }, root: forgedRoot)
                )
            }
        }
        // What the reference accepts: size 1 with an empty path.
        let bits =
            LegacyProofOfGPU.entry(seed: 1, row: 0, column: 0)
            * LegacyProofOfGPU.entry(seed: 2, row: 0, column: 0)
        let row = ProofMessage.encode(Int(bits.bitPattern))
        #expect(
            !LegacyProofOfGPU.verify(
                size: 1, seeds: (1, 2), row: 0, column: 0, rowBytes: row, path: [],
                root: LegacyProofOfGPU.leaf(row)))
    }

    @Test func `thresholds and sizes are those of the vectors`() throws {
        let thresholds = try #require(try ComputeFixtures.json("pog_pass_threshold") as? [[String: Int]])
        #expect(thresholds.count == 16)
        for vector in thresholds {
            #expect(LegacyProofOfGPU.requiredPasses(gpus: try #require(vector["gpus"])) == vector["required"])
        }
        #expect(LegacyProofOfGPU.requiredPasses(gpus: -1) == 0)
        #expect(LegacyProofOfGPU.requiredPasses(gpus: .max) > 0)
        let sizes = try ComputeFixtures.cases("matrix_size", "cases")
        #expect(sizes.count == 4)
        for vector in sizes {
            let memory = try #require(vector["vram"] as? Double)
            func size(_ bytes: Int, _ share: Double) -> Int {
                LegacyProofOfGPU.matrixSize(memoryGB: memory, elementBytes: bytes, share: share)
            }
            #expect(size(2, 1) == vector["fp16_bench(es2,bf1.0)"] as? Int)
            #expect(size(4, 0.5) == vector["fp32_bench(es4,bf0.5)"] as? Int)
            #expect(size(4, 0.1) == vector["merkle_n(es4,bf0.10)"] as? Int)
        }
        #expect(LegacyProofOfGPU.matrixSize(memoryGB: .nan, elementBytes: 4, share: 1) == 0)
        #expect(LegacyProofOfGPU.matrixSize(memoryGB: -1, elementBytes: 0, share: 1) == 0)
    }
}
