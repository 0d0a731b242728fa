internal import NIOCore
internal import NIOHTTP1

/// What a connection hands to the task that answers its requests, one request at a time.
enum GatheredRequest: Sendable, Equatable {
    /// A request that arrived whole, in one read: the common case.
    case whole(HTTPRequestHead, ByteBuffer)
    /// A head whose body is read when the task asks for it (`BodyWanted`).
    case head(HTTPRequestHead)
    /// The body that was asked for.
    case body(ByteBuffer)
    /// The request cannot be read; nothing of it follows.
    case failed(GatherFailure)
}

/// Why a request cannot be read to its end.
enum GatherFailure: Error, Sendable, Equatable {
    /// Not HTTP, or a body that contradicts its head.
    case malformed
    /// More header fields or bytes than `Axon.Limits` allows.
    case headersTooLarge
    /// A body over the limit, declared or arrived.
    case bodyTooLarge
    /// The body did not arrive in time.
    case bodyTooSlow
    /// The bodies that are being read fill the memory set aside for them.
    case overloaded
}

/// The event that asks a connection for the body of the head that it handed out.
struct BodyWanted: Sendable {}

/// Asks a connection to say when all replies have left. Nothing else is read or written on it from then on.
struct FlushWanted: Sendable {}

/// Asks a connection to take in and forget what the caller still sends, so that the reply is not lost in the
/// reset that closing a socket with unread bytes causes.
struct DrainWanted: Sendable {}
