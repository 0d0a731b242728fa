internal import NIOCore
internal import Testing

@testable import ModelWorkers

@Suite("The worker's half of the worker wire")
struct WorkerEndpointTests {
    private let now = NIODeadline.uptimeNanoseconds(0)

    private func callFrame(id: UInt64, credit: UInt32 = 1, milliseconds: UInt64 = 0) throws -> ByteBuffer {
        var message = Subnet_Worker_V1_ToWorker()
        message.call.id = id
        message.call.method = "m"
        message.call.credit = credit
        message.call.remainingMilliseconds = milliseconds
        return try frame(message)
    }

    @Test("Call ids must rise")
    func ids() throws {
        var endpoint = WorkerEndpoint(limits: WorkerLimits())
        var bytes = try self.callFrame(id: 5)
        try endpoint.received(&bytes, now: self.now)
        for id in [UInt64(5), 4, 0] {
            var copy = endpoint
            var bytes = try self.callFrame(id: id)
            #expect(code { try copy.received(&bytes, now: self.now) } == .protocolViolation)
        }
    }

    @Test("No remaining time means no deadline, and an absurd one does not overflow")
    func deadlines() throws {
        var endpoint = WorkerEndpoint(limits: WorkerLimits())
        var bytes = try self.callFrame(id: 1)
        var absurd = try self.callFrame(id: 2, credit: .max, milliseconds: .max)
        bytes.writeBuffer(&absurd)
        try endpoint.received(&bytes, now: self.now)
        #expect(endpoint.nextEvent() == .call(id: 1, method: "m", payload: ByteBuffer(), deadline: nil))
        guard case .call(id: 2, method: _, payload: _, let deadline?)? = endpoint.nextEvent() else {
            Issue.record("the second call is missing")
            return
        }
        #expect(deadline > self.now + .hours(24 * 365))
    }

    @Test("More calls than the limit are ended at once, and so are calls after shutdown")
    func limits() throws {
        var limits = WorkerLimits()
        limits.callsInFlightMax = 1
        var endpoint = WorkerEndpoint(limits: limits)
        for id in 1...2 as ClosedRange<UInt64> {
            var bytes = try self.callFrame(id: id)
            try endpoint.received(&bytes, now: self.now)
        }
        #expect(endpoint.callsInFlight == 1)
        var output = ByteBuffer()
        #expect(endpoint.writeOutput(into: &output, bytesMax: .max))
        output.moveReaderIndex(forwardBy: 1)
        let end = try decodeWorkerMessage(Subnet_Worker_V1_FromWorker.self, from: output).end
        #expect(end.id == 2)
        #expect(end.code == 8)
        var shutdown = Subnet_Worker_V1_ToWorker()
        shutdown.shutdown = Subnet_Worker_V1_Shutdown()
        var bytes = try frame(shutdown)
        try endpoint.received(&bytes, now: self.now)
        bytes = try self.callFrame(id: 3)
        try endpoint.received(&bytes, now: self.now)
        #expect(endpoint.callsInFlight == 1)
        #expect(endpoint.hasOutput)
    }

    @Test("An output that nobody reads stops the senders")
    func outputBound() throws {
        var limits = WorkerLimits()
        limits.outputBytesMax = 100
        var endpoint = WorkerEndpoint(limits: limits)
        var bytes = try self.callFrame(id: 1, credit: 1000)
        try endpoint.received(&bytes, now: self.now)
        #expect(try endpoint.send(ByteBuffer(repeating: 1, count: 200), on: 1) == .sent)
        #expect(endpoint.isOutputFull)
        #expect(try endpoint.send(ByteBuffer(string: "x"), on: 1) == .wait)
        var output = ByteBuffer()
        while endpoint.writeOutput(into: &output, bytesMax: 64) {}
        #expect(try endpoint.send(ByteBuffer(string: "x"), on: 1) == .sent)
    }

    @Test("A call ends once, and cancels that cross its end are harmless")
    func ends() throws {
        var endpoint = WorkerEndpoint(limits: WorkerLimits())
        var bytes = try self.callFrame(id: 1)
        try endpoint.received(&bytes, now: self.now)
        endpoint.end(1, status: .ok)
        endpoint.end(1, status: .internalError("again"))
        var output = ByteBuffer()
        _ = endpoint.writeOutput(into: &output, bytesMax: .max)
        #expect(Array(output.readableBytesView) == [0x04, 0x1a, 0x02, 0x08, 0x01])
        var cancel = Subnet_Worker_V1_ToWorker()
        cancel.cancel.id = 1
        bytes = try frame(cancel)
        try endpoint.received(&bytes, now: self.now)
        _ = endpoint.nextEvent()
        #expect(endpoint.nextEvent() == nil)
        #expect(try endpoint.send(ByteBuffer(string: "x"), on: 1) == .cancelled)
    }

    @Test("The bytes printed in docs/protocols/worker-wire.md are what both sides write")
    func documentedBytes() throws {
        var pair = SessionPair()
        try pair.worker.ready(WorkerInfo(name: "echo", info: ["device": "cpu"]))
        var fromWorker = ByteBuffer()
        _ = pair.worker.writeOutput(into: &fromWorker, bytesMax: .max)
        #expect(
            Self.hex(fromWorker) == "19" + "0a17" + "0801" + "12046563686f" + "1a0d0a066465766963651203637075"
        )
        try pair.parent.received(&fromWorker, now: pair.now)
        _ = try pair.parent.startCall(
            method: "echo", payload: ByteBuffer(string: "hi"), deadline: pair.now + .seconds(30),
            now: pair.now)
        var toWorker = ByteBuffer()
        _ = pair.parent.writeOutput(into: &toWorker, bytesMax: .max)
        #expect(
            Self.hex(toWorker) == "14" + "0a12" + "0801" + "12046563686f" + "1a026869" + "20b0ea01" + "2820")
        try pair.worker.received(&toWorker, now: pair.now)
        _ = try pair.worker.send(ByteBuffer(string: "hi"), on: 1)
        pair.worker.end(1, status: .ok)
        fromWorker = ByteBuffer()
        _ = pair.worker.writeOutput(into: &fromWorker, bytesMax: .max)
        #expect(Self.hex(fromWorker) == "08" + "1206" + "0801" + "12026869" + "04" + "1a02" + "0801")
        pair.parent.cancel(1, now: pair.now)
        pair.parent.shutdown()
        toWorker = ByteBuffer()
        _ = pair.parent.writeOutput(into: &toWorker, bytesMax: .max)
        #expect(Self.hex(toWorker) == "04" + "1a02" + "0801" + "02" + "2200")
    }

    private static func hex(_ buffer: ByteBuffer) -> String {
        buffer.readableBytesView.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }
}
