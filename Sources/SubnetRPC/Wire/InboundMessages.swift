internal import NIOCore
internal import Synchronization

/// The messages of one direction of a call on the side where they arrive: bounded, decoded, checked, counted.
///
/// One task reads at a time.
final class InboundMessages<Message: Sendable>: Sendable {
    private let source: any CallItemSource
    private let head: CallHead
    private let coding: MessageCoding<Message>
    private let authorizer: (any BoundAuthorizer)?
    private let bytesMax: Int
    private let countMax: Int
    private let badMessage: RPCError.Code
    private let state = Mutex(InboundState())

    init(
        source: any CallItemSource, head: CallHead, coding: MessageCoding<Message>,
        authorizer: (any BoundAuthorizer)?, bytesMax: Int, countMax: Int, badMessage: RPCError.Code
    ) {
        self.source = source
        self.head = head
        self.coding = coding
        self.authorizer = authorizer
        self.bytesMax = bytesMax
        self.countMax = countMax
        self.badMessage = badMessage
    }

    /// Whether an authorizer must see at least one message.
    var needsItems: Bool { self.authorizer?.needsItems ?? false }

    /// The next message, or `nil` at the end of the direction.
    func next() async throws -> Message? {
        let (prefetched, hasEnded) = self.state.withLock { ($0.prefetched.take(), $0.hasEnded) }
        if let prefetched { return prefetched as? Message }
        return hasEnded ? nil : try await self.read()
    }

    /// Reads the first message, which must exist, and keeps it for ``next()``.
    func prefetch() async throws {
        guard let message = try await self.read() else { throw Self.nothingSigned }
        self.state.withLock { $0.prefetched = message }
    }

    /// The next message when it is here already and no authorizer has to see it; `nil` says nothing.
    func ready() throws -> Message? {
        guard self.authorizer == nil, !self.state.withLock({ $0.hasEnded }), let item = try self.source.poll()
        else { return nil }
        _ = try self.counted(item)
        return try self.decode(item)
    }

    /// Counts a message that arrived.
    /// - Returns: its index.
    private func counted(_ item: WireItem) throws -> Int {
        let index = self.state.withLock { state in
            state.hasEnded = item.isLast
            state.count += 1
            return state.count - 1
        }
        guard index < self.countMax else {
            throw RPCError(.resourceExhausted, "more than \(self.countMax) messages in one call")
        }
        return index
    }

    private func read() async throws -> Message? {
        var item = try self.source.poll()
        if item == nil { item = try await self.source.receive() }
        guard let item else {
            let count = self.state.withLock { state in
                state.hasEnded = true
                return state.count
            }
            if count == 0, self.needsItems { throw Self.nothingSigned }
            return nil
        }
        let index = try self.counted(item)
        let message = try self.decode(item)
        guard let authorizer = self.authorizer else { return message }
        return try await self.checked(message, item, index, authorizer)
    }

    /// The only message of a direction that has one.
    func single(absent code: RPCError.Code) async throws -> Message {
        guard let message = try await self.next() else {
            throw RPCError(code, "a message is missing: \(self.head.method) takes and gives exactly one")
        }
        if self.state.withLock({ $0.hasEnded }) { return message }
        guard try await self.source.receive() == nil else {
            throw RPCError(code, "more than one message: \(self.head.method) takes and gives exactly one")
        }
        return message
    }

    private func decode(_ item: WireItem) throws -> Message {
        guard item.bytes.readableBytes <= self.bytesMax else {
            throw RPCError(
                .resourceExhausted,
                "a message of \(item.bytes.readableBytes) bytes is over the limit of \(self.bytesMax)")
        }
        do {
            return try self.coding.decode(item.bytes)
        } catch {
            throw RPCError(
                self.badMessage, "a message of \(self.head.method) is not valid \(self.coding.name)",
                cause: error)
        }
    }

    private func checked(
        _ message: Message, _ item: WireItem, _ index: Int, _ authorizer: any BoundAuthorizer
    ) async throws -> Message {
        var seen = AuthorizerItem(
            head: self.head, index: index, fields: item.fields, message: message, encoded: item.bytes,
            encode: erasedEncode(self.coding))
        try await authorizer.check(&seen)
        guard let message = seen.message as? Message else { throw wrongTypeFromAuthorizer }
        return message
    }

    private static var nothingSigned: RPCError {
        RPCError(.unauthenticated, "the other side sent no message that proves who it is")
    }
}

/// Not nested in a generic type, so that its lock is not looked up among the types at run time for each call.
private struct InboundState {
    var count = 0
    var hasEnded = false
    /// A message of the direction's type.
    var prefetched: (any Sendable)?
}

/// The messages of one direction of a call on the side where they leave: encoded, bounded, signed, numbered.
final class OutboundMessages<Message: Sendable>: Sendable {
    private let head: CallHead
    private let coding: MessageCoding<Message>
    private let authorizer: (any BoundAuthorizer)?
    private let bytesMax: Int
    private let tooLarge: RPCError.Code
    private let nextIndex = Atomic<Int>(0)

    init(
        head: CallHead, coding: MessageCoding<Message>, authorizer: (any BoundAuthorizer)?, bytesMax: Int,
        tooLarge: RPCError.Code
    ) {
        self.head = head
        self.coding = coding
        self.authorizer = authorizer
        self.bytesMax = bytesMax
        self.tooLarge = tooLarge
    }

    /// The item that carries a message.
    func item(_ message: Message, isLast: Bool) async throws -> WireItem {
        guard let authorizer = self.authorizer else {
            return WireItem(bytes: try self.bounded(try self.encode(message)), isLast: isLast)
        }
        let index = self.nextIndex.add(1, ordering: .relaxed).oldValue
        var leaving = AuthorizerItem(
            head: self.head, index: index, fields: [:], message: message, encoded: nil,
            encode: erasedEncode(self.coding))
        try await authorizer.sign(&leaving)
        let bytes = try self.bounded(try leaving.canonicalBytes())
        return WireItem(bytes: bytes, fields: leaving.fields, isLast: isLast)
    }

    private func encode(_ message: Message) throws -> ByteBuffer {
        do {
            return try self.coding.encode(message)
        } catch {
            throw RPCError(
                .internal, "a message of \(self.head.method) cannot be encoded as \(self.coding.name)",
                cause: error)
        }
    }

    private func bounded(_ bytes: ByteBuffer) throws -> ByteBuffer {
        guard bytes.readableBytes <= self.bytesMax else {
            throw RPCError(
                self.tooLarge,
                "a message of \(bytes.readableBytes) bytes for \(self.head.method) is over the limit of "
                    + "\(self.bytesMax)")
        }
        return bytes
    }
}

/// An encoder for messages of a known type behind `any`, for authorizers.
private func erasedEncode<Message>(
    _ coding: MessageCoding<Message>
) -> @Sendable (any Sendable) throws -> ByteBuffer {
    { message in
        guard let message = message as? Message else { throw wrongTypeFromAuthorizer }
        return try coding.encode(message)
    }
}

/// An authorizer of ours has a fault: the call ends, nothing passes.
private var wrongTypeFromAuthorizer: RPCError {
    RPCError(.internal, "an authorizer put a message of another type in place")
}
