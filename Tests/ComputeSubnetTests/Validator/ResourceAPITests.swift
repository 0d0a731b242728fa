import BittensorCore
import Foundation
import Synchronization
import Testing

@testable import ComputeSubnet

@Suite struct ResourceAPITests {
    private static let miner = ValidatorBench.miners[0]
    private static let uuid = "00000000-0000-4000-8000-00000000000f"

    @Test func allocatesListsChangesAndEnds() async throws {
        try await APIServer.run { server in
            let body = """
                {"requirements": {"gpu_type": "A40", "gpu_size": 40}, "docker_requirement":
                {"ssh_key": "ssh-ed25519 AAAA"}}
                """
            let made = try await server.send("POST", "/service/allocate_spec", as: "lease", body: body)
            #expect(made.status == 200 && made.json["success"] == true)
            let data = try #require(made.json["data"])
            #expect(data["hotkey"] == .string(Self.miner))
            #expect(data["ssh_ip"] == "192.0.2.1" && data["ssh_port"] == 4445)
            #expect(data["ssh_command"] == "ssh root@192.0.2.1 -p 4445")
            #expect(data["ssh_password"] == "s3cret-p4ss" && data["miner_version"] == 183)
            let uuid = try #require(data["uuid_key"]?.stringValue)
            let query = "?hotkey=\(Self.miner)&uuid_key=\(uuid)"

            let mine = try await server.send("POST", "/list/allocations_sql", as: "admin")
            #expect(mine.json["data"]?.arrayValue?.first?["uuid_key"] == .string(uuid))
            let others = try await server.send("POST", "/list/allocations_sql", as: "lease")
            #expect(others.json["data"]?.arrayValue?.first?["uuid_key"] == "")
            #expect(others.json["data"]?.arrayValue?.first?["ssh_password"] == "")
            let hotkeys = try await server.send("POST", "/list/allocated_hotkeys", as: "read")
            #expect(hotkeys.json["data"] == [.string(Self.miner)])

            for path in ["restart_docker", "pause_docker", "unpause_docker"] {
                let changed = try await server.send("POST", "/service/\(path)\(query)", as: "lease")
                #expect(changed.status == 200, "\(path)")
            }
            let exchanged = try await server.send(
                "POST", "/service/exchange_docker_key\(query)&ssh_key=ssh-ed25519%20BBBB", as: "lease")
            #expect(exchanged.status == 200)
            let wrong = try await server.send(
                "POST", "/service/restart_docker?hotkey=\(Self.miner)&uuid_key=\(Self.uuid)")
            #expect(wrong.status == 400 && wrong.json["success"] == false)

            // What the miner refuses is not reported as a success.
            server.bench.fakes.change(Self.miner) { $0.leaseKey = "another" }
            let refused = try await server.send("POST", "/service/pause_docker\(query)", as: "lease")
            #expect(refused.status == 502 && refused.json["success"] == false)
            server.bench.fakes.change(Self.miner) { $0.answers = false }
            let silent = try await server.send("POST", "/service/deallocate\(query)", as: "lease")
            #expect(silent.status == 504)
            let key = try await server.store.allocation(of: Self.miner)?.secrets.publicKey
            server.bench.fakes.change(Self.miner) {
                $0.answers = true
                $0.leaseKey = key
            }
            let ended = try await server.send(
                "POST", "/service/deallocate\(query)&notify_flag=true", as: "lease")
            #expect(ended.status == 200)
            let gone = try await server.send("POST", "/service/deallocate\(query)", as: "lease")
            #expect(gone.status == 404)
        }
    }

