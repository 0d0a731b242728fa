/// Where a server listens and whose it is, as it stands on the chain and as callers address it.
public struct AxonInfo: Sendable {
    /// Version of the software; see ``BittensorVersion``.
    public var version: Int
    /// Address in text, without port.
    public var ip: String
    /// TCP port.
    public var port: Int
    /// 4 or 6; 0 where there is no address.
    public var ipType: Int
    /// SS58 address of the server's hotkey.
    public var hotkey: String
    /// SS58 address of the coldkey that owns it.
    public var coldkey: String
    /// 4, always.
    public var protocolNumber: Int
    /// 0; NI Compute: 1.
    public var placeholder1: Int
    /// 0; NI Compute: 2.
    public var placeholder2: Int

    /// A server's record.
    public init(
        version: Int, ip: String, port: Int, ipType: Int? = nil, hotkey: String, coldkey: String = "",
        protocolNumber: Int = 4, placeholder1: Int = 0, placeholder2: Int = 0
    ) {
        self.version = version
        self.ip = ip
        self.port = port
        self.ipType = ipType ?? IPAddress(ip).map { Int($0.family) } ?? 4
        self.hotkey = hotkey
        self.coldkey = coldkey
        self.protocolNumber = protocolNumber
        self.placeholder1 = placeholder1
        self.placeholder2 = placeholder2
    }

    /// The record of nothing, which Python makes of text that it cannot read.
    public static let none = AxonInfo(
        version: 0, ip: "", port: 0, ipType: 0, hotkey: "", coldkey: "", protocolNumber: 4)

    /// Whether the record has an address.
    public var isServing: Bool { self.ip != "0.0.0.0" }

    /// `/ipv4/203.0.113.5:8091`.
    public var ipText: String { "/ipv\(self.ipType)/\(self.ip):\(self.port)" }
}

/// Protocol and placeholders do not count, as in Python.
extension AxonInfo: Hashable {
    public static func == (left: AxonInfo, right: AxonInfo) -> Bool {
        left.version == right.version && left.ip == right.ip && left.port == right.port
            && left.ipType == right.ipType && left.hotkey == right.hotkey && left.coldkey == right.coldkey
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.ip)
        hasher.combine(self.port)
        hasher.combine(self.hotkey)
    }
}

extension AxonInfo: CustomStringConvertible {
    public var description: String {
        "AxonInfo( \(self.ipText), \(self.hotkey), \(self.coldkey), \(self.version) )"
    }

    private static let fields: [SynapseField] = [
        .optional("version", .int, default: 0), .optional("ip", .string, default: ""),
        .optional("port", .int, default: 0), .optional("ip_type", .int, default: 0),
        .optional("hotkey", .string, default: ""), .optional("coldkey", .string, default: ""),
        .optional("protocol", .int, default: 4), .optional("placeholder1", .int, default: 0),
        .optional("placeholder2", .int, default: 0),
    ]

    /// The record as JSON with Python's blanks, members in the order of the wire.
    public var text: String {
        // Neither numbers nor texts can be refused.
        (try? self.json.text(.python)) ?? ""
    }

    /// The members in the order of the wire.
    public var json: JSONValue {
        [
            "version": .int(self.version), "ip": .string(self.ip), "port": .int(self.port),
            "ip_type": .int(self.ipType), "hotkey": .string(self.hotkey), "coldkey": .string(self.coldkey),
            "protocol": .int(self.protocolNumber), "placeholder1": .int(self.placeholder1),
            "placeholder2": .int(self.placeholder2),
        ]
    }

    /// Reads ``text``; ``none`` for what is no such record, as Python does.
    public init(text: String) {
        let limits = JSONLimits(bytesMax: 16 << 10, depthMax: 8, valuesMax: 256)
        self = (try? JSONValue(parsing: text, limits: limits)).flatMap(AxonInfo.init(json:)) ?? .none
    }

    /// Reads ``json``; `nil` for what is no such record.
    public init?(json: JSONValue) {
        guard case .object(let object) = json else { return nil }
        var members: [String: JSONValue] = [:]
        for field in Self.fields {
            guard let value = field.coerced(object[field.name] ?? field.defaultValue ?? .null) else {
                return nil
            }
            members[field.name] = value
        }
        func int(_ name: String) -> Int { members[name]?.intValue ?? 0 }
        func text(_ name: String) -> String { members[name]?.stringValue ?? "" }
        self.init(
            version: int("version"), ip: text("ip"), port: int("port"), ipType: int("ip_type"),
            hotkey: text("hotkey"), coldkey: text("coldkey"), protocolNumber: int("protocol"),
            placeholder1: int("placeholder1"), placeholder2: int("placeholder2"))
    }
}
