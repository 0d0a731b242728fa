#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The headers by which a synapse travels beside its body.
public enum SynapseHeaders {
    static let axonPrefix = "bt_header_axon_"
    static let dendritePrefix = "bt_header_dendrite_"
    static let inputPrefix = "bt_header_input_obj_"

    /// How headers from outside are read.
    public struct Rules: Sendable, Hashable {
        /// Every name once, plain numbers, nothing out of its range; empty values of required fields may be
        /// missing, since they say nothing.
        public static let strict = Rules(isStrict: true)
        /// As Python reads: of repeated terminal headers the last counts, of the other names the first;
        /// numbers in any form that Python's `int` and `float` take.
        public static let python = Rules(isStrict: false)

        let isStrict: Bool
    }

    /// The headers of a request or a reply, in the order of the wire: `name`, `timeout`, the axon's, the
    /// dendrite's, an empty value for each required field, sizes, body hash.
    ///
    /// - Parameters:
    ///   - synapse: the head and the fields.
    ///   - schema: says which fields are required.
    ///   - bodyHash: the value of `computed_body_hash`.
    ///   - totalSize: the value of `total_size`; no peer looks at it.
    public static func encode(
        _ synapse: AnySynapse, schema: SynapseSchema, bodyHash: String, totalSize: Int
    ) -> HeaderList {
        var headers = HeaderList()
        let head = synapse.head
        headers.add("name", HeaderList.sanitized(head.name ?? "None"))
        headers.add("timeout", head.timeout.map(PythonText.float) ?? "None")
        self.add(head.axon, prefix: self.axonPrefix, to: &headers)
        self.add(head.dendrite, prefix: self.dendritePrefix, to: &headers)
        for field in schema.requiredFields {
            guard let dummy = self.dummy(of: synapse.fields[field.name]) else { continue }
            headers.add(self.inputPrefix + field.name, dummy)
        }
        // Python states the size of its own dictionary here; ours is the number of fields.
        headers.add("header_size", String(headers.fields.count))
        headers.add("total_size", String(totalSize))
        headers.add("computed_body_hash", bodyHash)
        return headers
    }

    private static func add(_ terminal: TerminalInfo, prefix: String, to headers: inout HeaderList) {
        for field in TerminalInfo.fields {
            guard let value = terminal[field.name] else { continue }
            headers.add(prefix + field.name, HeaderList.sanitized(PythonText.str(value)))
        }
    }

    /// The empty value of the type of a value, base64 of its JSON; `nil` for none.
    static func dummy(of value: JSONValue?) -> String? {
        switch value {
        case nil, .null?: nil
        case .string?: "IiI="
        case .int?, .bigInteger?: "MA=="
        case .double?: "MC4w"
        case .bool?: "ZmFsc2U="
        case .array?: "W10="
        case .object?: "e30="
        }
    }

    /// Reads the headers of a request. Fields hold the empty values of the headers, or their defaults; the
    /// data is in the body.
    public static func decode(
        _ headers: HeaderList, schema: SynapseSchema, rules: Rules, limits: SynapseLimits = .init()
    ) throws(HeaderError) -> AnySynapse {
        let raw = try self.sorted(headers, rules: rules, limits: limits)
        return AnySynapse(
            head: try self.head(raw, name: schema.name, rules: rules, limits: limits),
            fields: try self.fields(raw, schema: schema, rules: rules))
    }

    /// What the headers say beside the fields.
    static func head(
        _ raw: Sorted, name: String, rules: Rules, limits: SynapseLimits
    ) throws(HeaderError) -> SynapseHead {
        var head = SynapseHead(name: name, timeout: nil, computedBodyHash: nil)
        if let text = raw.plain["timeout"] {
            guard let timeout = PythonNumber.float(text),
                !rules.isStrict || (timeout.isFinite && timeout >= 0)
            else { throw HeaderError("timeout: no number of seconds") }
            head.timeout = timeout
        }
        head.totalSize = try self.size("total_size", raw.plain)
        head.headerSize = try self.size("header_size", raw.plain)
        head.computedBodyHash = raw.plain["computed_body_hash"]
        if rules.isStrict, let hash = head.computedBodyHash {
            guard hash.utf8.count == 64, hash.utf8.allSatisfy({ Hex.digit($0) != nil }) else {
                throw HeaderError("computed_body_hash: not 64 hexadecimal digits")
            }
        }
        head.axon = try self.terminal(raw.axon, prefix: self.axonPrefix, rules: rules, limits: limits)
        head.dendrite = try self.terminal(
            raw.dendrite, prefix: self.dendritePrefix, rules: rules, limits: limits)
        return head
    }

    /// What the headers say of the fields of a schema.
    static func fields(
        _ raw: Sorted, schema: SynapseSchema, rules: Rules
    ) throws(HeaderError) -> JSONObject {
        var fields = JSONObject()
        for field in schema.fields {
            fields[field.name] = try self.input(field, raw.inputs, rules: rules)
        }
        return fields
    }

    // MARK: Sorting

