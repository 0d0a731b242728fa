internal import NIOCore
internal import SubnetFuzzing
internal import Testing

@testable import ModelWorkers

@Suite("Fuzzing of the worker wire, a short seeded run")
struct WorkerFuzzTests {
    /// SplitMix64: the same bytes on every machine.
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            self.state &+= 0x9e37_79b9_7f4a_7c15
            var z = self.state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    /// A legal conversation of a worker, and one of a parent.
    private static func corpus() throws -> [[UInt8]] {
        var pair = try SessionPair.ready()
        var fromWorker = ByteBuffer()
        var toWorker = ByteBuffer()
        var fresh = WorkerEndpoint(limits: WorkerLimits())
        try fresh.ready(WorkerInfo(name: "w"))
        _ = fresh.writeOutput(into: &fromWorker, bytesMax: .max)
        for _ in 0..<3 {
            let id = try pair.parent.startCall(
                method: "m", payload: ByteBuffer(string: "p"), deadline: pair.now + .seconds(1), now: pair.now
            )
            var copy = ByteBuffer()
            _ = pair.parent.writeOutput(into: &copy, bytesMax: .max)
            toWorker.writeImmutableBuffer(copy)
            try pair.worker.received(&copy, now: pair.now)
            _ = try pair.worker.send(ByteBuffer(string: "item"), on: id)
            pair.worker.end(id, status: .ok)
        }
        _ = pair.worker.writeOutput(into: &fromWorker, bytesMax: .max)
        return [
            Array(fromWorker.readableBytesView), Array(toWorker.readableBytesView), Array("started 5\n".utf8),
        ]
    }

    @Test("No bytes break a bound", arguments: 0..<8)
    func mutations(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let corpus = try Self.corpus()
        for _ in 0..<500 {
            var bytes =
                [UInt8.random(in: 0...40, using: &random)] + corpus[Int.random(in: 0...2, using: &random)]
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                case 2 where bytes.count > 1: bytes.remove(at: index)
                default: bytes += bytes.suffix(Int.random(in: 0...20, using: &random))
                }
            }
            WorkerFuzz.session(bytes)
            WorkerFuzz.endpoint(bytes)
            WorkerFuzz.guardReports(bytes)
        }
    }
}
