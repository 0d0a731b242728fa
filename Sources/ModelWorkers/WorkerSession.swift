internal import Foundation
package import NIOCore
internal import SwiftProtobuf

/// What a worker says about itself when it is ready.
public struct WorkerInfo: Sendable, Hashable {
    /// The worker's name, at most ``WorkerLimits/textBytesMax`` bytes.
    public var name: String
    /// Free facts: model, device, context length.
    public var info: [String: String]
    /// Calls that the worker takes at once, when it says so.
    public var callsMax: Int?

    /// A description with these parts.
    public init(name: String, info: [String: String] = [:], callsMax: Int? = nil) {
        self.name = name
        self.info = info
        self.callsMax = callsMax
    }
}

/// The parent's half of the worker wire, without IO: one value per worker process.
///
/// States: *starting* (until `ready`, bounded by the start deadline) → *serving* → *shutting* (no new calls;
/// open ones may end) → *failed* (final; every call has its error). Any broken rule fails the session: a
/// worker that cannot count cannot be trusted with the next call either.
///
/// A call is *open* until its `end` arrives and its consumer has taken everything. Cancelling it, or missing
/// its deadline, frees the consumer at once, but the call keeps its place among the calls in flight until the
/// worker's `end`, because until then the worker still computes. A worker that does not end it within
/// ``WorkerLimits/cancelGrace`` counts as hung.
///
/// Credit: the worker may send `itemsUnconsumedMax` items; every half window that the consumer takes is
/// granted again. Credit given and items waiting never exceed the window together.
package struct WorkerSession: Sendable {
    /// The one version of the wire that this side speaks.
    package static let wireVersion: UInt32 = 1

    /// What happened, for the driver.
    package enum Event: Sendable, Equatable {
        /// The worker's `ready` arrived.
        case ready(WorkerInfo)
        /// ``next(_:)`` of this call has something other than `.pending` to say.
        case readable(UInt64)
        /// The worker wrote a log line over the wire: level 0 (trace) to 6 (critical).
        case log(level: UInt32, message: String)
    }

    /// What a consumer gets.
    package enum Next: Sendable {
        /// One item of the answer.
        case item(ByteBuffer)
        /// Nothing yet; an event will tell.
        case pending
        /// The call ended well; it is forgotten now.
        case finished
        /// The call failed; it is forgotten now.
        case failed(WorkerError)
    }

    private enum Phase: Sendable {
        case starting(deadline: NIODeadline)
        case serving
        case shutting
        case failed(WorkerError)
    }

    private struct Call: Sendable {
        enum Ending: Sendable {
            case open
            case finished
            case failed(WorkerError)
        }

        var queue = CircularBuffer<ByteBuffer>()
        /// Items the worker may still send.
        var credit: Int
        /// Items taken since the last grant.
        var taken = 0
        var deadline: NIODeadline
        var ending = Ending.open
    }

    private let limits: WorkerLimits
    private var decoder: WorkerFrameDecoder
    private var phase: Phase
    private var callsMax: Int
    private var lastID: UInt64 = 0
    private var calls: [UInt64: Call] = [:]
    /// Calls given up whose `end` has not come, with the time at which the worker counts as hung.
    private var closing: [UInt64: NIODeadline] = [:]
    private var output = ByteBuffer()
    private var events = CircularBuffer<Event>()

    /// Payload bytes that wait for consumers.
    package private(set) var queuedBytes = 0

    /// A session with a worker that was just started and must be ready by `startDeadline`.
    package init(limits: WorkerLimits, startDeadline: NIODeadline) {
        self.limits = limits
        self.decoder = WorkerFrameDecoder(frameBytesMax: limits.frameBytesMax)
        self.phase = .starting(deadline: startDeadline)
        self.callsMax = limits.callsInFlightMax
    }

    /// Whether the driver should stop reading for now.
    package var wantsPause: Bool { self.queuedBytes > self.limits.queuedBytesMax }

    /// Whether bytes wait to be written.
    package var hasOutput: Bool { self.output.readableBytes > 0 }

    /// Calls that hold a place, given-up ones included.
    package var callsInFlight: Int {
        self.closing.count
            + self.calls.values.reduce(0) { count, call in
                if case .open = call.ending { count + 1 } else { count }
            }
    }

    /// The error that ended the session.
    package var failure: WorkerError? { if case .failed(let error) = self.phase { error } else { nil } }

    // MARK: From the worker

    /// Takes all of `bytes`.
    ///
    /// - Throws: ``WorkerError/Code/protocolViolation`` or ``WorkerError/Code/frameTooLarge``; every call has
    ///   failed with the same error then, and the worker must be killed.
    package mutating func received(_ bytes: inout ByteBuffer, now: NIODeadline) throws(WorkerError) {
        if case .failed = self.phase {
            bytes.moveReaderIndex(to: bytes.writerIndex)
            return
        }
        self.decoder.append(&bytes)
        do throws(WorkerError) {
            while let frame = try self.decoder.next() {
                try self.received(frame: frame)
            }
        } catch {
            self.fail(error)
            throw error
        }
    }

    private mutating func received(frame: ByteBuffer) throws(WorkerError) {
        let message = try decodeWorkerMessage(Subnet_Worker_V1_FromWorker.self, from: frame)
        // A field that this version does not know is noise: later versions may add frames.
        guard let kind = message.message else { return }
        switch kind {
        case .log(let line):
            self.events.append(.log(level: min(line.level, 6), message: self.limits.cut(line.message)))
        case .ready(let ready):
            try self.receivedReady(ready)
        case .item(let item):
            try self.receivedItem(item.id, payload: ByteBuffer(bytes: item.payload))
        case .end(let end):
            try self.receivedEnd(
                end.id, status: WorkerStatus(code: end.code, message: self.limits.cut(end.message)))
        }
    }

    private mutating func receivedReady(_ ready: Subnet_Worker_V1_Ready) throws(WorkerError) {
        switch self.phase {
        case .starting: self.phase = .serving
        // Shutdown was asked before the worker was ready: it will exit soon, but its `ready` is legal.
        case .shutting where self.lastID == 0: break
        default: throw WorkerError(.protocolViolation, "the worker reported ready twice")
        }
        guard ready.wireVersion == Self.wireVersion else {
            throw WorkerError(
                .protocolViolation,
                "the worker speaks wire version \(ready.wireVersion), this node \(Self.wireVersion)")
        }
        let texts = [ready.name] + ready.info.flatMap { [$0.key, $0.value] }
        guard ready.info.count <= self.limits.infoEntriesMax,
            texts.allSatisfy({ $0.utf8.count <= self.limits.textBytesMax })
        else {
            throw WorkerError(
                .protocolViolation, "the worker's ready message exceeds the limits for its texts")
        }
        if ready.callsMax > 0 {
            self.callsMax = min(self.limits.callsInFlightMax, Int(ready.callsMax))
        }
        self.events.append(
            .ready(
                WorkerInfo(
                    name: ready.name, info: ready.info,
                    callsMax: ready.callsMax > 0 ? Int(ready.callsMax) : nil)))
    }

    private mutating func receivedItem(_ id: UInt64, payload: ByteBuffer) throws(WorkerError) {
        guard case .open? = self.calls[id]?.ending else {
            // Items of a call that was given up cross the cancel on the wire.
            if self.closing[id] != nil { return }
            throw WorkerError(.protocolViolation, "the worker sent an item of call \(id), which is not open")
        }
        guard let credit = self.calls[id]?.credit, credit > 0 else {
            throw WorkerError(
                .protocolViolation, "the worker sent more items of call \(id) than it had credit")
        }
        self.calls[id]?.credit = credit - 1
        self.calls[id]?.queue.append(payload)
        self.queuedBytes += payload.readableBytes
        self.events.append(.readable(id))
    }

    private mutating func receivedEnd(_ id: UInt64, status: WorkerStatus) throws(WorkerError) {
        if self.closing.removeValue(forKey: id) != nil { return }
        guard case .open? = self.calls[id]?.ending else {
            throw WorkerError(.protocolViolation, "the worker ended call \(id), which is not open")
        }
        self.calls[id]?.ending =
            status.code == 0
            ? .finished
            : .failed(WorkerError(.callFailed, "the worker ended the call: \(status)", status: status))
        self.events.append(.readable(id))
    }

    /// The next thing that happened, or nil.
    package mutating func nextEvent() -> Event? { self.events.popFirst() }

    // MARK: From callers

    /// Opens a call.
    ///
    /// - Throws: ``WorkerError/Code/unavailable``, ``WorkerError/Code/stopped``, ``WorkerError/Code/busy``,
    ///   ``WorkerError/Code/payloadTooLarge``, ``WorkerError/Code/deadlineExceeded``, or the error that ended
    ///   the session. Nothing has changed then.
    package mutating func startCall(
        method: String, payload: ByteBuffer, deadline: NIODeadline, now: NIODeadline
    ) throws(WorkerError) -> UInt64 {
        switch self.phase {
        case .serving: break
        case .starting:
            throw WorkerError(
                .unavailable, "the worker is still starting", retryAfter: self.limits.retryAfter)
        case .shutting: throw WorkerError(.stopped, "the worker is shutting down")
        case .failed(let error): throw error
        }
        guard !method.isEmpty, method.utf8.count <= self.limits.textBytesMax else {
            throw WorkerError(
                .invalidConfiguration, "a method name has 1 to \(self.limits.textBytesMax) bytes")
        }
        guard deadline > now else {
            throw WorkerError(.deadlineExceeded, "the deadline passed before the call started")
        }
        guard self.callsInFlight < self.callsMax else {
            throw WorkerError(
                .busy, "the worker has \(self.callsMax) calls in flight", retryAfter: self.limits.retryAfter)
        }
        // One frame is always accepted into an empty output, however small the bound.
        let waiting = self.output.readableBytes
        guard waiting == 0 || waiting + payload.readableBytes <= self.limits.outputBytesMax else {
            throw WorkerError(
                .busy, "\(waiting) bytes wait for a worker that does not read",
                retryAfter: self.limits.retryAfter)
        }
        var message = Subnet_Worker_V1_ToWorker()
        message.call.id = self.lastID + 1
        message.call.method = method
        message.call.payload = Data(payload.readableBytesView)
        message.call.remainingMilliseconds = Self.milliseconds(deadline - now)
        message.call.credit = UInt32(self.limits.itemsUnconsumedMax)
        try WorkerFrame.write(message, into: &self.output, bytesMax: self.limits.frameBytesMax)
        self.lastID += 1
        self.calls[self.lastID] = Call(credit: self.limits.itemsUnconsumedMax, deadline: deadline)
        return self.lastID
    }

    /// Takes the next part of call `id`'s answer. A call that is not known was cancelled.
    package mutating func next(_ id: UInt64) -> Next {
        guard let index = self.calls.index(forKey: id) else {
            return .failed(WorkerError(.cancelled, "the call was cancelled"))
        }
        if let item = self.calls.values[index].queue.popFirst() {
            self.queuedBytes -= item.readableBytes
            self.calls.values[index].taken += 1
            let taken = self.calls.values[index].taken
            // Half a window at once keeps the wire full with one credit frame for many items.
            if taken * 2 >= self.limits.itemsUnconsumedMax, case .open = self.calls.values[index].ending {
                self.calls.values[index].taken = 0
                self.calls.values[index].credit += taken
                var message = Subnet_Worker_V1_ToWorker()
                message.credit.id = id
                message.credit.items = UInt32(taken)
                self.writeControl(message)
            }
            return .item(item)
        }
        switch self.calls.values[index].ending {
        case .open: return .pending
        case .finished:
            self.calls.remove(at: index)
            return .finished
        case .failed(let error):
            self.calls.remove(at: index)
            return .failed(error)
        }
    }

    /// Gives call `id` up: what waits is dropped, the worker is told. Harmless for a call that has ended.
    package mutating func cancel(_ id: UInt64, now: NIODeadline) {
        guard let call = self.calls.removeValue(forKey: id) else { return }
        self.dropQueue(call)
        guard case .open = call.ending else { return }
        self.giveUp(id, now: now)
    }

    /// Asks the worker to finish its calls and exit; new calls are refused from now on.
    package mutating func shutdown() {
        switch self.phase {
        case .starting, .serving:
            self.phase = .shutting
            var message = Subnet_Worker_V1_ToWorker()
            message.shutdown = Subnet_Worker_V1_Shutdown()
            self.writeControl(message)
        case .shutting, .failed: break
        }
    }

    /// Ends the session: every open call fails with `error`, items that wait are still delivered first.
    package mutating func fail(_ error: WorkerError) {
        if case .failed = self.phase { return }
        self.phase = .failed(error)
        self.closing.removeAll()
        self.output.clear()
        for id in self.calls.keys.sorted() {
            guard case .open? = self.calls[id]?.ending else { continue }
            self.calls[id]?.ending = .failed(error)
            self.events.append(.readable(id))
        }
    }

    // MARK: To the driver

    /// Moves at most `bytesMax` waiting bytes to the end of `output`; false when there were none.
    package mutating func writeOutput(into output: inout ByteBuffer, bytesMax: Int) -> Bool {
        let count = min(bytesMax, self.output.readableBytes)
        guard count > 0, var slice = self.output.readSlice(length: count) else { return false }
        output.writeBuffer(&slice)
        self.output.reclaim()
        return true
    }

    /// When ``timerFired(now:)`` wants to be called.
    package var nextDeadline: NIODeadline? {
        var next: NIODeadline?
        func consider(_ deadline: NIODeadline) { next = next.map { min($0, deadline) } ?? deadline }
        if case .starting(let deadline) = self.phase { consider(deadline) }
        for call in self.calls.values {
            if case .open = call.ending { consider(call.deadline) }
        }
        for deadline in self.closing.values { consider(deadline) }
        return next
    }

    /// Ends what is overdue.
    ///
    /// - Throws: ``WorkerError/Code/startTimedOut`` or ``WorkerError/Code/unresponsive``; the session has
    ///   failed then, and the worker must be killed.
    package mutating func timerFired(now: NIODeadline) throws(WorkerError) {
        if case .starting(let deadline) = self.phase, deadline <= now {
            try self.failed(WorkerError(.startTimedOut, "the worker did not report ready in time"))
        }
        for id in self.calls.keys.sorted() {
            guard let call = self.calls[id], case .open = call.ending, call.deadline <= now else { continue }
            self.dropQueue(call)
            self.calls[id]?.queue.removeAll()
            self.calls[id]?.ending = .failed(
                WorkerError(.deadlineExceeded, "the call's deadline passed before the worker ended it"))
            self.giveUp(id, now: now)
            self.events.append(.readable(id))
        }
        if self.wantsPause {
            // Their ends may be among what this side does not read for now: that is not the worker's fault.
            for (id, deadline) in self.closing where deadline <= now {
                self.closing[id] = now + self.limits.cancelGrace
            }
        }
        if let overdue = self.closing.first(where: { $0.value <= now })?.key {
            try self.failed(
                WorkerError(
                    .unresponsive,
                    "the worker did not end call \(overdue) within "
                        + "\(self.limits.cancelGrace.nanoseconds / 1_000_000) ms of its cancellation"))
        }
    }

    // MARK: Inside

    private mutating func failed(_ error: WorkerError) throws(WorkerError) {
        self.fail(error)
        throw error
    }

    private mutating func dropQueue(_ call: Call) {
        for item in call.queue { self.queuedBytes -= item.readableBytes }
    }

    private mutating func giveUp(_ id: UInt64, now: NIODeadline) {
        if case .failed = self.phase { return }
        self.closing[id] = now + self.limits.cancelGrace
        var message = Subnet_Worker_V1_ToWorker()
        message.cancel.id = id
        self.writeControl(message)
    }

    /// Control frames are a few bytes, and at most one cancel and half a window of credits per call: they
    /// need no bound of their own, and no frame limit that is not absurd refuses them.
    private mutating func writeControl(_ message: Subnet_Worker_V1_ToWorker) {
        if case .failed = self.phase { return }
        do {
            try WorkerFrame.write(message, into: &self.output, bytesMax: .max)
        } catch {
            assertionFailure("a control frame was not encoded: \(error)")
        }
    }

    /// `amount` in whole milliseconds, rounded up, at least 1.
    private static func milliseconds(_ amount: TimeAmount) -> UInt64 {
        let nanoseconds = max(amount.nanoseconds, 1)
        return UInt64((nanoseconds - 1) / 1_000_000 + 1)
    }
}