    /// The headers of the protocol by what they are for.
    struct Sorted: Sendable {
        var plain: [String: String] = [:]
        var axon: [String: String] = [:]
        var dendrite: [String: String] = [:]
        var inputs: [String: String] = [:]
    }

    private static let plainNames: Set<String> = [
        "name", "timeout", "total_size", "header_size", "computed_body_hash",
    ]

    static func sorted(
        _ headers: HeaderList, rules: Rules, limits: SynapseLimits
    ) throws(HeaderError) -> Sorted {
        try headers.check(limits)
        var raw = Sorted()
        for field in headers.fields {
            let name = HeaderList.lowercased(field.name)
            var isRepeated = false
            if let member = self.member(name, self.axonPrefix) {
                isRepeated = raw.axon.updateValue(field.value, forKey: member) != nil
            } else if let member = self.member(name, self.dendritePrefix) {
                isRepeated = raw.dendrite.updateValue(field.value, forKey: member) != nil
            } else if let member = self.member(name, self.inputPrefix) {
                isRepeated = raw.inputs[member] != nil
                if !isRepeated { raw.inputs[member] = field.value }
            } else if self.plainNames.contains(name) {
                isRepeated = raw.plain[name] != nil
                if !isRepeated { raw.plain[name] = field.value }
            } else {
                continue
            }
            if rules.isStrict {
                guard !isRepeated else { throw HeaderError("\(name): occurs twice") }
                guard field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
                    throw HeaderError("\(HeaderList.sanitized(name)): not printable ASCII")
                }
            }
        }
        return raw
    }

    /// What follows a prefix.
    private static func member(_ name: String, _ prefix: String) -> String? {
        let (bytes, wanted) = (name.utf8, prefix.utf8)
        guard bytes.count >= wanted.count, bytes.starts(with: wanted) else { return nil }
        return String(Substring(bytes.dropFirst(wanted.count)))
    }

    private static func size(_ name: String, _ plain: [String: String]) throws(HeaderError) -> Int {
        guard let text = plain[name] else { return 0 }
        guard let size = PythonNumber.int(text) else { throw HeaderError("\(name): no whole number") }
        return size
    }

    // MARK: Terminals

    private static func terminal(
        _ members: [String: String], prefix: String, rules: Rules, limits: SynapseLimits
    ) throws(HeaderError) -> TerminalInfo {
        var terminal = TerminalInfo()
        for field in TerminalInfo.fields {
            guard let text = members[field.name] else { continue }
            let value: JSONValue? =
                switch field.shape {
                case .int: self.int(text, rules: rules).map(JSONValue.int)
                case .float: PythonNumber.float(text).map(JSONValue.double)
                default: .string(text)
                }
            guard let value else { throw HeaderError("\(prefix)\(field.name): no number") }
            terminal[field.name] = value
        }
        if rules.isStrict { try self.check(terminal, prefix: prefix, limits: limits) }
        return terminal
    }

    private static func int(_ text: String, rules: Rules) -> Int? {
        guard rules.isStrict else { return PythonNumber.int(text) }
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int(text)
    }

    private static func check(
        _ terminal: TerminalInfo, prefix: String, limits: SynapseLimits
    ) throws(HeaderError) {
        if let uuid = terminal.uuid, uuid.utf8.count > limits.uuidBytesMax {
            throw HeaderError("\(prefix)uuid: more than \(limits.uuidBytesMax) bytes", isTooLarge: true)
        }
        if let hotkey = terminal.hotkey, hotkey.utf8.count > 64 {
            throw HeaderError("\(prefix)hotkey: more than 64 bytes")
        }
        if let time = terminal.processTime, !time.isFinite {
            throw HeaderError("\(prefix)process_time: no number of seconds")
        }
        if let port = terminal.port, port > 65_535 { throw HeaderError("\(prefix)port: beyond 65535") }
    }

    // MARK: Empty values

    /// The value of a field as the headers give it.
    private static func input(
        _ field: SynapseField, _ inputs: [String: String], rules: Rules
    ) throws(HeaderError) -> JSONValue {
        // Python compares the lower-case name of the header with the name of the field.
        let key = rules.isStrict ? field.name.lowercased() : field.name
        guard let text = inputs[key] else {
            if let value = field.defaultValue { return value }
            guard rules.isStrict else { throw HeaderError("\(self.inputPrefix)\(field.name): is missing") }
            return SynapseSchema.emptyValue(of: field.shape)
        }
        let limits = JSONLimits(bytesMax: 8 << 10, depthMax: 8, valuesMax: 256)
        guard let data = Data(base64Encoded: text),
            let json = try? JSONValue(parsing: String(decoding: data, as: UTF8.self), limits: limits),
            let value = field.coerced(json)
        else { throw HeaderError("\(self.inputPrefix)\(field.name): no empty value of its type") }
        if !rules.isStrict, field.shape == .tensor {
            throw HeaderError("\(self.inputPrefix)\(field.name): an empty tensor")
        }
        return value
    }
}
