internal import Foundation
package import NIOCore
internal import SwiftProtobuf

/// The worker's half of the worker wire, without IO.
///
/// The mirror of ``WorkerSession``: calls come in, items go out as far as credit reaches, and every call is
/// ended exactly once. The parent is trusted with the machine, not with its bytes: what breaks the rules ends
/// the wire, and the worker exits.
package struct WorkerEndpoint: Sendable {
    /// What the parent wants.
    package enum Event: Sendable, Equatable {
        /// Run a method. `deadline` is on this process's clock.
        case call(id: UInt64, method: String, payload: ByteBuffer, deadline: NIODeadline?)
        /// Call `id` may send more items.
        case writable(UInt64)
        /// Call `id` is given up; it must still be ended.
        case cancelled(UInt64)
        /// Finish the calls and exit.
        case shutdown
    }

    /// What became of an item.
    package enum SendResult: Sendable, Equatable {
        /// It is on its way.
        case sent
        /// Nothing was sent: wait for credit, or for the output to drain.
        case wait
        /// Nothing was sent: the call was cancelled or is unknown.
        case cancelled
    }

    private struct Call: Sendable {
        var credit: Int
        var isCancelled = false
    }

    private let limits: WorkerLimits
    private var decoder: WorkerFrameDecoder
    private var calls: [UInt64: Call] = [:]
    private var lastID: UInt64 = 0
    private var output = ByteBuffer()
    private var events = CircularBuffer<Event>()

    /// Whether the parent has asked for shutdown.
    package private(set) var isShuttingDown = false

    /// An endpoint at the start of the wire.
    package init(limits: WorkerLimits) {
        self.limits = limits
        self.decoder = WorkerFrameDecoder(frameBytesMax: limits.frameBytesMax)
    }

    /// Calls that have not been ended.
    package var callsInFlight: Int { self.calls.count }

    /// Whether bytes wait to be written.
    package var hasOutput: Bool { self.output.readableBytes > 0 }

    /// Whether ``send(_:on:)`` waits for the output to drain, not for credit.
    package var isOutputFull: Bool { self.output.readableBytes >= self.limits.outputBytesMax }

    /// Takes all of `bytes`.
    ///
    /// - Throws: ``WorkerError/Code/protocolViolation`` or ``WorkerError/Code/frameTooLarge``; the wire is
    ///   useless then.
    package mutating func received(_ bytes: inout ByteBuffer, now: NIODeadline) throws(WorkerError) {
        self.decoder.append(&bytes)
        while let frame = try self.decoder.next() {
            let message = try decodeWorkerMessage(Subnet_Worker_V1_ToWorker.self, from: frame)
            guard let kind = message.message else { continue }
            switch kind {
            case .call(let call): try self.receivedCall(call, now: now)
            case .credit(let credit): self.receivedCredit(credit)
            case .cancel(let cancel):
                // A cancel may cross the call's end on the wire.
                guard self.calls[cancel.id]?.isCancelled == false else { continue }
                self.calls[cancel.id]?.isCancelled = true
                self.events.append(.cancelled(cancel.id))
            case .shutdown:
                guard !self.isShuttingDown else { continue }
                self.isShuttingDown = true
                self.events.append(.shutdown)
            }
        }
    }

    private mutating func receivedCall(
        _ call: Subnet_Worker_V1_Call, now: NIODeadline
    ) throws(WorkerError) {
        guard call.id > self.lastID else {
            throw WorkerError(.protocolViolation, "call ids must rise: \(call.id) after \(self.lastID)")
        }
        self.lastID = call.id
        guard !self.isShuttingDown else {
            return self.writeEnd(call.id, .unavailable("the worker is shutting down"))
        }
        guard self.calls.count < self.limits.callsInFlightMax else {
            return self.writeEnd(
                call.id, .resourceExhausted("the worker has \(self.calls.count) calls in flight"))
        }
        guard call.method.utf8.count <= self.limits.textBytesMax else {
            return self.writeEnd(call.id, .invalidArgument("the method's name is too long"))
        }
        self.calls[call.id] = Call(credit: min(Int(call.credit), Int(Int32.max)))
        // A deadline of centuries is none.
        let milliseconds = Int64(min(call.remainingMilliseconds, 1 << 40))
        self.events.append(
            .call(
                id: call.id, method: call.method, payload: ByteBuffer(bytes: call.payload),
                deadline: milliseconds > 0 ? now + .milliseconds(milliseconds) : nil))
    }

    private mutating func receivedCredit(_ credit: Subnet_Worker_V1_Credit) {
        guard let call = self.calls[credit.id], !call.isCancelled else { return }
        // Saturates: credit beyond this is no bound at all.
        self.calls[credit.id]?.credit = min(call.credit + Int(credit.items), Int(Int32.max))
        if call.credit == 0, credit.items > 0 { self.events.append(.writable(credit.id)) }
    }

    /// The next thing the parent wants, or nil.
    package mutating func nextEvent() -> Event? { self.events.popFirst() }

    /// Reports that calls are welcome. The first frame of a worker.
    package mutating func ready(_ info: WorkerInfo) throws(WorkerError) {
        var message = Subnet_Worker_V1_FromWorker()
        message.ready.wireVersion = WorkerSession.wireVersion
        message.ready.name = info.name
        message.ready.info = info.info
        message.ready.callsMax = UInt32(clamping: info.callsMax ?? 0)
        try WorkerFrame.write(message, into: &self.output, bytesMax: self.limits.frameBytesMax)
    }

    /// Sends one item of call `id`, if credit and the output's bound allow it.
    ///
    /// - Throws: ``WorkerError/Code/payloadTooLarge``.
    package mutating func send(
        _ payload: ByteBuffer, on id: UInt64
    ) throws(WorkerError) -> SendResult {
        guard let call = self.calls[id], !call.isCancelled else { return .cancelled }
        guard call.credit > 0, !self.isOutputFull else { return .wait }
        var message = Subnet_Worker_V1_FromWorker()
        message.item.id = id
        message.item.payload = Data(payload.readableBytesView)
        try WorkerFrame.write(message, into: &self.output, bytesMax: self.limits.frameBytesMax)
        self.calls[id]?.credit -= 1
        return .sent
    }

    /// Whether ``send(_:on:)`` of this call would answer `.wait` now.
    package func mustWait(_ id: UInt64) -> Bool {
        guard let call = self.calls[id], !call.isCancelled else { return false }
        return call.credit == 0 || self.isOutputFull
    }

    /// Whether call `id` was given up. A call that is not known was.
    package func isCancelled(_ id: UInt64) -> Bool { self.calls[id]?.isCancelled ?? true }

    /// Ends call `id`; harmless for one that is not known.
    package mutating func end(_ id: UInt64, status: WorkerStatus) {
        guard self.calls.removeValue(forKey: id) != nil else { return }
        self.writeEnd(id, status)
    }

    /// Sends a line for the parent's log: level 0 (trace) to 6 (critical). Dropped while the output is full.
    package mutating func log(level: UInt32, message text: String) {
        guard !self.isOutputFull else { return }
        var message = Subnet_Worker_V1_FromWorker()
        message.log.level = level
        message.log.message = self.limits.cut(text)
        self.writeControl(message)
    }

    /// Moves at most `bytesMax` waiting bytes to the end of `output`; false when there were none.
    package mutating func writeOutput(into output: inout ByteBuffer, bytesMax: Int) -> Bool {
        let count = min(bytesMax, self.output.readableBytes)
        guard count > 0, var slice = self.output.readSlice(length: count) else { return false }
        output.writeBuffer(&slice)
        self.output.reclaim()
        return true
    }

    private mutating func writeEnd(_ id: UInt64, _ status: WorkerStatus) {
        var message = Subnet_Worker_V1_FromWorker()
        message.end.id = id
        message.end.code = status.code
        message.end.message = self.limits.cut(status.message)
        self.writeControl(message)
    }

    /// Ends and log lines are bounded by ``WorkerLimits/textBytesMax``; one end per call.
    private mutating func writeControl(_ message: Subnet_Worker_V1_FromWorker) {
        do {
            try WorkerFrame.write(message, into: &self.output, bytesMax: .max)
        } catch {
            assertionFailure("a control frame was not encoded: \(error)")
        }
    }
}
