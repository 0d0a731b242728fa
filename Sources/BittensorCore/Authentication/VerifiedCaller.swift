public import NIOCore

/// Who sent a request, as far as its signature proves it.
public struct VerifiedCaller: Sendable, Hashable {
    /// The form of a proof.
    public enum Generation: String, Sendable, Hashable {
        /// The classic headers of 7.x to 10.x: the signature covers the declared hash fields of the body
        /// alone.
        case synapse
        /// `btauth/1`: method, target, whole body and receiver are covered.
        case btauth1
        /// None: a compatible server let a request without signature pass, or verifies in its own way.
        case unproven
    }

    /// SS58 address of the sender. When ``generation`` is ``Generation/unproven`` it is only claimed.
    public let hotkey: String
    /// How it was proven.
    public let generation: Generation
    /// The nonce; 0 where there is none.
    public let nonce: Int
    /// Whether every byte of the body is the sender's.
    public var isBodyAuthenticated: Bool { self.generation == .btauth1 }
    /// Whether the hotkey is proven.
    public var isProven: Bool { self.generation != .unproven }

    /// A caller. Only verifiers and tests make one.
    package init(hotkey: String, generation: Generation, nonce: Int) {
        self.hotkey = hotkey
        self.generation = generation
        self.nonce = nonce
    }
}

/// What a verifier is to look at.
public struct AuthenticationRequest: Sendable {
    /// The method as sent.
    public let method: String
    /// The target as sent, with the query.
    public let target: String
    /// All headers.
    public let headers: HeaderList
    /// What the classic headers say.
    public let head: SynapseHead
    /// The body, where the proof covers it: then the request is of `btauth`.
    public let body: ByteBuffer?

    package init(
        method: String, target: String, headers: HeaderList, head: SynapseHead, body: ByteBuffer?
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.head = head
        self.body = body
    }
}
