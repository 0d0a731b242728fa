internal import NIOCore
internal import SubnetRPC
internal import Testing

@testable internal import BittensorCore

@Suite struct SynapseCodecTests {
    /// Exchanges of both versions.
    static func all() throws -> [CapturedExchange] {
        try ["9.12.2", "10.5.0"].flatMap { try CapturedExchange.all($0) }
    }

    /// Requests that a real dendrite wrote.
    static func requests() throws -> [CapturedExchange] {
        try self.all().filter { $0.isFromDendrite && $0.request != nil }
    }

    /// Successful replies that a real axon wrote.
    static func replies() throws -> [CapturedExchange] {
        try self.all().filter { $0.response?.text.hasPrefix("{\"name\"") ?? false }
    }

    /// Replies and the heads of streams.
    static func successes() throws -> [CapturedExchange] {
        try self.replies() + self.all().filter { $0.name == "stream" }
    }

    /// The type of a captured request.
    static func type(_ name: String?) throws -> any Synapse.Type {
        let name = try #require(name)
        return try #require(CapturedSynapses.type(name), "no synapse \(name)")
    }

    @Test(arguments: try requests()) func writesRequestBodiesByteForByte(exchange: CapturedExchange) throws {
        let request = try #require(exchange.request)
        let type = try Self.type(String(request.target.dropFirst()))
        #expect(try Self.roundTrip(type, request.body, .python) == request.text)
    }

    @Test(arguments: try replies()) func writesReplyBodiesByteForByte(exchange: CapturedExchange) throws {
        let response = try #require(exchange.response)
        let type = try Self.type(response.headers.first("name"))
        #expect(try Self.roundTrip(type, response.body, .compact) == response.text)
    }

    /// Body → untyped → the struct → untyped → body.
    static func roundTrip<S: Synapse>(_ type: S.Type, _ body: ByteBuffer, _ style: JSONStyle) throws -> String
    {
        let synapse = try AnySynapse(body: body, schema: type.schema).synapse(as: type)
        return String(buffer: try AnySynapse(synapse).body(style))
    }

    @Test(arguments: try requests()) func writesRequestHeadersInOrder(exchange: CapturedExchange) throws {
        let request = try #require(exchange.request)
        let type = try Self.type(String(request.target.dropFirst()))
        let synapse = try AnySynapse(body: request.body, schema: type.schema)
        let written = SynapseHeaders.encode(
            synapse, schema: type.schema, bodyHash: synapse.bodyHash(type.schema),
            totalSize: synapse.head.totalSize)
        #expect(Self.synapseOnly(written) == Self.synapseOnly(request.headers))
    }

    @Test(arguments: try successes())
    func writesReplyHeadersInOrder(exchange: CapturedExchange) throws {
        let response = try #require(exchange.response)
        let type = try Self.type(response.headers.first("name"))
        let request = try #require(exchange.request)
        let isStream = exchange.name == "stream"
        var synapse = try AnySynapse(
            body: isStream ? request.body : response.body, schema: type.schema)
        if isStream {
            synapse.head.axon.statusCode = 200
            synapse.head.axon.statusMessage = "Success"
            synapse.head.axon.processTime = response.headers.first("bt_header_axon_process_time").flatMap(
                Double.init)
        }
        let written = SynapseHeaders.encode(
            synapse, schema: type.schema, bodyHash: synapse.bodyHash(type.schema),
            totalSize: Int(response.headers.first("total_size") ?? "") ?? -1)
        #expect(Self.synapseOnly(written) == Self.synapseOnly(response.headers))
    }

    /// The headers of the protocol; Python's size of its own dictionary left out.
    static func synapseOnly(_ headers: HeaderList) -> [HeaderField] {
        let plain: Set = ["name", "timeout", "total_size", "computed_body_hash"]
        return headers.fields.filter { $0.name.hasPrefix("bt_header_") || plain.contains($0.name) }
    }

