import Bittensor
import BittensorCore
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What an axon makes of requests that no honest client sends: a documented status each, and bounded memory.
@Suite(.timeLimit(.minutes(2))) struct AxonBadInputTests {
    /// What is done to one header.
    enum Damage: String, CaseIterable, Sendable {
        case missing, doubled, oversized, notUTF8, empty
    }

    /// One header and what strict and compatible answer to each damage, in the order of ``Damage/allCases``.
    struct Row: Sendable, CustomTestStringConvertible {
        var header: String
        var strict: [Int]
        var compatible: [Int]
        var testDescription: String { self.header }
    }

    static let rows = [
        Row(header: "name", strict: [200, 400, 431, 400, 200], compatible: [200, 200, 431, 200, 200]),
        Row(header: "timeout", strict: [200, 400, 431, 400, 400], compatible: [200, 200, 431, 500, 500]),
        Row(
            header: "bt_header_axon_ip", strict: [200, 400, 431, 400, 200],
            compatible: [200, 200, 431, 200, 200]),
        Row(
            header: "bt_header_axon_port", strict: [200, 400, 431, 400, 400],
            compatible: [200, 200, 431, 500, 500]),
        Row(
            header: "bt_header_axon_hotkey", strict: [200, 400, 431, 400, 401],
            compatible: [200, 200, 431, 200, 200]),
        Row(
            header: "bt_header_dendrite_ip", strict: [200, 400, 431, 400, 200],
            compatible: [200, 200, 431, 200, 200]),
        Row(
            header: "bt_header_dendrite_version", strict: [200, 400, 431, 400, 400],
            compatible: [200, 200, 431, 500, 500]),
        Row(
            header: "bt_header_dendrite_nonce", strict: [401, 400, 431, 400, 400],
            compatible: [401, 200, 431, 500, 500]),
        Row(
            header: "bt_header_dendrite_uuid", strict: [401, 400, 431, 400, 401],
            compatible: [401, 200, 431, 401, 401]),
        Row(
            header: "bt_header_dendrite_hotkey", strict: [401, 400, 431, 400, 401],
            compatible: [401, 200, 431, 401, 401]),
        Row(
            header: "bt_header_dendrite_signature", strict: [401, 400, 431, 400, 401],
            compatible: [401, 200, 431, 401, 401]),
        Row(
            header: "bt_header_input_obj_message", strict: [200, 400, 431, 400, 400],
            compatible: [500, 200, 431, 500, 500]),
        Row(
            header: "header_size", strict: [200, 400, 431, 400, 400], compatible: [200, 200, 431, 500, 500]),
        Row(header: "total_size", strict: [200, 400, 431, 400, 400], compatible: [200, 200, 431, 500, 500]),
        Row(
            header: "computed_body_hash", strict: [401, 400, 431, 400, 400],
            compatible: [401, 200, 431, 401, 401]),
        Row(
            header: "Content-Type", strict: [200, 200, 431, 415, 415], compatible: [200, 200, 431, 500, 500]),
    ]

    @Test(arguments: rows) func `every header missing, doubled, oversized, not UTF-8, empty`(row: Row)
        async throws
    {
        for (mode, expected) in [
            (AxonMode.strict(.init()), row.strict), (.compatible(.python105), row.compatible),
        ] {
            var configuration = Axon.Configuration()
            configuration.mode = mode
            try await Stage.with(configuration) { stage in
                var seen: [Int] = []
                for damage in Damage.allCases {
                    let bytes = Self.damaged(try stage.request(), row.header, damage)
                    seen.append(try await RawHTTP.send(bytes, port: stage.port).status)
                }
                #expect(seen == expected, "\(row.header)")
                // It still answers.
                let seen1 = try await stage.send(stage.request()).status
                #expect(seen1 == 200)
            }
        }
    }

    private static func damaged(_ request: SignedRequest, _ header: String, _ damage: Damage) -> [UInt8] {
        var request = request
        let value = request[header] ?? ""
        switch damage {
        case .missing: request[header] = nil
        case .doubled: request.headers.append((header, value))
        case .oversized: request[header] = String(repeating: "1", count: 9 << 10)
        case .empty: request[header] = ""
        case .notUTF8:
            request[header] = "§"
            // One byte of Latin-1 in place of the two of UTF-8.
            return Array(request.text.utf8).split(separator: [0xC2, 0xA7], maxSplits: 1).joined(separator: [
                0xA7
            ]).map {
                $0
            }
        }
        return Array(request.text.utf8)
    }

    /// Bodies behind a good signature, with the status of strict and of compatible mode.
    static let bodies: [(name: String, body: String, strict: Int, compatible: Int)] = [
        ("no JSON", "{\"message\": ", 400, 422), ("an array", "[1]", 400, 500), ("empty", "", 400, 500),
        ("a number", "7", 400, 500), ("a wrong type", #"{"message": "x", "count": [1]}"#, 400, 500),
        ("a missing member", "{}", 400, 500), ("null", #"{"message": null}"#, 400, 500),
        ("nested deeply", String(repeating: "[", count: 100_000), 413, 413),
        (
            "nested deeply and closed",
            #"{"message": "x", "extra": "# + String(repeating: "[", count: 5000)
                + String(repeating: "]", count: 5000) + "}", 413, 413
        ),
        ("half a character", "{\"message\": \"\\ud800\"}", 400, 400),
        (
            "a number of a thousand digits",
            "{\"message\": \"x\", \"count\": \(String(repeating: "9", count: 2000))}", 413, 413
        ),
    ]

    @Test(arguments: 0..<11) func `bodies that are no synapse`(index: Int) async throws {
        let (name, body, strict, compatible) = Self.bodies[index]
        for (mode, expected) in [(AxonMode.strict(.init()), strict), (.compatible(.python105), compatible)] {
            var configuration = Axon.Configuration()
            configuration.mode = mode
            try await Stage.with(configuration) { stage in
                var request = try stage.request()
                request.set(body: body)
                let seen2 = try await stage.send(request).status
                #expect(seen2 == expected, "\(name)")
                let seen3 = try await stage.send(stage.request()).status
                #expect(seen3 == 200)
            }
        }
    }

    @Test func `a gigabyte that is declared is refused before it is read`() async throws {
        try await Stage.with { stage in
            var request = try stage.request()
            request.contentLength = 1 << 30
            let head = request.head
            let reply = try await RawHTTP.send(head, port: stage.port)
            #expect(reply.status == 413)
            #expect(reply["connection"] == "close")
            // From somebody who has proven nothing not even that is looked at.
            var stranger = try stage.request()
            stranger["bt_header_dendrite_signature"] = nil
            stranger.contentLength = 1 << 30
            let refused = try await RawHTTP.send(stranger.head, port: stage.port)
            #expect(refused.status == 401)
        }
    }

    @Test func `a body without a length is counted while it comes`() async throws {
        var configuration = Axon.Configuration()
        configuration.limits.bodyBytesMax = 64 << 10
        try await Stage.with(configuration) { stage in
            var request = try stage.request()
            request.contentLength = nil
            request.headers.append(("Transfer-Encoding", "chunked"))
            let head = request.head
            let chunk = "4000\r\n" + String(repeating: " ", count: 0x4000) + "\r\n"
            let reply = try await RawHTTP.with(port: stage.port) { session in
                try await session.send(head)
                for _ in 0..<5 { try await session.send(chunk) }
                return try await session.reply()
            }
            #expect(reply.status == 413)
        }
    }

    @Test func `a body in chunks is a body`() async throws {
        try await Stage.with { stage in
            var request = try stage.request()
            request.contentLength = nil
            request.headers.append(("Transfer-Encoding", "chunked"))
            let (head, body) = (request.head, request.body)
            let reply = try await RawHTTP.with(port: stage.port) { session in
                try await session.send(head)
                for byte in body.utf8 { try await session.send("1\r\n\(Character(UnicodeScalar(byte)))\r\n") }
                try await session.send("0\r\n\r\n")
                return try await session.reply()
            }
            #expect(reply.status == 200)
        }
    }

    @Test func `a slow body is given up`() async throws {
        var configuration = Axon.Configuration()
        configuration.limits.bodyDeadline = .milliseconds(100)
        try await Stage.with(configuration) { stage in
            let request = try stage.request()
            let reply = try await RawHTTP.with(port: stage.port) { session in
                try await session.send(request.head + "{")
                return try await session.reply()
            }
            #expect(reply.status == 408)
            #expect(reply["connection"] == "close")
        }
    }

    @Test func `a head that never ends is cut`() async throws {
        var configuration = Axon.Configuration()
        configuration.limits.idleDeadline = .milliseconds(100)
        try await Stage.with(configuration) { stage in
            let rest = try await RawHTTP.with(port: stage.port) { session in
                try await session.send("POST /Echo HTTP/1.1\r\nname: Ec")
                // A reset is an end too.
                return (try? await session.rest()) ?? []
            }
            #expect(rest.isEmpty)
        }
    }

    @Test func `a body that ends early ends the connection`() async throws {
        try await Stage.with { stage in
            let request = try stage.request()
            let rest = try await RawHTTP.with(port: stage.port) { session in
                try await session.send(request.head + "{")
                session.finish()
                return try await session.rest()
            }
            #expect(rest.isEmpty || String(decoding: rest, as: UTF8.self).hasPrefix("HTTP/1.1 400"))
            let seen4 = try await stage.send(stage.request()).status
            #expect(seen4 == 200)
        }
    }

    @Test(arguments: [
        ("\0\u{1}\u{2}\r\n\r\n", 400), ("POST /Echo\r\n\r\n", 400), ("POST /Echo HTTP/3.7\r\n\r\n", 400),
        ("POST /Echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST /Echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST /Echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST /Echo HTTP/1.1\r\nname : Echo\r\n\r\n", 400),
    ])
    func `what is not HTTP is 400`(bytes: String, status: Int) async throws {
        try await Stage.with { stage in
            let reply = try await RawHTTP.send(bytes, port: stage.port)
            #expect(reply.status == status)
            #expect(reply["connection"] == "close")
            let seen5 = try await stage.send(stage.request()).status
            #expect(seen5 == 200)
        }
    }

    @Test func `too many headers, and too large ones, are 431`() async throws {
        try await Stage.with { stage in
            let many = (0..<200).map { "x-\($0): 1\r\n" }.joined()
            let seen6 = try await RawHTTP.send("POST /Echo HTTP/1.1\r\n\(many)\r\n", port: stage.port).status
            #expect(seen6 == 431)
            let large = String(repeating: "x", count: 64 << 10)
            let seen7 = try await RawHTTP.send("POST /Echo HTTP/1.1\r\nx: \(large)\r\n\r\n", port: stage.port)
                .status
            #expect(seen7 == 431)
        }
    }

    @Test func `strangers with large bodies cost no memory`() async throws {
        try await Stage.with { stage in
            let before = residentBytes()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<64 {
                    var request = try stage.request()
                    request["bt_header_dendrite_signature"] = "0x" + String(repeating: "00", count: 64)
                    request.contentLength = 4 << 20
                    let head = request.head
                    group.addTask {
                        try await RawHTTP.with(port: stage.port) { session in
                            try await session.send(head)
                            let reply = try await session.reply()
                            // It reads on for a while, so that the reply is not lost; it keeps nothing.
                            for _ in 0..<4 {
                                try? await session.send([UInt8](repeating: 0x20, count: 64 << 10))
                            }
                            return reply.status
                        }
                    }
                }
                for try await status in group { #expect(status == 401) }
            }
            #expect(residentBytes() - before < 64 << 20)
        }
    }
}

/// Bytes of memory that this process has resident.
func residentBytes() -> Int {
    #if canImport(Glibc)
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 256)
        guard fgets(&text, 256, file) != nil else { return 0 }
        let fields = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(getpagesize())
    #else
        return 0
    #endif
}
