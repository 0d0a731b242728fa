public import Crypto
internal import NIOCore
public import SubnetRPC
internal import Synchronization

/// A test authorizer that signs every message with a shared key: HMAC-SHA256 over role, method, nonce, number
/// and canonical bytes of the message.
///
/// Fields of a request: `seal-nonce` (16 bytes, one per call) and `seal-mac`; of a response: `seal-nonce`
/// (the request's) and `seal-mac`. The callee remembers the nonces of calls it has let begin and refuses one
/// that comes again.
public final class SealAuthorizer: Authorizer {
    /// The name of the field of the nonce.
    public static let nonceField = "seal-nonce"
    /// The name of the field of the code.
    public static let macField = "seal-mac"

    private let key: SymmetricKey
    private let makeNonce: @Sendable () -> [UInt8]
    private let nonces: Mutex<Nonces>

    /// The nonces that were seen, oldest first, bounded.
    private struct Nonces {
        var seen: Set<[UInt8]> = []
        var order: [[UInt8]] = []
    }

    private static let noncesMax = 1 << 16

    /// An authorizer with a key.
    ///
    /// - Parameters:
    ///   - key: both sides have the same.
    ///   - makeNonce: 16 bytes that never come twice; tests count.
    public init(key: SymmetricKey, makeNonce: @escaping @Sendable () -> [UInt8]) {
        self.key = key
        self.makeNonce = makeNonce
        self.nonces = Mutex(Nonces())
    }

    /// The nonce of one call: the caller's from the start, the callee's once the first request is checked.
    public final class CallState: Sendable {
        private let value: Mutex<[UInt8]?>

        init(_ nonce: [UInt8]?) { self.value = Mutex(nonce) }

        var nonce: [UInt8]? { self.value.withLock { $0 } }
        func set(_ nonce: [UInt8]) { self.value.withLock { $0 = nonce } }
    }

    public func begin(_ head: CallHead, role: AuthorizerRole) async throws -> CallState {
        CallState(role == .caller ? self.makeNonce() : nil)
    }

    public func signRequest(_ item: inout AuthorizerItem, _ state: CallState) async throws {
        try self.sign(&item, state, "request")
    }

    public func signResponse(_ item: inout AuthorizerItem, _ state: CallState) async throws {
        try self.sign(&item, state, "response")
    }

    public func checkRequest(_ item: inout AuthorizerItem, _ state: CallState) async throws {
        let nonce = try self.check(&item, "request")
        if let known = state.nonce {
            guard known == nonce else { throw Self.refused("the nonce changed within the call") }
        } else {
            guard self.isNew(nonce) else { throw Self.refused("the nonce was used before") }
            state.set(nonce)
        }
    }

    public func checkResponse(_ item: inout AuthorizerItem, _ state: CallState) async throws {
        guard try self.check(&item, "response") == state.nonce else {
            throw Self.refused("the nonce is not that of the request")
        }
    }

    private func sign(_ item: inout AuthorizerItem, _ state: CallState, _ role: String) throws {
        guard let nonce = state.nonce else { throw Self.refused("nothing to sign for yet") }
        item.fields[bytes: Self.nonceField] = nonce
        item.fields[bytes: Self.macField] = Array(try self.code(&item, nonce, role))
    }

    private func check(_ item: inout AuthorizerItem, _ role: String) throws -> [UInt8] {
        guard let nonce = item.fields[bytes: Self.nonceField], nonce.count == 16 else {
            throw Self.refused("no nonce")
        }
        guard let mac = item.fields[bytes: Self.macField] else { throw Self.refused("no code") }
        let text = try Self.text(&item, nonce, role)
        guard HMAC<SHA256>.isValidAuthenticationCode(mac, authenticating: text, using: self.key) else {
            throw Self.refused("the code is wrong")
        }
        return nonce
    }

    private func code(
        _ item: inout AuthorizerItem, _ nonce: [UInt8], _ role: String
    ) throws -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: try Self.text(&item, nonce, role), using: self.key)
    }

    /// role | 0 | method | 0 | nonce (16) | number u64 big-endian | message
    private static func text(_ item: inout AuthorizerItem, _ nonce: [UInt8], _ role: String) throws -> [UInt8]
    {
        var text = ByteBuffer(string: "\(role)\0\(item.head.method.fullName)\0")
        text.writeBytes(nonce)
        text.writeInteger(UInt64(item.index))
        text.writeImmutableBuffer(try item.canonicalBytes())
        return Array(text.readableBytesView)
    }

    private func isNew(_ nonce: [UInt8]) -> Bool {
        self.nonces.withLock { nonces in
            guard nonces.seen.insert(nonce).inserted else { return false }
            nonces.order.append(nonce)
            if nonces.order.count > Self.noncesMax { nonces.seen.remove(nonces.order.removeFirst()) }
            return true
        }
    }

    private static func refused(_ why: String) -> RPCError {
        RPCError(.unauthenticated, "seal: \(why)")
    }
}
