internal import NIOCore
internal import Testing

@testable internal import BittensorCore

@Suite struct HeaderRulesTests {
    static let plain = HeaderList([
        HeaderField("timeout", "12.0"), HeaderField("bt_header_dendrite_nonce", "5"),
        HeaderField("bt_header_input_obj_message", "IiI="),
    ])

    func decode(_ extra: [HeaderField], _ rules: SynapseHeaders.Rules) throws -> AnySynapse {
        var headers = Self.plain
        for field in extra { headers.add(field.name, field.value) }
        return try SynapseHeaders.decode(headers, schema: Echo.schema, rules: rules)
    }

    @Test func pythonTakesTheLastOfRepeatedTerminalHeadersAndTheFirstOfOthers() throws {
        let synapse = try self.decode(
            [HeaderField("BT_Header_Dendrite_Nonce", " 1_0 "), HeaderField("Timeout", "1.0")], .python)
        #expect(synapse.head.dendrite.nonce == 10)
        #expect(synapse.head.timeout == 12)
    }

    @Test(arguments: [
        HeaderField("bt_header_dendrite_nonce", "1"), HeaderField("TIMEOUT", "1.0"),
        HeaderField("bt_header_input_obj_message", "IiI="), HeaderField("bt_header_axon_port", "70000"),
        HeaderField("bt_header_dendrite_uuid", "caf\u{e9}"), HeaderField("bt_header_dendrite_version", "+1"),
        HeaderField("bt_header_dendrite_hotkey", String(repeating: "5", count: 65)),
        HeaderField("bt_header_dendrite_uuid", String(repeating: "u", count: 129)),
        HeaderField("computed_body_hash", "abc"), HeaderField("total_size", "x"),
        HeaderField("header_size", "1.5"),
        HeaderField("x", String(repeating: "v", count: 9000)),
    ]) func strictRefuses(field: HeaderField) {
        #expect(throws: HeaderError.self) { try self.decode([field], .strict) }
    }

    @Test(arguments: ["nan", "-1", "inf", "1e400", "soon"]) func strictWantsASoberTimeout(text: String) {
        #expect(throws: HeaderError.self) {
            try SynapseHeaders.decode(
                HeaderList([HeaderField("timeout", text)]), schema: Specs.schema, rules: .strict)
        }
    }

    @Test func boundsNumberAndSizeOfHeaders() throws {
        let many = (0..<200).map { HeaderField("x-\($0)", "v") }
        let big = (0..<20).map { HeaderField("x-\($0)", String(repeating: "v", count: 4000)) }
        for fields in [many, big] {
            let error = try #require(throws: HeaderError.self) { try self.decode(fields, .python) }
            #expect(error.isTooLarge)
        }
    }

    @Test func strictNeedsNoEmptyValues() throws {
        let synapse = try SynapseHeaders.decode(HeaderList(), schema: Echo.schema, rules: .strict)
        #expect(synapse.fields["message"] == "")
        #expect(throws: HeaderError.self) {
            try SynapseHeaders.decode(HeaderList(), schema: Echo.schema, rules: .python)
        }
    }

    @Test func valuesAreOneLineOfASCII() throws {
        var synapse = AnySynapse(head: SynapseHead(name: "Specs"), fields: [:])
        synapse.head.axon.statusMessage = "caf\u{e9}\r\nX: \u{2603}"
        let headers = SynapseHeaders.encode(synapse, schema: Specs.schema, bodyHash: "", totalSize: 0)
        #expect(headers.first("bt_header_axon_status_message") == "caf???X: ?")
    }

    @Test func mergeTakesWhatIsReadable() {
        var head = SynapseHead(name: "Echo", dendrite: TerminalInfo(ip: "1.2.3.4", port: 7))
        SynapseHeaders.merge(
            HeaderList([
                HeaderField("bt_header_axon_status_code", "403"), HeaderField("bt_header_dendrite_port", "x"),
                HeaderField("bt_header_axon_process_time", "6.246e-05"),
                HeaderField("bt_header_axon_new", "1"),
            ]), into: &head)
        #expect(head.axon == TerminalInfo(statusCode: 403, processTime: 6.246e-05))
        #expect(head.dendrite.port == 7)
    }
}
