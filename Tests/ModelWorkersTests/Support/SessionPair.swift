internal import NIOCore

@testable import ModelWorkers

/// Both halves of the wire, joined without IO, with a clock that tests set.
struct SessionPair {
    var parent: WorkerSession
    var worker: WorkerEndpoint
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    init(limits: WorkerLimits = WorkerLimits(), startTimeout: TimeAmount = .seconds(10)) {
        self.parent = WorkerSession(limits: limits, startDeadline: self.now + startTimeout)
        self.worker = WorkerEndpoint(limits: limits)
    }

    /// A pair whose worker has reported ready.
    static func ready(
        limits: WorkerLimits = WorkerLimits(), info: WorkerInfo = WorkerInfo(name: "w")
    ) throws -> SessionPair {
        var pair = SessionPair(limits: limits)
        try pair.worker.ready(info)
        try pair.exchange()
        guard pair.parent.nextEvent() == .ready(info) else {
            throw WorkerError(.internalError, "the pair did not become ready")
        }
        return pair
    }

    /// Moves all bytes both ways, in pieces of at most `bytes`, until there are none.
    mutating func exchange(bytes: Int = .max) throws {
        var isMoving = true
        while isMoving {
            isMoving = false
            var buffer = ByteBuffer()
            if self.parent.writeOutput(into: &buffer, bytesMax: bytes) {
                isMoving = true
                try self.worker.received(&buffer, now: self.now)
            }
            buffer = ByteBuffer()
            if self.worker.writeOutput(into: &buffer, bytesMax: bytes) {
                isMoving = true
                try self.parent.received(&buffer, now: self.now)
            }
        }
    }

    /// Opens a call and returns its id once the worker has it.
    mutating func call(_ method: String = "m", timeout: TimeAmount = .seconds(5)) throws -> UInt64 {
        let id = try self.parent.startCall(
            method: method, payload: ByteBuffer(string: "request"), deadline: self.now + timeout,
            now: self.now)
        try self.exchange()
        return id
    }

    /// The events that wait at the worker.
    mutating func workerEvents() -> [WorkerEndpoint.Event] {
        var events: [WorkerEndpoint.Event] = []
        while let event = self.worker.nextEvent() { events.append(event) }
        return events
    }

    /// The events that wait at the parent.
    mutating func parentEvents() -> [WorkerSession.Event] {
        var events: [WorkerSession.Event] = []
        while let event = self.parent.nextEvent() { events.append(event) }
        return events
    }
}

/// What ``WorkerSession/next(_:)`` answered, to compare by value.
enum Taken: Equatable {
    case item(String)
    case pending
    case finished
    case failed(WorkerError.Code)

    init(_ next: WorkerSession.Next) {
        switch next {
        case .item(let item): self = .item(String(buffer: item))
        case .pending: self = .pending
        case .finished: self = .finished
        case .failed(let error): self = .failed(error.code)
        }
    }
}

/// A frame around `message`.
func frame(_ message: Subnet_Worker_V1_FromWorker) throws -> ByteBuffer {
    var buffer = ByteBuffer()
    try WorkerFrame.write(message, into: &buffer, bytesMax: .max)
    return buffer
}

/// A frame around `message`.
func frame(_ message: Subnet_Worker_V1_ToWorker) throws -> ByteBuffer {
    var buffer = ByteBuffer()
    try WorkerFrame.write(message, into: &buffer, bytesMax: .max)
    return buffer
}

/// The code of the error that `body` throws.
func code(_ body: () throws -> Void) -> WorkerError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? WorkerError)?.code
    }
}
