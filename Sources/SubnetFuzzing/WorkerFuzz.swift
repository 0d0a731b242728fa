internal import ModelWorkers
internal import NIOCore

/// Fuzz entry points of the worker wire: any bytes must end in values or a typed error, within the bounds.
public enum WorkerFuzz {
    private static let now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private static var limits: WorkerLimits {
        var limits = WorkerLimits()
        limits.frameBytesMax = 4096
        limits.callsInFlightMax = 4
        limits.itemsUnconsumedMax = 3
        limits.queuedBytesMax = 4096
        limits.textBytesMax = 64
        return limits
    }

    /// Bytes of a worker, read by its parent: the first byte chooses the size of the pieces, and calls are
    /// opened, read and cancelled in between.
    public static func session(_ input: [UInt8]) {
        let limits = Self.limits
        var session = WorkerSession(limits: limits, startDeadline: Self.now + .seconds(1))
        Self.feed(input) { piece, step in
            guard (try? session.received(&piece, now: Self.now)) != nil else { return false }
            while let event = session.nextEvent() {
                if case .readable(let id) = event { _ = session.next(id) }
            }
            let id = try? session.startCall(
                method: "m", payload: ByteBuffer(), deadline: Self.now + .seconds(1), now: Self.now)
            if step % 3 == 0, let id { session.cancel(id, now: Self.now) }
            var output = ByteBuffer()
            _ = session.writeOutput(into: &output, bytesMax: 100)
            precondition(session.callsInFlight <= limits.callsInFlightMax)
            let items = limits.callsInFlightMax * limits.itemsUnconsumedMax
            precondition(session.queuedBytes <= items * limits.frameBytesMax)
            return true
        }
        // The calls' deadlines first, then that of a worker that does not end them.
        try? session.timerFired(now: Self.now + .seconds(100))
        try? session.timerFired(now: Self.now + .seconds(200))
        precondition(session.callsInFlight == 0)
    }

    /// Bytes of a parent, read by its worker.
    public static func endpoint(_ input: [UInt8]) {
        let limits = Self.limits
        var endpoint = WorkerEndpoint(limits: limits)
        Self.feed(input) { piece, step in
            guard (try? endpoint.received(&piece, now: Self.now)) != nil else { return false }
            while let event = endpoint.nextEvent() {
                switch event {
                case .call(let id, _, let payload, _):
                    _ = try? endpoint.send(payload, on: id)
                    if step % 2 == 0 { endpoint.end(id, status: .ok) }
                case .cancelled(let id): endpoint.end(id, status: .cancelled(""))
                case .writable(let id): _ = try? endpoint.send(ByteBuffer(string: "x"), on: id)
                case .shutdown: break
                }
            }
            var output = ByteBuffer()
            _ = endpoint.writeOutput(into: &output, bytesMax: 100)
            precondition(endpoint.callsInFlight <= limits.callsInFlightMax)
            return true
        }
    }

    /// Bytes of a guard, read by its parent.
    public static func guardReports(_ input: [UInt8]) {
        var decoder = GuardProtocol.Decoder()
        Self.feed(input) { piece, _ in
            guard let reports = try? decoder.received(&piece) else { return false }
            for report in reports {
                precondition(GuardProtocol.Report(line: String(report.line.dropLast())) == report)
            }
            return true
        }
    }

    /// Hands `input` to `body` in pieces until it answers false.
    private static func feed(_ input: [UInt8], _ body: (inout ByteBuffer, Int) -> Bool) {
        guard let first = input.first else { return }
        var rest = ByteBuffer(bytes: input.dropFirst())
        var step = 0
        while var piece = rest.readSlice(length: min(Int(first) + 1, rest.readableBytes)),
            piece.readableBytes > 0
        {
            guard body(&piece, step) else { return }
            step += 1
        }
    }
}
