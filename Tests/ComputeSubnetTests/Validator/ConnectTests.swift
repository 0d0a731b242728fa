import BittensorCore
import ServiceLifecycle
import Testing

@testable import ComputeSubnet

/// `/connect` over a real connection.
@Suite(.timeLimit(.minutes(2))) struct ConnectTests {
    private static let miner = ValidatorBench.miners[0]

    @Test func `the keepalive is the reference's one`() async throws {
        let sleep = ManualSleep()
        try await APIServer.run(sleep: { try await sleep.sleep($0) }) { server in
            try await WebSocketPeer.with(port: server.port, as: "read") { peer in
                #expect(peer.status == 101)
                #expect(peer.head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
                for _ in 0..<5 {
                    try await sleep.wake(.seconds(30))
                    let text = try #require(try await peer.frame())
                    let time = Timestamp.text(nanoseconds: server.bench.clock.wallClock.now())
                    #expect(
                        String(decoding: text.payload, as: UTF8.self)
                            == #"{"type":"keepalive","payload":{"time":"\#(time)"}}"#)
                    let ping = try await peer.frame()
                    #expect(ping == .init(opcode: 9, payload: []))
                    try await peer.send(10)
                    server.bench.clock.advance(.seconds(30))
                    // What was sent has been taken when its answer is here.
                    try await peer.send(9, [7])
                    let pong = try await peer.frame()
                    #expect(pong == .init(opcode: 10, payload: [7]))
                }
            }
        }
    }

    @Test func `events of leases are pushed, and their names only to administrators`() async throws {
        try await APIServer.run { server in
            let made = try await server.send("POST", "/service/allocate_hotkey?hotkey=\(Self.miner)")
            let uuid = try #require(made.json["data"]?["uuid_key"]?.stringValue)
            let query = "?hotkey=\(Self.miner)&uuid_key=\(uuid)"
            try await WebSocketPeer.with(port: server.port, as: "admin") { admin in
                try await WebSocketPeer.with(port: server.port, as: "read") { reader in
                    #expect(admin.status == 101 && reader.status == 101)
                    for event in ["ONLINE", "OFFLINE"] {
                        let told = try await server.send("POST", "/test/notify\(query)&event=\(event)")
                        #expect(told.status == 200)
                        let payload = try #require(try await admin.frame()?.json?["payload"])
                        #expect(payload["status"] == .string(event) && payload["uuid"] == .string(uuid))
                        #expect(payload["hotkey"] == .string(Self.miner))
                        #expect(payload["status_change_at"] == payload["time"])
                        let open = try #require(try await reader.frame()?.json)
                        #expect(open["type"] == "lease" && open["payload"]?["status"] == .string(event))
                        #expect(open["payload"]?["hotkey"] == .string(Self.miner))
                        #expect(open["payload"]?["uuid"] == nil)
                    }
                    let ended = try await server.send("POST", "/service/deallocate\(query)&notify_flag=true")
                    #expect(ended.status == 200)
                    let payload = try #require(try await admin.frame()?.json?["payload"])
                    #expect(payload["status"] == "DEALLOCATION" && payload["deallocated_at"] != nil)
                }
            }
        }
    }

    @Test(
        arguments: [
            (nil, "/connect", [], 401), ("nobody", "/connect", [], 401),
            ("read", "/connect", [("Upgrade", nil), ("Sec-WebSocket-Key", nil)], 426),
            ("read", "/connect", [("Upgrade", nil)], 400), ("read", "/connect", [("Upgrade", "h2c")], 400),
            ("read", "/", [("Upgrade", "h2c")], 200), ("read", "/connect", [("Content-Length", "5")], 400),
            ("read", "/connect", [("Sec-WebSocket-Version", "8")], 400),
            ("read", "/connect", [("Sec-WebSocket-Key", nil)], 426), ("read", "/connect?x=1", [], 400),
            ("read", "/", [], 200), ("read", "/nowhere", [], 404),
            ("read", "/connect", [("Origin", "https://evil.example")], 403),
            ("read", "/connect", [("Origin", "null")], 403),
            ("read", "/connect", [("Origin", "https://127.0.0.1")], 101),
        ] as [(String?, String, [(String, String?)], Int)])
    func `only who may call is connected, and pages of other origins are not`(
        _ caller: String?, _ target: String, _ changes: [(String, String?)], _ status: Int
    ) async throws {
        try await APIServer.run { server in
            try await WebSocketPeer.with(
                port: server.port, as: caller, target: target, changing: changes
            ) { peer in
                #expect(peer.status == status, "\(peer.head)")
                if status == 426 {
                    #expect(peer.head.lowercased().contains("upgrade: websocket"))
                    #expect(peer.head.lowercased().contains("sec-websocket-version: 13"))
                }
            }
            if status != 101 { #expect(server.bench.hub.count == 0) }
        }
    }

    @Test func `places for WebSockets are bounded for each and for all, and come back`() async throws {
        try await APIServer.run(limits: {
            $0.connectsMax = 2
            $0.connectsPerCallerMax = 1
        }) { server in
            func status(_ caller: String) async throws -> Int {
                try await WebSocketPeer.with(port: server.port, as: caller) { $0.status }
            }
            try await WebSocketPeer.with(port: server.port, as: "read") { first in
                #expect(first.status == 101)
                let refused = try await status("read")
                #expect(refused == 503)
                try await WebSocketPeer.with(port: server.port, as: "lease") { second in
                    #expect(second.status == 101)
                    let full = try await status("admin")
                    #expect(full == 503)
                }
            }
            while server.bench.hub.count > 0 { await Task.yield() }
            let again = try await status("read")
            #expect(again == 101)
        }
    }

    @Test func `floods of connects are slowed`() async throws {
        try await APIServer.run(limits: {
            $0.requestsPerSecond = 0.001
            $0.burst = 1
        }) { server in
            var statuses: [Int] = []
            for _ in 0..<2 {
                statuses.append(try await WebSocketPeer.with(port: server.port) { $0.status })
            }
            #expect(statuses == [101, 429])
        }
    }

    /// What a peer may not do, and with which code it is told.
    enum Wrong: CaseIterable {
        case unmasked, tooLarge, unknownOpcode, tooMany, close

        var code: Int {
            switch self {
            case .unmasked, .unknownOpcode: 1002
            case .tooLarge: 1009
            case .tooMany: 1008
            case .close: 1000
            }
        }
    }

    @Test(arguments: Wrong.allCases)
    func `what the peer of a WebSocket sends is bounded`(_ wrong: Wrong) async throws {
        try await APIServer.run(limits: { $0.connectFramesMax = 3 }) { server in
            try await WebSocketPeer.with(port: server.port) { peer in
                // Messages are nobody's business.
                try await peer.send(1, Array("{}".utf8))
                try await peer.send(2, [0, 1, 2])
                switch wrong {
                case .unmasked: try await peer.send(1, [1], isMasked: false)
                case .tooLarge: try await peer.send(1, Array(repeating: 1, count: 4097))
                case .unknownOpcode: try await peer.send(5)
                case .tooMany: for _ in 0..<2 { try await peer.send(1, [1]) }
                case .close: try await peer.send(8, [0x03, 0xE8])
                }
                let frame = try #require(try await peer.frame())
                #expect(frame.closeCode == wrong.code)
            }
            while server.bench.hub.count > 0 { await Task.yield() }
        }
    }

    @Test func `a reader of events that does not read is cut and nobody else`() async throws {
        try await APIServer.run(limits: { $0.connectQueueMax = 8 }) { server in
            try await WebSocketPeer.with(port: server.port, as: "read") { slow in
                try await WebSocketPeer.with(port: server.port, as: "admin") { quick in
                    let text = String(repeating: "x", count: 60_000)
                    var told = 0
                    while server.bench.hub.count == 2, told < 2000 {
                        server.bench.hub.publish(["text": .string(text)])
                        told += 1
                        let frame = try await quick.frame()
                        #expect(frame?.json?["payload"]?["text"]?.stringValue == text)
                    }
                    #expect(server.bench.hub.count == 1)
                    #expect(told > 8)
                    _ = slow.status
                }
            }
        }
    }

    @Test func `shutdown is said to WebSockets and has an end`() async throws {
        let sleep = ManualSleep()
        try await APIServer.run(sleep: { try await sleep.sleep($0) }) { server in
            try await WebSocketPeer.with(port: server.port) { peer in
                // An answer shows that the connection is served.
                try await peer.send(9)
                let pong = try await peer.frame()
                #expect(pong?.opcode == 10)
                await server.services.triggerGracefulShutdown()
                let frame = try #require(try await peer.frame())
                #expect(frame.closeCode == 1001)
                // The peer neither answers nor goes.
                try await sleep.wake(.seconds(5))
                let last = try await peer.frame()
                #expect(last == nil)
            }
        }
    }
}
