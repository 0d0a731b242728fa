/// What one end of an exchange says of itself: `axon` is the server, `dendrite` the client. All members may
/// be absent; on the wire they are `bt_header_axon_*` and `bt_header_dendrite_*` headers and two objects in
/// the body.
public struct TerminalInfo: Sendable, Hashable {
    /// HTTP status of the exchange.
    public var statusCode: Int?
    /// Text that goes with the status.
    public var statusMessage: String?
    /// Seconds that the server, or the whole exchange, took.
    public var processTime: Double?
    /// Address without port.
    public var ip: String?
    /// TCP port.
    public var port: Int?
    /// Version of the software as one number; see ``BittensorVersion``.
    public var version: Int?
    /// Nanoseconds since 1970 on the clock of this end; older peers count from their start.
    public var nonce: Int?
    /// Names the process.
    public var uuid: String?
    /// SS58 address of the hotkey.
    public var hotkey: String?
    /// `0x` and the hexadecimal signature by the hotkey.
    public var signature: String?

    /// A terminal; members that are left out are absent.
    public init(
        statusCode: Int? = nil, statusMessage: String? = nil, processTime: Double? = nil, ip: String? = nil,
        port: Int? = nil, version: Int? = nil, nonce: Int? = nil, uuid: String? = nil, hotkey: String? = nil,
        signature: String? = nil
    ) {
        self.statusCode = statusCode
        self.statusMessage = statusMessage
        self.processTime = processTime
        self.ip = ip
        self.port = port
        self.version = version
        self.nonce = nonce
        self.uuid = uuid
        self.hotkey = hotkey
        self.signature = signature
    }
}

extension TerminalInfo: Codable {
    enum CodingKeys: String, CodingKey {
        case statusCode = "status_code"
        case statusMessage = "status_message"
        case processTime = "process_time"
        case ip, port, version, nonce, uuid, hotkey, signature
    }
}

// MARK: - Wire

extension TerminalInfo {
    /// The members in the order of the wire, each with its type.
    static let fields: [SynapseField] = [
        .optional("status_code", .int), .optional("status_message", .string),
        .optional("process_time", .float), .optional("ip", .string), .optional("port", .int),
        .optional("version", .int), .optional("nonce", .int), .optional("uuid", .string),
        .optional("hotkey", .string), .optional("signature", .string),
    ]

    /// The object of the body: all ten members, `null` where absent.
    var json: JSONValue {
        var object = JSONObject()
        for field in Self.fields { object[field.name] = self[field.name] ?? .null }
        return .object(object)
    }

    /// A member by its name on the wire.
    subscript(name: String) -> JSONValue? {
        get {
            switch name {
            case "status_code": self.statusCode.map(JSONValue.int)
            case "status_message": self.statusMessage.map(JSONValue.string)
            case "process_time": self.processTime.map(JSONValue.double)
            case "ip": self.ip.map(JSONValue.string)
            case "port": self.port.map(JSONValue.int)
            case "version": self.version.map(JSONValue.int)
            case "nonce": self.nonce.map(JSONValue.int)
            case "uuid": self.uuid.map(JSONValue.string)
            case "hotkey": self.hotkey.map(JSONValue.string)
            case "signature": self.signature.map(JSONValue.string)
            default: nil
            }
        }
        set {
            switch name {
            case "status_code": self.statusCode = newValue?.intValue
            case "status_message": self.statusMessage = newValue?.stringValue
            case "process_time": self.processTime = newValue?.doubleValue
            case "ip": self.ip = newValue?.stringValue
            case "port": self.port = newValue?.intValue
            case "version": self.version = newValue?.intValue
            case "nonce": self.nonce = newValue?.intValue
            case "uuid": self.uuid = newValue?.stringValue
            case "hotkey": self.hotkey = newValue?.stringValue
            case "signature": self.signature = newValue?.stringValue
            default: break
            }
        }
    }

    /// Reads the object of a body; unknown members are ignored.
    init(body: JSONValue, named name: String) throws(BodyError) {
        self.init()
        guard case .object(let members) = body else { throw .invalid("\(name): expected an object") }
        for field in Self.fields {
            guard let given = members[field.name] else { continue }
            guard let value = field.coerced(given) else {
                throw .invalid("\(name).\(field.name): \(given.kind) is no \(field.shape.rawValue)")
            }
            if case .bigInteger = value { throw .invalid("\(name).\(field.name): beyond 64 bits") }
            self[field.name] = value.isNull ? nil : value
        }
    }
}
