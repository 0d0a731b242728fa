internal import BittensorCore

/// How a tenant logs in: what the member `info` of an answer decrypts to.
///
/// Compact JSON: `username`, `password`, `port`, `version` as the reference has them, and `host_key` after
/// them. One block of RSA-OAEP with a key of 2048 bits holds 190 bytes, so the whole is short.
public struct LeaseCredentials: Sendable, Hashable {
    /// The account in the container.
    public var username: String
    /// Its password; empty where only a key opens it.
    public var password: String
    /// The port of SSH on the miner.
    public var port: Int
    /// The version of the miner as an int.
    public var version: Int
    /// The fingerprint of the host key of this lease, `SHA256:…`; `nil` from miners that do not say.
    public var hostKey: String?

    /// Most bytes of the JSON: one block of a key of 2048 bits with SHA-256.
    public static let bytesMax = 190

    /// Credentials from their parts.
    public init(username: String, password: String, port: Int, version: Int, hostKey: String? = nil) {
        self.username = username
        self.password = password
        self.port = port
        self.version = version
        self.hostKey = hostKey
    }

    /// The JSON that is encrypted.
    ///
    /// - Throws: ``ComputeError`` with `failed` when it is longer than ``bytesMax``.
    public func encoded() throws(ComputeError) -> [UInt8] {
        var object: JSONObject = [
            "username": .string(self.username), "password": .string(self.password), "port": .int(self.port),
            "version": .int(self.version),
        ]
        object["host_key"] = self.hostKey.map { .string($0) }
        guard let text = try? JSONValue.object(object).text(), text.utf8.count <= Self.bytesMax else {
            throw ComputeError(.failed, "The credentials have more than \(Self.bytesMax) bytes.")
        }
        return Array(text.utf8)
    }

    /// The credentials of some decrypted bytes.
    ///
    /// - Throws: ``ComputeError`` with `malformedRequest`.
    public init(_ bytes: [UInt8]) throws(ComputeError) {
        guard bytes.count <= 1024, let text = String(validating: bytes, as: UTF8.self),
            let json = try? JSONValue(parsing: text)
        else { throw ComputeError(.malformedRequest, "info holds no JSON object.") }
        let reader = try FieldReader(json, "info")
        self.init(
            username: try reader.text("username", bytesMax: 64, default: "root"),
            password: try reader.text("password", bytesMax: 128, default: ""),
            port: try reader.int("port", in: 0...65535, default: 0),
            version: try reader.int("version", in: 0...Int(UInt32.max), default: 0),
            hostKey: reader.has("host_key")
                ? try reader.text("host_key", bytesMax: 128, default: "") : nil)
    }
}

/// Tells that there are credentials, not which: they are not for logs.
extension LeaseCredentials: CustomStringConvertible, CustomDebugStringConvertible {
    public var description: String { "\(self.username)@:\(self.port)" }
    public var debugDescription: String { self.description }
}
