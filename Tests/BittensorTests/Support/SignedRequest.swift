import AccountKeys
import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A request of a classic client, made from the specification and not by the code under test. What a test
/// changes after ``sign()`` is what an attacker changes.
struct SignedRequest: Sendable {
    /// The hash of a body without declared hash fields.
    static let emptyHash = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"

    var method = "POST"
    var path = "/Echo"
    var headers: [(name: String, value: String)]
    var body = #"{"message": "hello", "count": 1}"#
    /// Left out when `nil`.
    var contentLength: Int?

    /// - Parameters:
    ///   - nonce: nanoseconds since 1970.
    ///   - axon: the address that the signature means.
    init(
        from key: Keypair, to axon: String, nonce: Int64, uuid: String = UUID().uuidString,
        timeout: String = "12.0",
        version: String? = "10005000", bodyHash: String = Self.emptyHash, name: String = "Echo",
        inputs: [String] = ["message"]
    ) throws {
        let message = "\(nonce).\(key.ss58Address).\(axon).\(uuid).\(bodyHash)"
        let signature = try key.sign(Array(message.utf8))
        self.path = "/\(name)"
        self.headers = [
            ("name", name), ("timeout", timeout), ("bt_header_axon_ip", "127.0.0.1"),
            ("bt_header_axon_port", "8091"), ("bt_header_axon_hotkey", axon),
            ("bt_header_dendrite_ip", "198.51.100.10"),
        ]
        if let version { self.headers.append(("bt_header_dendrite_version", version)) }
        self.headers += [
            ("bt_header_dendrite_nonce", "\(nonce)"), ("bt_header_dendrite_uuid", uuid),
            ("bt_header_dendrite_hotkey", key.ss58Address),
            ("bt_header_dendrite_signature", SignatureText.encode(signature)),
        ]
        self.headers += inputs.map { ("bt_header_input_obj_\($0)", "IiI=") }
        self.headers += [
            ("header_size", "464"), ("total_size", "3139"), ("computed_body_hash", bodyHash),
            ("Content-Type", "application/json"),
        ]
        self.contentLength = self.body.utf8.count
    }

    /// The value of a header.
    subscript(name: String) -> String? {
        get { self.headers.first { $0.name == name }?.value }
        set {
            let index = self.headers.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): self.headers[index].value = value
            case (let index?, nil): self.headers.remove(at: index)
            case (nil, let value?): self.headers.append((name, value))
            case (nil, nil): break
            }
        }
    }

    /// Another body, with its length.
    mutating func set(body: String) {
        self.body = body
        self.contentLength = body.utf8.count
    }

    /// The bytes of its head.
    var head: String {
        var text = "\(self.method) \(self.path) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        for (name, value) in self.headers { text += "\(name): \(value)\r\n" }
        if let contentLength { text += "Content-Length: \(contentLength)\r\n" }
        return text + "\r\n"
    }

    /// All of it.
    var text: String { self.head + self.body }
}

extension SignedRequest {
    /// A request of `btauth/1` (SDK 11), made from the specification.
    static func btauth(
        from key: Keypair, to receiver: String, nonce: Int64, path: String = "/Echo",
        body: String = #"{"message": "hello", "count": 1}"#
    ) throws -> SignedRequest {
        let hash = SHA256.hash(data: Array(body.utf8)).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
        let payload = [
            "btauth/1", key.scheme.description, "POST", path, hash, "\(nonce)", key.ss58Address, receiver,
        ].joined(separator: "\n")
        var request = try SignedRequest(from: key, to: receiver, nonce: nonce)
        request.path = path
        request.headers = [
            ("X-Bittensor-Version", "1"), ("X-Bittensor-Hotkey", key.ss58Address),
            ("X-Bittensor-Nonce", "\(nonce)"),
            ("X-Bittensor-Signature", SignatureText.encode(try key.sign(Array(payload.utf8)))),
            ("X-Bittensor-Receiver", receiver), ("Content-Type", "application/json"),
        ]
        if key.scheme == .ed25519 { request.headers.append(("X-Bittensor-Crypto", "ed25519")) }
        request.set(body: body)
        return request
    }
}
