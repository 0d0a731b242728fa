import ContainerEngine
import Foundation
import Synchronization
import Testing

@testable import ComputeSubnet

/// The real engine of the tests: the one at `SUBNET_TEST_ENGINE`, or that which `dev/container-setup`
/// started.
enum TestEngine {
    static var socketPath: String? {
        let environment = ProcessInfo.processInfo.environment
        let path = environment["SUBNET_TEST_ENGINE"] ?? "/tmp/subnet-containers-\(getuid())/podman.sock"
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    /// With `CI=true` there is no skipping: without an engine the tests fail. Disks and packet filters need
    /// root.
    static var isWanted: Bool {
        ProcessInfo.processInfo.environment["CI"] == "true" || (socketPath != nil && geteuid() == 0)
    }

    static let reason: Comment = "No container engine, or no root: run dev/container-setup as root."

    static func with<Value: Sendable>(
        _ body: (ContainerEngine) async throws -> Value
    ) async throws -> Value {
        let path = try #require(socketPath, "no container engine")
        let engine = try await ContainerEngine.connect(try EngineSocket(path: path))
        do {
            let value = try await body(engine)
            await engine.close()
            return value
        } catch {
            await engine.close()
            throw error
        }
    }

    /// Ports that were given out, so that two tests never get the same.
    private static let portsUsed = Mutex(Set<UInt16>())

    /// A port of the loopback that nobody has, and that the system gives to nobody who asks for any: it picks
    /// from 32768 on, and a container takes seconds before it has the port.
    static func freePort() throws -> UInt16 {
        for _ in 0..<64 {
            let port = UInt16.random(in: 20_000..<32_000)
            guard portsUsed.withLock({ $0.insert(port).inserted }) else { continue }
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            let isFree = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            if isFree { return port }
        }
        return try #require(nil as UInt16?, "no port is free")
    }

    /// Everything in the engine and on the host that carries a miner's mark.
    static func remains(of minerID: String, folder: String) async throws -> [String] {
        var found = try await with { engine in
            var names = try await engine.containers(label: "subnet.miner", value: minerID).flatMap(\.names)
            names += try await engine.volumes(label: "subnet.miner", value: minerID).map(\.name)
            names += try await engine.networks(label: "subnet.miner", value: minerID).map(\.name)
            return names
        }
        found += (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/leases")) ?? []
        if let losetup = HostCommand(named: "losetup") {
            let list = try await losetup.succeed(
                ["--list", "--noheadings", "--output", "BACK-FILE"], timeout: .seconds(10),
                outputBytesMax: 65536)
            found += list.split(separator: "\n").filter { $0.contains(folder) }.map(String.init)
        }
        return found
    }

    /// Names of the packet filter's chains that a lease has.
    static func filterChains(of lease: String) async throws -> [String] {
        guard let iptables = HostCommand(named: "iptables") else { return [] }
        let rules = try await iptables.succeed(["-S"], timeout: .seconds(10), outputBytesMax: 1 << 20)
        return rules.split(separator: "\n").map(String.init).filter { $0.contains(lease.prefix(16)) }
    }
}

/// A tenant with OpenSSH's own client and a key pair of its own.
struct Tenant: Sendable {
    let folder: String
    let port: UInt16

    /// Makes a key.
    init(port: UInt16) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "tenant-\(UUID().uuidString)").path
        self.port = port
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let keygen = try #require(HostCommand(named: "ssh-keygen"), "openssh-client is not installed")
        try await keygen.succeed(
            ["-q", "-t", "ed25519", "-N", "", "-C", "tenant@test", "-f", "\(folder)/key"],
            timeout: .seconds(20), outputBytesMax: 4096)
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    var publicKey: String { (try? String(contentsOfFile: "\(folder)/key.pub", encoding: .utf8)) ?? "" }

    /// Takes the host key that the server shows, if it has this fingerprint.
    func pin(_ fingerprint: String) async throws {
        let scan = try #require(HostCommand(named: "ssh-keyscan"))
        // A server that is just up may hang up on the first who asks.
        var shown = ""
        var complaint = ""
        for _ in 0..<10 where shown.isEmpty {
            let ending = try await scan.run(
                ["-t", "ed25519", "-p", "\(port)", "127.0.0.1"], timeout: .seconds(20), outputBytesMax: 65536)
            (shown, complaint) = (ending.output, ending.complaint)
        }
        try #require(!shown.isEmpty, "the server shows no key: \(complaint)")
        try shown.write(toFile: "\(folder)/known_hosts", atomically: true, encoding: .utf8)
        let keygen = try #require(HostCommand(named: "ssh-keygen"))
        let told = try await keygen.succeed(
            ["-l", "-f", "\(folder)/known_hosts"], timeout: .seconds(20), outputBytesMax: 4096)
        try #require(told.contains(fingerprint), "the server shows another key than `info` named")
    }

    /// Logs in and runs a command in the shell there.
    func run(
        _ command: String, user: String = "tenant", options: [String] = [], timeout: Duration = .seconds(30)
    ) async throws -> HostCommand.Ending {
        let ssh = try #require(HostCommand(named: "ssh"))
        return try await ssh.run(
            [
                "-F", "/dev/null", "-p", "\(port)", "-i", "\(folder)/key", "-o", "IdentitiesOnly=yes",
                "-o", "BatchMode=yes", "-o", "ConnectTimeout=5",
                "-o", "UserKnownHostsFile=\(folder)/known_hosts", "-o", "StrictHostKeyChecking=yes",
            ] + options + ["\(user)@127.0.0.1", command], timeout: timeout, outputBytesMax: 65536)
    }
}
