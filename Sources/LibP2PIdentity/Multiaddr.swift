internal import Multiformats

/// A network address that names each of its protocols: `/ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…`.
///
/// Holds the canonical binary form (that of `unix` has an absolute path), so equality and hashing compare
/// bytes; components are read from it when asked for.
/// - Source: <https://github.com/multiformats/multiaddr>
/// - Limits: ``IdentityLimits/addressTextBytesMax``, ``IdentityLimits/addressBytesMax``,
///   ``IdentityLimits/addressComponentsMax``; at least one component; `unix` stands last.
public struct Multiaddr: Sendable, Hashable, CustomStringConvertible {
    /// The binary form: the components one after another.
    public let bytes: [UInt8]

    /// Reads the binary form.
    ///
    /// - Throws: `.unknownProtocol`, `.malformedAddress`, `.malformedPeerID`, `.limitExceeded`.
    public init(bytes: [UInt8]) throws(IdentityError) {
        guard bytes.count <= IdentityLimits.addressBytesMax else {
            throw IdentityError(
                .limitExceeded, "an address of \(bytes.count) bytes exceeds \(IdentityLimits.addressBytesMax)"
            )
        }
        try self.init(try Self.components(of: bytes))
    }

    /// Reads text. A slash at the end is ignored, except that a `unix` path keeps it.
    ///
    /// - Throws: `.unknownProtocol`, `.malformedAddress`, `.malformedPeerID`, `.limitExceeded`.
    public init(_ text: String) throws(IdentityError) {
        guard text.utf8.count <= IdentityLimits.addressTextBytesMax else {
            throw IdentityError(
                .limitExceeded,
                "an address is longer than \(IdentityLimits.addressTextBytesMax) bytes of text")
        }
        var rest = text.utf8[...]
        var components: [Component] = []
        let slash = UInt8(ascii: "/")
        guard rest.first == slash else {
            throw IdentityError(
                .malformedAddress,
                "\"\(Self.excerpt(text))\" does not begin with a slash, as in /ip4/127.0.0.1/tcp/80")
        }
        while rest.contains(where: { $0 != slash }) {
            guard components.count < IdentityLimits.addressComponentsMax else {
                throw IdentityError(
                    .limitExceeded,
                    "an address has more than \(IdentityLimits.addressComponentsMax) components")
            }
            let name = Self.segment(&rest)
            guard let proto = MultiaddrProtocol(name: name) else {
                throw IdentityError(.unknownProtocol, "no protocol is called \"\(Self.excerpt(name))\"")
            }
            switch proto.content {
            case .nothing:
                components.append(try Component(proto, value: []))
            case .path:
                components.append(try Component(proto, text: String(rest) ?? ""))
                rest = rest[rest.endIndex...]
            default:
                guard !rest.isEmpty else {
                    throw IdentityError(
                        .malformedAddress, "an address ends behind /\(proto), which needs a value")
                }
                components.append(try Component(proto, text: Self.segment(&rest)))
            }
        }
        try self.init(components)
    }

    /// Joins components.
    ///
    /// - Throws: `.malformedAddress` for none or for one behind `unix`, `.limitExceeded`.
    public init(_ components: [Component]) throws(IdentityError) {
        try Self.check(components)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(components.reduce(0) { $0 + $1.value.count + 4 })
        for component in components {
            Varint.append(UInt64(component.protocol.code), to: &bytes)
            if component.protocol.content.byteCount == nil {
                Varint.append(UInt64(component.value.count), to: &bytes)
            }
            bytes.append(contentsOf: component.value)
        }
        guard bytes.count <= IdentityLimits.addressBytesMax else {
            throw IdentityError(
                .limitExceeded, "an address of \(bytes.count) bytes exceeds \(IdentityLimits.addressBytesMax)"
            )
        }
        self.bytes = bytes
    }

    /// The components, in order; at least one.
    public var components: [Component] {
        // The bytes were checked when this value was made.
        (try? Self.components(of: bytes)) ?? []
    }

    /// The text.
    public var description: String { components.map(\.description).joined() }

    /// Hashes the binary form in one step.
    public func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    /// Takes `/segment` off the front of `rest` and returns `segment`, which may be empty.
    private static func segment(_ rest: inout Substring.UTF8View) -> String {
        let body = rest.dropFirst()
        let end = body.firstIndex(of: UInt8(ascii: "/")) ?? body.endIndex
        rest = rest[end...]
        return String(body[..<end]) ?? ""
    }

    /// The start of text that a peer may control, fit for a message.
    static func excerpt(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(64).map { scalar in
            scalar.value >= 0x20 && scalar.value < 0x7f ? Character(scalar) : "?"
        }
        return String(shown)
    }

    private static func check(_ components: [Component]) throws(IdentityError) {
        guard !components.isEmpty else { throw IdentityError(.malformedAddress, "an address is empty") }
        guard components.count <= IdentityLimits.addressComponentsMax else {
            throw IdentityError(
                .limitExceeded, "an address has more than \(IdentityLimits.addressComponentsMax) components")
        }
        // Text could not tell what follows from the path.
        guard !components.dropLast().contains(where: { $0.protocol.content == .path }) else {
            throw IdentityError(
                .malformedAddress, "an address goes on behind /unix, whose path fills the rest")
        }
    }

    private static func components(of bytes: [UInt8]) throws(IdentityError) -> [Component] {
        var components: [Component] = []
        var index = 0
        while index < bytes.count {
            guard components.count < IdentityLimits.addressComponentsMax else {
                throw IdentityError(
                    .limitExceeded,
                    "an address has more than \(IdentityLimits.addressComponentsMax) components")
            }
            let code = try varint(bytes, at: &index)
            guard let proto = MultiaddrProtocol(code: code) else {
                throw IdentityError(.unknownProtocol, "no protocol has the code \(code)")
            }
            let length: UInt64
            if let count = proto.content.byteCount {
                length = UInt64(count)
            } else {
                length = try varint(bytes, at: &index)
            }
            guard length <= UInt64(bytes.count - index) else {
                throw IdentityError(
                    .malformedAddress,
                    "an address ends inside /\(proto): \(bytes.count - index) of \(length) bytes")
            }
            components.append(try Component(proto, value: Array(bytes[index..<index + Int(length)])))
            index += Int(length)
        }
        return components
    }

    private static func varint(_ bytes: [UInt8], at index: inout Int) throws(IdentityError) -> UInt64 {
        do {
            return try Varint.decode(bytes, at: &index)
        } catch {
            throw IdentityError(.malformedAddress, "a number in an address is broken", cause: error)
        }
    }
}
