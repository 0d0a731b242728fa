public import NIOCore

/// The answer of a worker to one call: its items, in order, then the end or the error.
///
/// One consumer iterates once. Items that are not taken stop the worker after
/// ``WorkerLimits/itemsUnconsumedMax`` of them. The error, if there is one, comes after the items before it.
///
/// - Important: cancelling the consuming task, calling ``cancel()`` or dropping the sequence and its iterator
///   cancels the call in the worker.
public struct WorkerReplies: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer
    public typealias Failure = WorkerError

    /// Cancels the call when the last holder lets go.
    final class Handle: Sendable {
        let connection: WorkerConnection
        let id: UInt64

        init(connection: WorkerConnection, id: UInt64) {
            self.connection = connection
            self.id = id
        }

        deinit { self.connection.cancel(self.id) }
    }

    let handle: Handle

    /// Gives the call up.
    public func cancel() { self.handle.connection.cancel(self.handle.id) }

    /// The items, once.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(handle: self.handle) }

    /// Takes the items of one answer.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let handle: Handle
        private var isDone = false

        init(handle: Handle) { self.handle = handle }

        /// The next item; nil after the good end.
        ///
        /// - Throws: ``WorkerError``; its code says whether the worker failed, died or was too late.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(WorkerError) -> ByteBuffer? {
            if self.isDone { return nil }
            do throws(WorkerError) {
                if let item = try await self.handle.connection.next(self.handle.id) { return item }
            } catch {
                self.isDone = true
                throw error
            }
            self.isDone = true
            return nil
        }

        /// The next item; nil after the good end.
        public mutating func next() async throws(WorkerError) -> ByteBuffer? {
            try await self.next(isolation: nil)
        }
    }

    /// The whole answer of a call that has exactly one item.
    ///
    /// - Throws: ``WorkerError``; ``WorkerError/Code/protocolViolation`` for no item or a second one.
    public func single() async throws(WorkerError) -> ByteBuffer {
        var iterator = self.makeAsyncIterator()
        guard let item = try await iterator.next() else {
            throw WorkerError(.protocolViolation, "the worker ended the call without an answer")
        }
        guard try await iterator.next() == nil else {
            throw WorkerError(.protocolViolation, "the worker answered more than once")
        }
        return item
    }
}