    @Test func aHotkeyCanBeNamed() async throws {
        try await APIServer.run { server in
            let made = try await server.send(
                "POST", "/service/allocate_hotkey?hotkey=\(Self.miner)&ssh_key=ssh-ed25519%20AAAA",
                as: "lease")
            #expect(made.status == 200)
            #expect(made.json["data"]?["ssh_key"] == "ssh-ed25519 AAAA")
            let busy = try await server.send("POST", "/service/allocate_hotkey?hotkey=\(Self.miner)")
            #expect(busy.status == 409)
            let unknown = try await server.send(
                "POST", "/service/allocate_hotkey?hotkey=5Nobody1111111111111111111111111111111111111111")
            #expect(unknown.status == 404)
            let all =
                ValidatorBench.miners.map { "\"\($0)\"" } + [
                    #""5Nobody1111111111111111111111111111111111111111""#
                ]
            server.bench.fakes.change(ValidatorBench.miners[2]) { $0.answers = false }
            let states = try await server.send(
                "POST", "/service/check_miner_status", as: "read", body: "[\(all.joined(separator: ","))]")
            #expect(
                states.json["data"]?.arrayValue?.compactMap { $0["status"]?.stringValue } == [
                    "Docker ONLINE", "Docker OFFLINE", "Miner NO_RESPONSE", "Not Found",
                ])
            let versions = try await server.send(
                "POST", "/service/check_miner_status?query_version=true", as: "read",
                body: "[\"\(Self.miner)\"]")
            #expect(versions.json["data"]?.arrayValue?.first?["version"] == 183)
        }
    }

    @Test func listsPageAndFilter() async throws {
        try await APIServer.run { server in
            let all = try await server.send("POST", "/list/resources_sql", as: "read")
            #expect(all.json["data"]?["page_items"]?.arrayValue?.count == 3)
            #expect(all.json["data"]?["next_page_number"] == .null)
            let first = all.json["data"]?["page_items"]?.arrayValue?.first
            #expect(first?["gpu_capacity"]?.doubleValue == 44.99 && first?["allocate_status"] == "available")
            let paged = try await server.send(
                "POST", "/list/resources_sql?page_size=2&page_number=1", as: "read")
            #expect(paged.json["data"]?["page_items"]?.arrayValue?.count == 2)
            #expect(paged.json["data"]?["next_page_number"] == 2)
            let last = try await server.send(
                "POST", "/list/resources_sql?page_size=2&page_number=2", as: "read")
            #expect(last.json["data"]?["page_items"]?.arrayValue?.count == 1)
            let beyond = try await server.send(
                "POST", "/list/resources_sql?page_size=2&page_number=3", as: "read")
            #expect(beyond.status == 404)
            let many = try await server.send(
                "POST", "/list/resources_sql", as: "read", body: #"{"gpu_name": "a40", "cpu_count_min": 9}"#)
            #expect(many.status == 404)
            let stats = try await server.send("POST", "/list/resources_sql?stats=true", as: "read")
            #expect(stats.json["data"]?["stats"]?["total"] == 3)
            let proven = try await server.send("POST", "/list/resources_wandb", as: "read")
            #expect(proven.status == 404)
            let gpus = try await server.send("POST", "/list/count_all_gpus", as: "read")
            #expect(gpus.json == ["count": 3])
            let models = try await server.send(
                "POST", "/list/count_all_by_model?model=nvidia%20a40", as: "read")
            #expect(models.json == ["count": 3])
            let fewer = try await server.send(
                "POST", "/list/count_all_by_model?model=nvidia%20a40&cpu_count=7", as: "read")
            #expect(fewer.json == ["count": 0])
            let runs = try await server.send("POST", "/list/all_runs?hotkey=\(Self.miner)", as: "read")
            #expect(runs.json["data"]?["page_items"]?["1"]?["state"] == "running")
            let run = try await server.send(
                "POST", "/list/run_by_name?run_name=miner-\(Self.miner)", as: "read")
            #expect(run.json["data"]?["1"]?["id"] == .string(Self.miner))
            let specs = try await server.send("POST", "/list/specs", as: "read")
            #expect(specs.json["data"]?["page_items"]?["2"]?["specs"]?["CPU"]?["count"] == 8)
            let free = try await server.send("POST", "/list/available", as: "read")
            #expect(free.json["data"]?["page_items"]?.arrayValue?.count == 3)
            let rented = try await server.send("POST", "/list/available?rent_status=true", as: "read")
            #expect(rented.status == 404)
            let hello = try await server.send("GET", "/", as: "read")
            #expect(hello.json["message"]?.stringValue?.hasPrefix("Welcome") == true)
        }
    }

    @Test func withoutAProperTokenNothingIsSaid() async throws {
        try await APIServer.run { server in
            for path in ["/", "/openapi.json", "/list/allocations_sql", "/nowhere", "/service/deallocate"] {
                let none = try await server.send("POST", path, as: nil)
                #expect(none.status == 401 && none.json["success"] == false, "\(path)")
                #expect(none.headers["www-authenticate"] == "Bearer")
            }
            for value in [
                "", "Bearer", "Bearer ", "Basic dG9rZW4=", "Bearer token of nobody", "token of admin",
            ] {
                let wrong = try await server.send("GET", "/", as: nil, headers: [("authorization", value)])
                #expect(wrong.status == 401, "\(value)")
            }
        }
    }

    @Test func scopesAreKept() async throws {
        try await APIServer.run { server in
            let made = try await server.send(
                "POST", "/service/allocate_hotkey?hotkey=\(Self.miner)", as: "read")
            #expect(made.status == 403)
            #expect(server.bench.fakes.requests(to: Self.miner).filter { $0 == "allocate" }.isEmpty)
        }
    }

    @Test func floodsAreSlowedPerCaller() async throws {
        try await APIServer.run(limits: {
            $0.requestsPerSecond = 0.001
            $0.burst = 3
            $0.refusalsPerSecond = 0.001
            $0.refusalBurst = 2
        }) { server in
            var statuses: [Int] = []
            for _ in 0..<4 { statuses.append(try await server.send("GET", "/", as: "read").status) }
            #expect(statuses == [200, 200, 200, 429])
            let other = try await server.send("GET", "/", as: "lease")
            #expect(other.status == 200)
            statuses = []
            for _ in 0..<3 { statuses.append(try await server.send("GET", "/", as: nil).status) }
            #expect(statuses == [401, 401, 429])
        }
    }

    @Test(arguments: [(0, 429), (1, 200)])
    func requestsThatAreWorkedOnAreBounded(_ most: Int, _ status: Int) async throws {
        try await APIServer.run(limits: { $0.requestsMax = most }) { server in
            for _ in 0..<3 {
                let answer = try await server.send("GET", "/", as: "read")
                #expect(answer.status == status)
            }
        }
    }

    @Test(arguments: [
        ("/service/allocate_hotkey", "hotkey"), ("/service/allocate_hotkey?hotkey=short", "hotkey"),
        ("/service/deallocate?hotkey=\(miner)", "uuid_key"),
        ("/service/deallocate?hotkey=\(miner)&uuid_key=x", "uuid_key"),
        ("/service/deallocate?hotkey=\(miner)&uuid_key=\(uuid)&notify_flag=perhaps", "notify_flag"),
        ("/service/deallocate?hotkey=\(miner)&hotkey=\(miner)&uuid_key=\(uuid)", "hotkey"),
        ("/list/resources_sql?page_size=0", "page_size"), ("/list/resources_sql?page_size=9999", "page_size"),
        ("/list/resources_sql?page_number=1.5", "page_number"), ("/list/resources_sql?bogus=1", "bogus"),
        ("/list/count_all_by_model", "model"),
        ("/list/all_runs?page_number=99999999999999999999", "page_number"),
    ])
    func wrongParametersAreNamed(_ target: String, _ field: String) async throws {
        try await APIServer.run { server in
            let answer = try await server.send("POST", target)
            #expect(answer.status == 422)
            #expect(answer.json["message"] == "Validation Error, Please check the request body.")
            #expect(answer.json["err_detail"]?.arrayValue?.first?["field"] == .string(field))
        }
    }

    @Test func hostileBodiesHaveTheirStatuses() async throws {
        try await APIServer.run(limits: { $0.bodyBytesMax = 2000 }) { server in
            func status(_ body: String, _ headers: [(String, String)] = []) async throws -> Int {
                try await server.send(
                    "POST", "/service/allocate_spec", body: body, headers: headers
                ).status
            }
            #expect(try await status("{") == 400)
            #expect(try await status(String(repeating: "[", count: 100)) == 400)
            #expect(try await status("[]") == 422)
            #expect(try await status(#"{"requirements": {}}"#) == 422)
            #expect(try await status(#"{"requirements": {"ram": "much"}, "docker_requirement": {}}"#) == 422)
            #expect(try await status(#"{"requirements": {"ram": 1e400}, "docker_requirement": {}}"#) == 422)
            #expect(try await status(#"{"requirements": {"shell": "x"}, "docker_requirement": {}}"#) == 422)
            #expect(
                try await status(#"{"requirements": {}, "docker_requirement": {"ssh_key": "a\nb"}}"#) == 422)
            #expect(try await status(String(repeating: " ", count: 3000)) == 413)
            #expect(try await status("{}", [("content-type", "text/plain")]) == 415)
            let null = try await server.send("POST", "/list/resources_sql", body: "null")
            #expect(null.status == 422)
            let empty = try await server.send("POST", "/service/allocate_spec")
            #expect(empty.status == 422)
        }
    }

    @Test func routesHaveTheirMethods() async throws {
        try await APIServer.run { server in
            let wrong = try await server.send("GET", "/list/allocations_sql")
            #expect(wrong.status == 405 && wrong.headers["allow"] == "POST")
            let nowhere = try await server.send("POST", "/list/allocations_sql/")
            #expect(nowhere.status == 404)
            let long = try await server.send("GET", "/?" + String(repeating: "a", count: 17_000))
            #expect(long.status == 414)
        }
    }

    @Test func theDocumentIsTheCommittedOne() async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = root.appendingPathComponent("docs/openapi/compute.json")
        if ProcessInfo.processInfo.environment["SUBNET_UPDATE_DOCS"] == "1" {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(OpenAPIDocument.text.utf8).write(to: file)
        }
        let committed = try String(contentsOf: file, encoding: .utf8)
        #expect(committed == OpenAPIDocument.text, "SUBNET_UPDATE_DOCS=1 writes it anew")
        let document = try JSONValue(parsing: committed)
        #expect(document == OpenAPIDocument.json)
        for route in APIRoutes.all { #expect(document["paths"]?[route.path] != nil, "\(route.path)") }
        try await APIServer.run { server in
            let served = try await server.send("GET", "/openapi.json", as: "read")
            #expect(served.json == document)
        }
    }
}