    @Test(arguments: try requests(), [SynapseHeaders.Rules.strict, .python])
    func readsRequestHeaders(exchange: CapturedExchange, rules: SynapseHeaders.Rules) throws {
        let request = try #require(exchange.request)
        let type = try Self.type(String(request.target.dropFirst()))
        if rules == .python, ["TensorReq", "Upper"].contains(type.name) {
            // Python cannot build these two of their headers, and neither do its rules here.
            #expect(throws: HeaderError.self) {
                try SynapseHeaders.decode(request.headers, schema: type.schema, rules: rules)
            }
            return
        }
        let synapse = try SynapseHeaders.decode(request.headers, schema: type.schema, rules: rules)
        let body = try AnySynapse(body: request.body, schema: type.schema)
        #expect(synapse.head.dendrite == body.head.dendrite)
        #expect(synapse.head.axon == body.head.axon)
        #expect(synapse.head.timeout == body.head.timeout)
        #expect(synapse.head.computedBodyHash == request.headers.first("computed_body_hash"))
        #expect(synapse.fields.names == type.schema.fields.map(\.name))
    }

    @Test func allCapturedSynapsesAreWellDeclared() throws {
        for type in CapturedSynapses.served {
            #expect(throws: Never.self) { try SynapseSchema.validate(type) }
        }
        struct Missing: Synapse {
            static let fields: [SynapseField] = []
            var head = SynapseHead()
            var other = 1
        }
        struct Wrong: Synapse {
            static let fields: [SynapseField] = [.optional("other", .string, default: "x")]
            var head = SynapseHead()
            var other = 1
        }
        struct BadDefault: Synapse {
            static let fields: [SynapseField] = [.optional("other", .int, default: "x")]
            var head = SynapseHead()
            var other = 1
        }
        struct Taken: Synapse {
            static let fields: [SynapseField] = [.optional("axon", .int, default: 1)]
            var head = SynapseHead()
        }
        struct Unhashable: Synapse {
            static let fields: [SynapseField] = []
            static let requiredHashFields = ["x"]
            var head = SynapseHead()
        }
        for type: any Synapse.Type in [
            Missing.self, Wrong.self, BadDefault.self, Taken.self, Unhashable.self,
        ] {
            #expect(throws: BittensorError.self, "\(type)") { try SynapseSchema.validate(type) }
        }
    }

    @Test func absentMembersAreFilledInAndUnknownOnesIgnored() throws {
        let echo = try AnySynapse(json: ["message": "m", "zzz": 1, "count": "42"], schema: Echo.schema)
            .synapse(as: Echo.self)
        #expect(echo.message == "m" && echo.count == 42 && echo.reply == nil)
        #expect(echo.head.name == "Echo" && echo.head.timeout == 12 && echo.head.dendrite == TerminalInfo())
    }

    @Test(
        arguments: [
            [1, 2], [:], ["message": nil], ["message": 1], ["message": "m", "count": "x"],
            ["message": "m", "count": nil], ["message": "m", "dendrite": 1],
            ["message": "m", "axon": ["port": []]],
            ["message": "m", "timeout": "soon"],
            ["message": "m", "dendrite": ["nonce": 18_446_744_073_709_551_617.0]],
            ["message": "m", "computed_body_hash": 1],
        ] as [JSONValue]) func refusesWrongBodies(body: JSONValue)
    {
        #expect(throws: BodyError.self) { try AnySynapse(json: body, schema: Echo.schema) }
    }

    @Test func oneServiceOnEveryWire() throws {
        enum Demo: RPCService {
            static let name = "Demo"
            static let echo = synapse(Echo.self)
            static let stream = streamingSynapse(Stream.self)
            static let methods = [echo.erased, stream.erased]
        }
        #expect(Demo.echo.descriptor.id(on: .native) == "/subnet/rpc/1.0.0/Demo.Echo")
        #expect(Demo.echo.descriptor.id(on: .synapse) == "Echo")
        #expect(Demo.stream.descriptor.id(on: .synapse) == "Stream")
        #expect(Echo.method.descriptor.id(on: .synapse) == "Echo")
        var echo = Echo(message: "hi")
        echo.head.axon.statusCode = 418
        let read = try Echo.coding.decode(try Echo.coding.encode(echo))
        #expect(read.message == "hi" && read.head.axon.statusCode == 418 && read.head.name == "Echo")
        let short = try Echo.coding.decode(ByteBuffer(string: #"{"message":"x"}"#))
        #expect(short.count == 1)
    }
}
