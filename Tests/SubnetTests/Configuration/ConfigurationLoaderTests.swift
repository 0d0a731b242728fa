import Foundation
import LibP2PIdentity
import Testing

@testable import Subnet

@Suite("The configuration loader")
struct ConfigurationLoaderTests {
    private let peer = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"

    /// Loads a file with this text.
    private func load(
        _ text: String, environment: [String: String] = [:], overrides: [ConfigurationOverride] = []
    ) throws -> LoadedConfiguration {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "node-\(UUID().uuidString).yaml"
        ).path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try ConfigurationLoader.load(file: path, environment: environment, overrides: overrides)
    }

    /// The sentence with which a file is refused, with `FILE` in place of its path.
    private func refusal(
        _ text: String, environment: [String: String] = [:], overrides: [ConfigurationOverride] = []
    ) -> String {
        do {
            _ = try load(text, environment: environment, overrides: overrides)
            return "accepted"
        } catch {
            return "\(error)".replacing(/[^ ]*node-[0-9A-F-]+\.yaml/, with: "FILE")
        }
    }

    @Test func `without any source there are the defaults`() throws {
        let loaded = try ConfigurationLoader.load(file: nil, environment: [:], overrides: [])
        #expect(loaded.configuration == NodeConfiguration())
        #expect(loaded.configuration.listen.map(\.description) == ["/ip4/127.0.0.1/tcp/0"])
        #expect(loaded.sources.isEmpty)
    }

    @Test func `a file sets nested and dotted keys`() throws {
        let loaded = try load(
            """
            identity: node.key
            listen: [/ip4/0.0.0.0/tcp/4001, /ip6/::/tcp/4001]
            bootstrap:
              - /ip4/192.0.2.7/tcp/4001/p2p/\(peer)
            serve: task, inference
            log: {level: DEBUG, format: json}
            metrics:
              listen: "[::1]:9090"
            limits:
              peer:
                calls-max: 64
                memory-bytes-max: 16MiB
            limits.system.connections-max: 99
            timeouts:
              dial: 2500ms
              call: 90
            worker:
              executable: /usr/bin/worker
              arguments: [--model, "a, b"]
            data-dir:
            """)
        let configuration = loaded.configuration
        #expect(configuration.identity == "node.key")
        #expect(configuration.dataDirectory == nil)
        #expect(configuration.listen.count == 2)
        #expect(configuration.bootstrap.first?.peerID?.description == peer)
        #expect(configuration.serve == [.task, .inference])
        #expect(configuration.log.level == .debug)
        #expect(configuration.log.format == .json)
        #expect(configuration.metrics.listen == HostPort(host: "::1", port: 9090))
        #expect(configuration.limits.peer.callsMax == 64)
        #expect(configuration.limits.peer.memoryBytesMax == 16 << 20)
        #expect(configuration.limits.system.connectionsMax == 99)
        #expect(configuration.timeouts.dial == .milliseconds(2500))
        #expect(configuration.timeouts.call == .seconds(90))
        #expect(configuration.worker.arguments == ["--model", "a, b"])
    }

    @Test func `environment wins over the file, and flags win over both`() throws {
        let file = "log.level: error\nlimits.peer.calls-max: 1\ntimeouts.call: 1s"
        let loaded = try load(
            file,
            environment: [
                "SUBNET_LIMITS_PEER_CALLS_MAX": "2", "SUBNET_TIMEOUTS_CALL": "2s", "SUBNET_SERVE": "",
            ],
            overrides: [ConfigurationOverride(path: "timeouts.call", texts: ["3s"], flag: "--set")])
        #expect(loaded.configuration.log.level == .error)
        #expect(loaded.configuration.limits.peer.callsMax == 2)
        #expect(loaded.configuration.timeouts.call == .seconds(3))
        #expect(loaded.configuration.serve == NodeConfiguration().serve)
        #expect(loaded.sources["limits.peer.calls-max"] == .environment(name: "SUBNET_LIMITS_PEER_CALLS_MAX"))
        #expect(loaded.sources["timeouts.call"] == .flag(name: "--set"))
    }

    @Test func `a list of a later source replaces the earlier one, and flags may hold commas`() throws {
        let loaded = try load(
            "listen: [/ip4/127.0.0.1/tcp/1]", environment: ["SUBNET_SERVE": "task,peers"],
            overrides: [
                ConfigurationOverride(
                    path: "listen",
                    texts: ["/ip4/127.0.0.1/tcp/2,/ip4/127.0.0.1/tcp/3", "/ip4/127.0.0.1/tcp/4"],
                    flag: "--listen")
            ])
        #expect(loaded.configuration.listen.map(\.description) == (2...4).map { "/ip4/127.0.0.1/tcp/\($0)" })
        #expect(loaded.configuration.serve == [.task, .peers])
    }

    @Test func `the environment can name the file`() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "node-\(UUID().uuidString).yaml"
        ).path
        try Data("log.level: trace".utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let configuration = try ConfigurationLoader.load(environment: ["SUBNET_CONFIG": path])
        #expect(configuration.log.level == .trace)
    }

    @Test func `unknown keys are refused with line and nearest key`() {
        #expect(
            refusal("serve: task\nlistn: []")
                == "FILE:2: \"listn\" is not a known key; the nearest is \"listen\".")
        #expect(
            refusal("limits:\n  peer:\n    call-max: 1")
                == """
                FILE:3: "limits.peer.call-max" is not a known key; the nearest is "limits.peer.calls-max".
                """)
        #expect(
            refusal("limit:\n  peer: {}")
                == "FILE:1: \"limit\" is not a known key; the nearest is \"limits\".")
        #expect(
            refusal("dataDir: x") == "FILE:1: \"dataDir\" is not a known key; the nearest is \"data-dir\".")
        #expect(
            refusal("agent-version: x")
                == "FILE:1: \"agent-version\" is not a known key; the nearest is \"network.agent-version\".")
        #expect(
            refusal("qqqqqqqqqqqq: x") == "FILE:1: \"qqqqqqqqqqqq\" is not a known key, and none is like it.")
    }

    @Test func `wrong types and ranges are refused in one sentence with place, key and expectation`() {
        #expect(
            refusal("limits.peer.calls-max: many")
                == "FILE:1: limits.peer.calls-max: expected a whole number from 1 to 1000000, found \"many\"."
        )
        #expect(
            refusal("\nlimits.peer.calls-max: 0")
                == "FILE:2: limits.peer.calls-max: expected a whole number from 1 to 1000000, found \"0\".")
        #expect(
            refusal("log: {level: loud}")
                == """
                FILE:1: log.level: expected one of trace, debug, info, notice, warning, error, critical, \
                found "loud".
                """)
        #expect(refusal("log: loud") == "FILE:1: log: expected a section with keys of its own.")
        #expect(refusal("identity: [a]") == "FILE:1: identity: expected a file path, found a list.")
        #expect(refusal("identity: {a: b}") == "FILE:1: identity: expected a file path, found a section.")
        #expect(
            refusal("timeouts.dial: soon")
                == """
                FILE:1: timeouts.dial: expected a time such as 250ms, 30s or 5m, from 100ms to 1d, \
                found "soon".
                """)
        #expect(refusal("metrics.listen: 9090").contains("expected HOST:PORT"))
        #expect(
            refusal("listen: [nonsense]").contains(
                "FILE:1: listen: expected a list of at most 64, each a multiaddress"))
        #expect(refusal("bootstrap: [/ip4/127.0.0.1/tcp/1]").contains("/p2p/ID"))
        #expect(refusal("serve: [task, task]").contains("a list without repeats of task, inference, peers"))
        #expect(refusal("- a\n- b") == "FILE:1: expected keys with values, such as \"listen: [...]\".")
    }

    @Test func `a wrong environment variable or flag is named`() {
        #expect(
            refusal("", environment: ["SUBNET_WORKER_CALLS_MAX": "x"])
                == """
                SUBNET_WORKER_CALLS_MAX: worker.calls-max: expected a whole number from 1 to 100000, \
                found "x".
                """)
        #expect(
            refusal(
                "", overrides: [ConfigurationOverride(path: "log.level", texts: ["x"], flag: "--log-level")]
            )
            .hasPrefix("--log-level: log.level: expected one of"))
        #expect(
            refusal("", overrides: [ConfigurationOverride(path: "log.levl", texts: ["x"], flag: "--set")])
                == "--set: \"log.levl\" is not a known key; the nearest is \"log.level\".")
    }

    @Test func `broken YAML and repeated keys are refused with their line`() {
        #expect(
            refusal("a: [1").hasPrefix("FILE:1: not YAML:") || refusal("a: [1").hasPrefix("FILE:2: not YAML:")
        )
        #expect(refusal("identity: a\nidentity: b").contains("\"identity\" is given more than once"))
        #expect(
            refusal("log:\n  level: info\nlog.level: debug")
                == "FILE:3: log.level is already given in line 2.")
    }

    @Test func `a missing, binary or huge file is refused`() throws {
        let missing = #expect(throws: NodeError.self) { try ConfigurationLoader.load(file: "/nonexistent/x") }
        #expect(missing?.code == .unreadableFile)
        #expect(missing?.message == "The configuration file /nonexistent/x does not exist.")
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("node-\(UUID().uuidString)")
        try Data([0x61, 0xFF, 0xFE]).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let binary = #expect(throws: NodeError.self) { try ConfigurationLoader.load(file: file.path) }
        #expect(binary?.message == "\(file.path) is not UTF-8 text.")
        #expect(
            refusal("# " + String(repeating: "x", count: 300_000)).contains(
                "is larger than the 256KiB allowed"))
    }

    @Test func `an unknown variable is a warning, since it may belong to something else`() throws {
        let loaded = try ConfigurationLoader.load(
            file: nil, environment: ["SUBNET_LOG_LEVL": "x", "SUBNET_SHARED": "y", "OTHER": "z"],
            overrides: [])
        #expect(
            loaded.warnings
                == [
                    """
                    The environment variable "SUBNET_LOG_LEVL" is not a known key; the nearest is \
                    SUBNET_LOG_LEVEL.
                    """
                ])
    }

    @Test func `values that contradict each other are refused`() {
        #expect(
            refusal("worker: {restart-backoff-min: 2m}")
                == "worker.restart-backoff-min (2m) is more than worker.restart-backoff-max (30s).")
        #expect(
            refusal("limits: {stream: {message-bytes-max: 200MiB}}")
                == """
                limits.stream.message-bytes-max (200MiB) is more than limits.peer.memory-bytes-max (128MiB).
                """)
        #expect(
            refusal("network.security: []") == "network.security is empty, so no connection could be secured."
        )
        #expect(
            refusal("listen: []") == "listen and bootstrap are both empty, so no peer could ever connect.")
    }

    @Test func `secrets appear neither in the printed configuration nor in refusals`() throws {
        let loaded = try load("worker.environment: [TOKEN=abcdef]")
        #expect(loaded.configuration.worker.environment == ["TOKEN=abcdef"])
        #expect(!loaded.printed().contains("abcdef"))
        #expect(loaded.printed().contains("environment: [<redacted>]"))
        let sentence = refusal("worker.environment: [abcdef]")
        #expect(sentence.hasSuffix("each NAME=VALUE, found something else."))
    }

    @Test func `the printed configuration is a file that gives the same configuration`() throws {
        let first = try load(
            """
            identity: 'a "quoted\\ path'
            worker.arguments: ["x, y", "#z"]
            limits.stream.message-bytes-max: 3000
            timeouts.dial: 1500ms
            metrics.listen: 127.0.0.1:1
            bootstrap: [/ip4/192.0.2.7/tcp/4001/p2p/\(peer)]
            """)
        let second = try load(first.printed())
        #expect(second.configuration == first.configuration)
        #expect(first.printed().contains("# "))
        let defaults = try ConfigurationLoader.load(file: nil, environment: [:], overrides: [])
        #expect(try load(defaults.printed()).configuration == defaults.configuration)
    }
}
