internal import DequeModule
internal import Synchronization

/// A bounded queue of messages between one sender and one receiver, for one direction of a call in memory.
///
/// The sender waits while the queue is full; that is the back-pressure of the in-process wire. Ending a queue
/// lets the receiver take what is in it first; failing it drops what is in it.
final class ItemQueue: Sendable {
    private let state: Mutex<State>
    private let itemsMax: Int

    fileprivate struct State {
        var items: Deque<WireItem> = []
        var outcome: Outcome?
        var sender: CheckedContinuation<Void, any Error>?
        var receiver: CheckedContinuation<WireItem?, any Error>?
    }

    /// How a queue ends: nothing follows (after what is queued), or an error at once.
    fileprivate enum Outcome {
        case ended
        case endedWith(RPCError)
        case failed(RPCError)
    }

    /// A queue for at most `itemsMax` messages.
    init(itemsMax: Int) {
        self.itemsMax = itemsMax
        self.state = Mutex(State())
    }

    /// Puts a message in, and waits while more than the bound are in.
    /// - Throws: also when the task is cancelled while it waits; the message is in the queue then.
    func send(_ item: WireItem) async throws {
        try await withTaskCancellationHandler {
            try await self.put(item)
        } onCancel: {
            self.state.withLock { $0.sender.take() }?.resume(throwing: RPCError.callCancelled)
        }
    }

    private func put(_ item: WireItem) async throws {
        try await withCheckedThrowingContinuation { (sender: CheckedContinuation<Void, any Error>) in
            let resume = self.state.withLock { state -> (() -> Void)? in
                switch state.outcome {
                case .failed(let error), .endedWith(let error): return { sender.resume(throwing: error) }
                case .ended:
                    return {
                        sender.resume(throwing: RPCError(.failedPrecondition, "a message after the last one"))
                    }
                case nil: break
                }
                if item.isLast { state.outcome = .ended }
                if let receiver = state.receiver.take() {
                    return {
                        receiver.resume(returning: item)
                        sender.resume()
                    }
                }
                state.items.append(item)
                if state.items.count <= self.itemsMax || item.isLast { return { sender.resume() } }
                guard state.sender == nil else {
                    return { sender.resume(throwing: RPCError(.internal, "two tasks send on one call")) }
                }
                if Task.isCancelled { return { sender.resume(throwing: RPCError.callCancelled) } }
                state.sender = sender
                return nil
            }
            resume?()
        }
    }

    /// A message that is here already.
    func poll() throws -> WireItem? {
        let (item, sender) = try self.state.withLock { state in
            if case .failed(let error) = state.outcome { throw error }
            return (state.items.popFirst(), state.takeSenderWithRoom(self.itemsMax))
        }
        sender?.resume()
        return item
    }

    /// The next message, `nil` at the end.
    /// - Throws: also when the task is cancelled while it waits.
    func receive() async throws -> WireItem? {
        try await withTaskCancellationHandler {
            try await self.take()
        } onCancel: {
            self.state.withLock { $0.receiver.take() }?.resume(throwing: RPCError.callCancelled)
        }
    }

    private func take() async throws -> WireItem? {
        try await withCheckedThrowingContinuation { (receiver: CheckedContinuation<WireItem?, any Error>) in
            let resume = self.state.withLock { state -> (() -> Void)? in
                if case .failed(let error) = state.outcome { return { receiver.resume(throwing: error) } }
                if let item = state.items.popFirst() {
                    let sender = state.takeSenderWithRoom(self.itemsMax)
                    return {
                        receiver.resume(returning: item)
                        sender?.resume()
                    }
                }
                switch state.outcome {
                case .ended: return { receiver.resume(returning: nil) }
                case .endedWith(let error), .failed(let error): return { receiver.resume(throwing: error) }
                case nil: break
                }
                guard state.receiver == nil else {
                    return { receiver.resume(throwing: RPCError(.internal, "two tasks receive on one call")) }
                }
                if Task.isCancelled { return { receiver.resume(throwing: RPCError.callCancelled) } }
                state.receiver = receiver
                return nil
            }
            resume?()
        }
    }

    /// Nothing follows what is queued; `error` says why when it is not success.
    func end(_ error: RPCError? = nil) {
        let (receiver, sender) = self.state.withLock { state in
            guard state.outcome == nil else { return (nil, nil) as Waiting }
            state.outcome = error.map { .endedWith($0) } ?? .ended
            return (state.receiver.take(), error == nil ? nil : state.sender.take())
        }
        if let error { receiver?.resume(throwing: error) } else { receiver?.resume(returning: nil) }
        if let error { sender?.resume(throwing: error) }
    }

    /// Ends both sides at once.
    func fail(_ error: RPCError) {
        let (receiver, sender) = self.state.withLock { state in
            if case .failed = state.outcome { return (nil, nil) as Waiting }
            state.outcome = .failed(error)
            state.items = []
            return (state.receiver.take(), state.sender.take())
        }
        receiver?.resume(throwing: error)
        sender?.resume(throwing: error)
    }

    fileprivate typealias Waiting = (
        CheckedContinuation<WireItem?, any Error>?, CheckedContinuation<Void, any Error>?
    )
}

extension ItemQueue.State {
    /// The waiting sender, when its message is within the bound now.
    fileprivate mutating func takeSenderWithRoom(_ itemsMax: Int) -> CheckedContinuation<Void, any Error>? {
        self.items.count <= itemsMax ? self.sender.take() : nil
    }
}
