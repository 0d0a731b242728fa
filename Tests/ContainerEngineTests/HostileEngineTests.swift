import ContainerEngine
import NIOCore
import Testing

@Suite("An engine that answers wrongly, too much, or never")
struct HostileEngineTests {
    private func code(
        answering answer: String?, limits: ContainerEngineLimits = ContainerEngineLimits(),
        of call: (ContainerEngine) async throws -> Void
    ) async throws -> ContainerEngineError.Code? {
        var code: ContainerEngineError.Code?
        try await ScriptedEngine.with(answering: answer, limits: limits) { engine in
            do { try await call(engine) } catch let error as ContainerEngineError { code = error.code }
        }
        return code
    }

    @Test func anAnswerWithoutEndIsCutAtTheBound() async throws {
        var limits = ContainerEngineLimits()
        limits.responseBytesMax = 1000
        let announced = "HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n["
        let streamed =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n"
            + String(repeating: "x", count: 2000)
        for answer in [announced, streamed] {
            let code = try await code(answering: answer, limits: limits) { _ = try await $0.information() }
            #expect(code == .tooLarge)
        }
    }

    @Test func silenceEndsAtTheDeadline() async throws {
        var limits = ContainerEngineLimits()
        limits.callTimeout = .milliseconds(300)
        let code = try await code(answering: nil, limits: limits) { _ = try await $0.information() }
        #expect(code == .timedOut)
    }

    @Test(arguments: [
        (ScriptedEngine.json("not json"), ContainerEngineError.Code.malformedResponse),
        (ScriptedEngine.json("{\"Id\":1}"), .malformedResponse),
        (ScriptedEngine.json("{\"message\":\"no\"}", status: "409 Conflict"), .conflict),
        (ScriptedEngine.json("{\"message\":\"no\"}", status: "400 Bad Request"), .invalidArgument),
        (ScriptedEngine.json("{\"message\":\"no\"}", status: "500 Oh"), .refused),
        (ScriptedEngine.json("{}", status: "301 Moved\r\nLocation: http://example.org/"), .refused),
        ("garbage\r\n\r\n", .unreachable),
    ])
    func answersHaveTheirErrors(answer: String, expected: ContainerEngineError.Code) async throws {
        let code = try await code(answering: answer) { _ = try await $0.container("x") }
        #expect(code == expected)
    }

    @Test func whatTheEngineSaysIsQuotedShortAndPlain() async throws {
        let text = "bad\\u0000\\u001b[31m" + String(repeating: "y", count: 10_000)
        try await ScriptedEngine.with(
            answering: ScriptedEngine.json("{\"message\":\"\(text)\"}", status: "500 Oh")
        ) { engine in
            let error = await #expect(throws: ContainerEngineError.self) { try await engine.start("x") }
            let message = error?.message ?? ""
            #expect(message.contains("bad"))
            #expect(message.count < 600)
            #expect(message.utf8.allSatisfy { $0 >= 32 })
        }
    }

    @Test(arguments: ["1.39", "0.9", "x", "1", "99999999999.1"])
    func oldOrUnreadableVersionsAreRefused(version: String) async throws {
        let ping = "HTTP/1.1 200 OK\r\nApi-Version: \(version)\r\nContent-Length: 2\r\n\r\nOK"
        let expected: ContainerEngineError.Code =
            version == "1.39" || version == "0.9" ? .unsupportedVersion : .malformedResponse
        let error = await #expect(throws: ContainerEngineError.self) {
            try await ScriptedEngine.with(ping: ping, answering: nil) { _ in }
        }
        #expect(error?.code == expected)
    }

    @Test func aNewerEngineIsSpokenToInOurVersion() async throws {
        let ping = "HTTP/1.1 200 OK\r\nApi-Version: 1.99\r\nContent-Length: 2\r\n\r\nOK"
        try await ScriptedEngine.with(ping: ping, answering: nil) { engine in
            #expect(engine.description.apiVersion.description == "1.47")
            #expect(engine.description.product == .docker)
        }
    }

    @Test(arguments: ["../x", "", "a/b", "a?b", "-x", "a b", "a\u{0}", String(repeating: "a", count: 256)])
    func namesThatWouldChangeAPathAreRefusedHere(name: String) async throws {
        let code = try await code(answering: ScriptedEngine.json("{}")) { try await $0.start(name) }
        #expect(code == .invalidArgument)
    }

    @Test(arguments: ["../x", "a//b", "a b", "a?tag=1", "", "a/../../containers/x"])
    func imageReferencesLikewise(name: String) async throws {
        let code = try await code(answering: ScriptedEngine.json("{}")) { _ = try await $0.image(name) }
        #expect(code == .invalidArgument)
    }

    @Test func nobodyThereIsUnreachable() async throws {
        let error = await #expect(throws: ContainerEngineError.self) {
            _ = try await ContainerEngine.connect(try EngineSocket(path: "/nonexistent/engine.sock"))
        }
        #expect(error?.code == .unreachable)
    }
}

@Suite("Where engines are looked for")
struct EngineSocketTests {
    @Test func theEnvironmentDecides() throws {
        let paths = try EngineSocket.candidates(environment: ["XDG_RUNTIME_DIR": "/run/user/7"]).map(\.path)
        #expect(
            paths == ["/var/run/docker.sock", "/run/user/7/podman/podman.sock", "/run/podman/podman.sock"])
        let named = try EngineSocket.candidates(environment: ["DOCKER_HOST": "unix:///a/b.sock"])
        #expect(named.map(\.path) == ["/a/b.sock"])
    }

    @Test(arguments: [
        "tcp://10.0.0.1:2375", "unix://relative", "ssh://x", "unix:///" + String(repeating: "a", count: 200),
    ])
    func otherHostsAreRefused(host: String) {
        #expect(throws: ContainerEngineError.self) {
            try EngineSocket.candidates(environment: ["DOCKER_HOST": host])
        }
    }
}

@Suite("Archives for containers")
struct TarArchiveTests {
    @Test func aHeaderIsAsPOSIXSays() throws {
        var archive = TarArchive()
        try archive.appendFile("lease/host_key", content: [1, 2, 3], mode: 0o600, user: 1000, group: 1000)
        let bytes = Array(archive.finished().readableBytesView)
        #expect(bytes.count == 512 * 4)
        #expect(String(decoding: bytes[0..<14], as: UTF8.self) == "lease/host_key")
        #expect(String(decoding: bytes[100..<107], as: UTF8.self) == "0000600")
        #expect(String(decoding: bytes[108..<115], as: UTF8.self) == "0001750")
        #expect(String(decoding: bytes[124..<135], as: UTF8.self) == "00000000003")
        var header = Array(bytes[0..<512])
        header.replaceSubrange(148..<156, with: Array(repeating: 32, count: 8))
        let sum = header.reduce(0) { $0 + Int($1) }
        #expect(Int(String(decoding: bytes[148..<154], as: UTF8.self), radix: 8) == sum)
        #expect(Array(bytes[512..<515]) == [1, 2, 3])
    }

    @Test(arguments: [
        "../etc/passwd", "/etc/passwd", "a//b", "", "a\nb", "./a", String(repeating: "a", count: 101),
    ])
    func namesThatLeaveTheFolderAreRefused(name: String) {
        var archive = TarArchive()
        #expect(throws: ContainerEngineError.self) {
            try archive.appendFile(name, content: [], mode: 0o600)
        }
    }
}
