import LibP2P
import LibP2PCore
import LibP2PIdentity
import Logging
import NIOCore
import Testing

/// Starts `count` hosts on loopback, runs `body` and stops them whatever happened.
func withHosts<T>(
    _ count: Int, configure: (Int, inout HostConfiguration) -> Void = { _, _ in },
    _ body: ([Host], [Multiaddr]) async throws -> T
) async throws -> T {
    var hosts: [Host] = []
    var addresses: [Multiaddr] = []
    for index in 0..<count {
        var configuration = HostConfiguration(
            identity: try PrivateKey.generate(.ed25519), listen: [try Multiaddr("/ip4/127.0.0.1/tcp/0")])
        configuration.timeouts.bePatient()
        configure(index, &configuration)
        let host = try Host(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        addresses.append(try #require(try await host.start().first))
        hosts.append(host)
    }
    do {
        let value = try await body(hosts, addresses)
        for host in hosts { await host.stop() }
        return value
    } catch {
        for host in hosts { await host.stop() }
        throw error
    }
}

extension HostTimeouts {
    /// A machine that is busy with other tests must not look like a peer that does not answer. A test of a
    /// deadline sets its own.
    mutating func bePatient() {
        (self.dial, self.handshake, self.admission) = (.minutes(1), .minutes(1), .minutes(1))
        (self.streamNegotiation, self.identify) = (.minutes(1), .minutes(1))
    }
}

extension PeerStream {
    /// Everything until the peer closes its side.
    func readToEnd() async throws -> ByteBuffer {
        var all = ByteBuffer()
        while var bytes = try await self.read() { all.writeBuffer(&bytes) }
        return all
    }
}

let echo: StreamHandler = { stream in
    do {
        while let bytes = try await stream.read() { try await stream.write(bytes) }
    } catch {
        stream.reset()
    }
}
