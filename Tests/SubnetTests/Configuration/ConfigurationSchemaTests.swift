import Foundation
import Testing

@testable import Subnet

@Suite("The configuration schema")
struct ConfigurationSchemaTests {
    @Test func `paths and variables are unique and well formed`() {
        let keys = ConfigurationSchema.keys
        #expect(Set(keys.map(\.path)).count == keys.count)
        #expect(Set(keys.map(\.environmentName)).count == keys.count)
        #expect(keys.allSatisfy { $0.path.wholeMatch(of: /[a-z-]+(\.[a-z-]+)*/) != nil })
        #expect(keys.allSatisfy { $0.summary.hasSuffix(".") })
        #expect(keys.allSatisfy { !ConfigurationSchema.isSection($0.path) })
    }

    @Test func `each key takes its default as text and gives it back`() {
        for key in ConfigurationSchema.keys {
            var configuration = NodeConfiguration()
            let texts = key.read(configuration)
            guard !texts.isEmpty || key.isList else { continue }
            #expect(key.write(&configuration, texts), "\(key.path)")
            #expect(configuration == NodeConfiguration(), "\(key.path)")
        }
    }

    @Test func `each key writes to a place of its own`() {
        let samples = [
            "7", "777", "77MiB", "77s", "777us", "debug", "json", "noise", "task", "x=y", "127.0.0.1:7",
            "/ip4/127.0.0.1/tcp/7",
            "/ip4/127.0.0.1/tcp/7/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
        ]
        for key in ConfigurationSchema.keys {
            var configuration = NodeConfiguration()
            let isChanged = samples.contains { sample in
                configuration = NodeConfiguration()
                return key.write(&configuration, [sample]) && configuration != NodeConfiguration()
            }
            #expect(isChanged, "\(key.path)")
            let others = ConfigurationSchema.keys.filter {
                $0.read(configuration) != $0.read(NodeConfiguration())
            }
            #expect(others.map(\.path) == [key.path])
        }
    }

    @Test(arguments: [
        ("0", 0), ("65536", 65536), ("64KiB", 65536), ("16 MiB", 16 << 20), ("1gib", 1 << 30), ("5kB", 5000),
        ("7B", 7),
    ])
    func `sizes are read with their units`(text: String, bytes: Int) {
        #expect(ByteSize.parse(text) == bytes)
    }

    @Test(arguments: ["", "KiB", "-1", "1.5MiB", "9223372036854775807KiB", "1 2", "1TiB", "١"])
    func `texts that are no size are refused`(text: String) {
        #expect(ByteSize.parse(text) == nil)
    }

    @Test(arguments: [
        ("50us", Duration.microseconds(50)), ("250ms", .milliseconds(250)), ("30s", .seconds(30)),
        ("30", .seconds(30)), ("5m", .seconds(300)),
        ("2h", .seconds(7200)), ("1 d", .seconds(86400)), ("0s", .zero),
    ])
    func `times are read with their units`(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
        #expect(DurationText.parse(DurationText.text(duration)) == duration)
    }

    @Test(arguments: ["", "s", "-1s", "1.5s", "1y", "9223372036854775807d", "1 s s"])
    func `texts that are no time are refused`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1:9090", "127.0.0.1", 9090), ("[::1]:0", "::1", 0), ("localhost:65535", "localhost", 65535),
    ])
    func `addresses of the metrics endpoint are read`(text: String, host: String, port: Int) {
        #expect(HostPort(text) == HostPort(host: host, port: port))
        #expect(HostPort(text)?.description == text)
    }

    @Test(arguments: ["", ":1", "a:", "a:65536", "::1:80", "a b:1", "[a]:1", "a:+1", "http://a:1", "a"])
    func `texts that are no address of the metrics endpoint are refused`(text: String) {
        #expect(HostPort(text) == nil)
    }

    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("listn", "listen", 1), ("ab", "ba", 2),
    ])
    func `the edit distance counts changes`(left: String, right: String, distance: Int) {
        #expect(EditDistance.between(left, right) == distance)
        #expect(EditDistance.between(right, left) == distance)
    }
}
