import BittensorCore
import Foundation
import Testing

@testable import ComputeSubnet

@Suite("Specs")
struct HardwareTests {
    @Test func processorsAreCountedOnce() {
        let text = (0..<8).map { thread in
            """
            processor\t: \(thread)
            vendor_id\t: AuthenticAMD
            model name\t: AMD EPYC 7B13
            cpu MHz\t\t: \(2000 + thread * 100).000
            physical id\t: \(thread / 4)
            core id\t\t: \(thread % 2)
            """
        }.joined(separator: "\n\n")
        let information = ProcessorInformation(cpuinfo: text)
        #expect(information.physicalCores == 4 && information.logicalCores == 8)
        #expect(information.vendorID == "AuthenticAMD" && information.brand == "AMD EPYC 7B13")
        #expect(information.megahertz == 2350)
        let arm = ProcessorInformation(
            cpuinfo: "processor\t: 0\nCPU implementer\t: 0x41\nprocessor\t: 1\nCPU implementer\t: 0x41\n")
        #expect(arm.physicalCores == 2 && arm.vendorID == "0x41" && arm.brand == nil)
        #expect(ProcessorInformation(cpuinfo: "").physicalCores == 1)
    }

    @Test func memoryIsInBytes() throws {
        let ram = try #require(
            HardwareDocument.RAM(
                meminfo: """
                    MemTotal:       1000 kB
                    MemFree:         200 kB
                    MemAvailable:    600 kB
                    Buffers:          50 kB
                    Cached:          250 kB
                    SwapTotal:       100 kB
                    SwapFree:         40 kB
                    """))
        #expect(ram.total == 1_024_000 && ram.available == 614_400 && ram.used == 500 * 1024)
        #expect(ram.swapTotal == 102_400 && ram.swapUsed == 61_440)
        #expect(HardwareDocument.RAM(meminfo: "nothing") == nil)
        #expect(HardwareDocument.RAM(meminfo: "MemTotal: 99999999999999999999 kB") == nil)
    }

    @Test func graphicsCardsAreReadFromTheirTool() {
        let gpu = GPUQuery.parsed(
            """
            NVIDIA H100 80GB HBM3, 81559, 345, 2619, GPU-1, [N/A], 00000000:01:00.0, 550.54
            NVIDIA A40, 46068, 210, 405, GPU-2, 1322, 00000000:02:00.0, 550.54
            garbage
            Evil, not a number, 1, 1, GPU-3, 1, 1, 1

            """)
        #expect(gpu.count == 2 && gpu.capacity == 127_627)
        #expect(gpu.graphicsSpeed == 345 && gpu.memorySpeed == 2619)
        #expect(gpu.details[0].serial == nil && gpu.details[0].uuid == "GPU-1")
        #expect(gpu.details[1].name == "NVIDIA A40" && gpu.details[1].serial == "1322")
        #expect(GPUQuery.parsed("").count == 0)
    }

    @Test func aToolThatFailsDoesNotSayThatThereAreNoGraphicsCards() {
        let broken = HostCommand.Ending(
            isSuccess: false, output: "", complaint: "Unable to determine the device handle")
        #expect(GPUQuery.taken(from: broken) == nil)
        let empty = HostCommand.Ending(isSuccess: false, output: "No devices were found\n", complaint: "")
        #expect(GPUQuery.taken(from: empty) == GPUQuery.noGPUs)
        let good = HostCommand.Ending(isSuccess: true, output: Self.card, complaint: "")
        #expect(GPUQuery.taken(from: good)?.count == 1)
    }

    private static let card = "NVIDIA A40, 46068, 210, 405, GPU-2, 1322, 00000000:02:00.0, 550.54"

    /// A driver that answers as often as it has answers, and fails then.
    private actor FailingDriver {
        private var answers: [HardwareDocument.GPU]

        init(_ answers: [HardwareDocument.GPU]) { self.answers = answers }

        func answer() -> HardwareDocument.GPU? { answers.popLast() }
    }

    @Test func whatWasKnownOfGraphicsCardsStandsWhenTheirDriverFails() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "probe-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var limits = MinerLimits()
        limits.slowFactsTTL = .zero
        limits.engineFactTTL = .milliseconds(10)
        limits.speedProbeBytes = 1 << 16
        let known = GPUQuery.parsed(Self.card)
        let driver = FailingDriver([known])
        let (questions, asked) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(8))
        let probe = HardwareProbe(
            source: nil, directory: folder, limits: limits,
            gpus: { _ in
                asked.yield()
                return await driver.answer()
            })
        let first = await probe.document().gpu
        #expect(first == known && known.count == 1)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await probe.keepFresh() }
            // Who asks for the third time has heard of the failure of the second.
            var count = 0
            for await _ in questions {
                count += 1
                if count == 3 { break }
            }
            group.cancelAll()
        }
        let later = await probe.document().gpu
        #expect(later == known)
    }

    @Test func aDriverThatNeverAnsweredIsNotAMachineWithoutGraphicsCards() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "probe-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var limits = MinerLimits()
        limits.speedProbeBytes = 1 << 16
        let probe = HardwareProbe(source: nil, directory: folder, limits: limits, gpus: { _ in nil })
        let document = try HardwareDocument(text: try await probe.document().text())
        #expect(document.gpu == nil, "a validator takes no tenant away for it")
        let capacity = await probe.capacity()
        #expect(capacity.gpu.count == 0, "and nothing of it is leased")
    }

    @Test func thisMachineIsDescribedAndQuicklySo() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "probe-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // What grew old is read again beside the answers, not before them.
        var limits = MinerLimits()
        limits.slowFactsTTL = .zero
        limits.engineFactTTL = .zero
        let probe = HardwareProbe(source: nil, directory: folder, limits: limits)
        let document = await probe.document()
        #expect((document.cpu?.count ?? 0) > 0)
        #expect((document.ram?.total ?? 0) > 1 << 20)
        #expect((document.hardDisk?.total ?? 0) > 0 && document.hardDisk?.writeSpeed != nil)
        #expect(document.network != nil && document.gpu != nil)
        let json = try JSONValue(parsing: try document.text())
        #expect(json["cpu"] == json["CPU"])
        #expect(json["CPU"]?["count"]?.intValue == document.cpu?.count)
        if document.cpu?.vendorIDRaw != nil { #expect(json["CPU"]?["vendor_id_raw"] != nil) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty, "nothing is left of it")
        let start = ContinuousClock.now
        _ = try await probe.document().text()
        #expect(ContinuousClock.now - start < .milliseconds(200))
    }

    @Test func nameServersAreReadStrictly() {
        let text = """
            # nameserver 1.1.1.1
            nameserver 10.0.0.2
            nameserver fd00::1
            nameserver 1.2.3.4/0
            nameserver 256.1.1.1
            nameserver	8.8.8.8
            options edns0
            """
        #expect(EgressFilter.nameServers(text) == ["10.0.0.2", "8.8.8.8"])
    }

    @Test func twoMinersDoNotShareAFolder() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lock-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var first: DirectoryLock? = try DirectoryLock(directory: folder, holder: "miner")
        let error = #expect(throws: ComputeError.self) {
            _ = try DirectoryLock(directory: folder, holder: "miner")
        }
        #expect(error?.code == .busy && first != nil)
        first = nil
        #expect(throws: Never.self) { _ = try DirectoryLock(directory: folder, holder: "miner") }
    }

    @Test func aProgramThatHangsOrFloodsIsEnded() async throws {
        let sleep = try #require(HostCommand(named: "sleep"))
        let start = ContinuousClock.now
        let slow = await #expect(throws: ComputeError.self) {
            try await sleep.run(["600"], timeout: .milliseconds(200), outputBytesMax: 100)
        }
        #expect(slow?.code == .timedOut)
        #expect(ContinuousClock.now - start < .seconds(20))
        let head = try #require(HostCommand(named: "head"))
        let flood = await #expect(throws: ComputeError.self) {
            try await head.run(["-c", "1000000", "/dev/zero"], timeout: .seconds(20), outputBytesMax: 1000)
        }
        #expect(flood?.code == .failed)
        #expect(HostCommand(named: "no-such-program") == nil)
        let echo = try #require(HostCommand(named: "echo"))
        let text = try await echo.succeed(
            ["$(id)", ";", "`id`"], timeout: .seconds(20), outputBytesMax: 1000)
        #expect(text == "$(id) ; `id`\n")
    }
}
