internal import Foundation
internal import Logging
internal import Testing

@testable internal import ComputeSubnet

@Suite struct ProofOfGPUServiceTests {
    private let logger = Logger(label: "test")

    private func uuid(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 16) }

    @Test func `a message goes to the GPU that it names, and a session passes for all of them`() async throws
    {
        let service = try ProofOfGPUService(
            minerHotkey: ProofFixtures.miner,
            engines: [(self.uuid(1), CPUProofEngine()), (self.uuid(2), CPUProofEngine())],
            limits: ProofFixtures.limits, logger: self.logger)
        #expect(service.readyGPUs == 2)
        await service.run()
        let items = try (1...3).map { byte in
            ProofOfGPUSession.Item(
                subject: try ProofFixtures.subject(uuid: self.uuid(UInt8(byte))), budget: .init(teraOpsMin: 0)
            )
        }
        let verdicts = await ProofOfGPUSession.run(items, parameters: try ProofFixtures.parameters()) {
            uuid, message, _ in
            try await service.respond(
                gpuUUID: uuid, message: message, validatorHotkey: ProofFixtures.validator)
        }
        #expect(verdicts.map(\.passed) == [true, true, false])
        #expect(verdicts[2].failure?.message == "no such GPU here")
    }

    @Test func `UUIDs that make no sense are refused`() {
        let bad = [[self.uuid(1), self.uuid(1)], [[1, 2, 3]], (0...64).map { self.uuid(UInt8($0)) }]
        for uuids in bad {
            #expect(throws: ProofOfGPUError.self) {
                try ProofOfGPUService(
                    minerHotkey: "m", gpuUUIDs: uuids, workerCommand: ["x"], logger: self.logger)
            }
        }
    }

    @Test func `a worker that ends is started again, each with its own GPU, and none outlives the service`()
        async throws
    {
        let folder = NSTemporaryDirectory() + "/subnet-proofs-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // The first start of each fails.
        let script = """
            echo $$ > \(folder)/pid-$CUDA_VISIBLE_DEVICES
            AGAIN=\(folder)/again-$CUDA_VISIBLE_DEVICES
            test -e $AGAIN || { touch $AGAIN; exit 3; }
            printf '\\000\\001\\000\\000\\000\\000\\000\\000\\000x'
            cat > /dev/null
            """
        let service = try ProofOfGPUService(
            minerHotkey: "m", gpuUUIDs: [self.uuid(1), self.uuid(2)],
            workerCommand: ["/bin/sh", "-c", script],
            restartDelay: (.milliseconds(10), .seconds(1)), logger: self.logger)
        #expect(service.readyGPUs == 0)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await service.run() }
            while service.readyGPUs < 2 { await Task.yield() }
            group.cancelAll()
        }
        #expect(service.readyGPUs == 0)
        for byte: UInt8 in [1, 2] {
            let name = "pid-" + ProofOfGPUSubject.text(ofUUID: self.uuid(byte))
            let pid = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(Int(pid) != nil)
            #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)"))
        }
    }
}
