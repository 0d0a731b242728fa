internal import AccountKeys
internal import NIOCore
internal import Testing

@testable internal import BittensorCore

@Suite struct DendriteTests {
    /// Exchanges with the synapse that a real dendrite made of the reply.
    static func results() throws -> [CapturedExchange] {
        try SynapseCodecTests.all().filter {
            $0.isFromDendrite && $0.request != nil && $0.response != nil
                && $0.response?.headers.first("content-type") == "application/json"
        }
    }

    @Test(arguments: try results()) func mergesAsTheRealClient(exchange: CapturedExchange) throws {
        let type = try SynapseCodecTests.type((exchange.request?.target.dropFirst()).map(String.init))
        try Self.check(type, exchange)
    }

    static func check<S: Synapse>(_ type: S.Type, _ exchange: CapturedExchange) throws {
        let request = try #require(exchange.request)
        let response = try #require(exchange.response)
        let result = try #require(exchange.dendriteResult)
        var synapse = try AnySynapse(body: request.body, schema: type.schema).synapse(as: type)
        DendriteReply.merge(
            status: response.status, headers: response.headers, body: response.body, into: &synapse,
            elapsed: 0.5)
        #expect(synapse.head.dendrite.statusCode == result["dendrite_status_code"]?.intValue)
        #expect(synapse.head.dendrite.statusMessage == result["dendrite_status_message"]?.stringValue)
        #expect(synapse.isSuccess == result["is_success"]?.boolValue)
        #expect(synapse.isTimeout == result["is_timeout"]?.boolValue)
        #expect(synapse.isBlacklisted == result["is_blacklist"]?.boolValue)
        #expect(synapse.failedVerification == result["failed_verification"]?.boolValue)
        let json = try AnySynapse(synapse).json
        #expect(json["axon"] == result["axon"])
        var dendrite = try #require(result["dendrite"]?.objectValue)
        dendrite["process_time"] = 0.5
        #expect(json["dendrite"] == .object(dendrite))
        for (name, value) in try #require(result["fields"]?.objectValue) where name != "total_size" {
            #expect(json[name] == value, "\(name)")
        }
    }

    @Test func failures() throws {
        let cases: [(DendriteFailure, Int, String)] = [
            (
                .cannotConnect(ip: "127.0.0.1", port: 1, name: "Echo"), 503,
                "Service unavailable at 127.0.0.1:1/Echo"
            ),
            (.timedOut(seconds: 1), 408, "Request timeout after 1.0 seconds"),
            (.disconnected, 503, "Service disconnected: Server disconnected"),
            (.payload("p"), 400, "Payload error: p"), (.client("c"), 500, "Client error: c"),
            (.serverTimeout("s"), 504, "Server timeout error: s"),
            (.response(status: 502, "r"), 502, "Client response error: r"),
            (.parse("x"), 422, "Failed to parse response: x"),
        ]
        for (failure, status, message) in cases {
            var echo = Echo(message: "kept")
            DendriteReply.fail(failure, &echo)
            #expect(echo.head.dendrite.statusCode == status && echo.head.dendrite.statusMessage == message)
            #expect(echo.head.axon.statusCode == nil && echo.message == "kept")
        }
        // What the captured client said of the two that it met.
        for (name, failure) in [
            ("conn_refused", cases[0].0), ("client_timeout", cases[1].0),
        ] {
            let exchange = try #require(try CapturedExchange.all("10.5.0").first { $0.name == name })
            #expect(exchange.dendriteResult?["dendrite_status_code"]?.intValue == failure.status)
            #expect(exchange.dendriteResult?["dendrite_status_message"]?.stringValue == failure.message)
        }
    }

    static func merged(_ status: Int, _ headers: HeaderList, _ body: String) -> Echo {
        var echo = Echo(message: "sent")
        echo.head.axon.ip = "192.0.2.1"
        DendriteReply.merge(
            status: status, headers: headers, body: ByteBuffer(string: body), into: &echo, elapsed: 1)
        return echo
    }

    @Test(arguments: [
        (200, "{"), (200, "[]"), (200, "{}"), (200, #"{"message":1}"#), (500, "[]"), (500, ""),
        (200, String(repeating: "[", count: 99_999)),
    ]) func unreadableRepliesAreStatus422AndChangeNothing(status: Int, body: String) {
        let echo = Self.merged(status, HeaderList(), body)
        #expect(echo.head.dendrite.statusCode == 422)
        #expect(
            echo.message == "sent" && echo.head.axon.statusCode == nil && echo.head.axon.ip == "192.0.2.1")
    }

    @Test func theStatusOfHTTPCounts() {
        let headers = HeaderList([
            HeaderField("content-type", "application/json"), HeaderField("bt_header_axon_status_code", "200"),
            HeaderField("bt_header_axon_status_message", "Success"),
        ])
        let echo = Self.merged(500, headers, #"{"message":"broken"}"#)
        #expect(!echo.isSuccess && echo.head.dendrite.statusCode == 500)
        let text = Self.merged(500, HeaderList([HeaderField("content-type", "text/plain")]), "x")
        #expect(text.head.dendrite.statusCode == 422)
        let detail = Self.merged(405, HeaderList(), #"{"detail":"Method Not Allowed"}"#)
        #expect(detail.head.dendrite.statusCode == 405 && detail.head.dendrite.statusMessage == nil)
    }

    @Test func aRequestIsWhatARealClientWouldSend() throws {
        var echo = Echo(message: "hello", count: 3)
        let request = try DendriteRequest(
            &echo, to: AxonInfo(version: 0, ip: "127.0.0.1", port: 18092, hotkey: TestKeys.axonAddress),
            from: DendriteIdentity(ip: "198.51.100.10", uuid: "ec49b69a-e59f-11f1-994a-02fc00000001"),
            nonce: 1_795_261_045_201_239_009, timeout: 12, signer: try TestKeys.dendrite())
        let captured = try #require(try CapturedExchange.all("10.5.0").first { $0.name == "echo" }?.request)
        func comparable(_ headers: HeaderList) -> [HeaderField] {
            let random: Set = ["bt_header_dendrite_signature", "total_size", "header_size"]
            return headers.fields.filter {
                $0.name.hasPrefix("bt_") || $0.name == "name" || $0.name == "timeout"
            }
            .map { random.contains($0.name) ? HeaderField($0.name, "*") : $0 }
        }
        #expect(comparable(request.headers) == comparable(captured.headers))
        var body = try #require(try JSONValue(parsing: request.body).objectValue)
        var expected = try #require(try JSONValue(parsing: captured.body).objectValue)
        #expect(body.names == expected.names)
        body["total_size"] = nil
        expected["total_size"] = nil
        for key in ["dendrite"] {
            guard case .object(var ours)? = body[key], case .object(var theirs)? = expected[key] else {
                continue
            }
            #expect(ours.names == theirs.names)
            (ours["signature"], theirs["signature"]) = (nil, nil)
            (body[key], expected[key]) = (.object(ours), .object(theirs))
        }
        #expect(body == expected)
        #expect(request.target == "/Echo" && request.headers.last("content-type") == "application/json")
    }

    @Test func classicHeadersWantSr25519() throws {
        #expect(throws: BittensorError.self) {
            try SignedRequest(Echo(message: "x"), authentication: .synapse, scheme: .ed25519)
        }
        #expect(throws: BittensorError.self) {
            try SignedRequest(Echo(message: "x"), authentication: .both, scheme: .ed25519)
        }
        let request = try SignedRequest(Echo(message: "x"), authentication: .btauth1)
        #expect(request.head.headers.first("bt_header_dendrite_signature") == nil)
    }

    @Test func streamsEndInASynapse() throws {
        let exchange = try #require(try CapturedExchange.all("10.5.0").first { $0.name == "stream" })
        let response = try #require(exchange.response)
        var stream = Stream(prompt: "go")
        for chunk in ["alpha ", "be", "ta gamma"] { stream.received(ByteBuffer(string: chunk)) }
        DendriteReply.mergeStream(status: 200, headers: response.headers, into: &stream, elapsed: 0.5)
        #expect(stream.isSuccess && stream.completion == "alpha beta gamma")
        #expect(stream.head.axon.statusMessage == "Success")
    }
}
