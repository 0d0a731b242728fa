import ContainerEngine
import Foundation
import NIOCore
import Testing

@Suite("A real engine", .enabled(if: TestEngine.isWanted, TestEngine.reason), .serialized)
struct RealEngineTests {
    private func sleeper() -> ContainerSpec {
        var spec = ContainerSpec(
            image: TestEngine.image, command: ["/usr/bin/sleep", "600"], user: "1000:1000")
        spec.labels = ["subnet.test": "1"]
        return spec
    }

    /// Runs with a container and removes it afterwards, whatever happens.
    private func withContainer(
        _ spec: ContainerSpec, _ body: (ContainerEngine, String) async throws -> Void
    ) async throws {
        try await TestEngine.with { engine in
            let name = TestEngine.uniqueName()
            _ = try await engine.createContainer(spec, name: name)
            do { try await body(engine, name) } catch {
                try? await engine.removeContainer(name)
                throw error
            }
            try await engine.removeContainer(name)
            let gone = try await engine.container(name)
            #expect(gone == nil)
        }
    }

    @Test func itSaysWhatItIs() async throws {
        try await TestEngine.with { engine in
            let information = try await engine.information()
            #expect(!information.storageDriver.isEmpty)
            #expect(information.enforcesMemory)
            #expect(information.enforcesPids)
            try await engine.ping()
            let image = try #require(try await engine.image(TestEngine.image))
            #expect(image.id.hasPrefix("sha256:"))
            #expect(image.labels["subnet.lease-image"] == "1")
            let none = try await engine.image("localhost/no-such-image:latest")
            #expect(none == nil)
        }
    }

    @Test func aContainerLivesAndEnds() async throws {
        try await withContainer(sleeper()) { engine, name in
            let phase = { () async throws -> ContainerState.Phase? in try await engine.container(name)?.phase
            }
            #expect(try await phase() == .created)
            try await engine.start(name)
            try await engine.start(name)
            #expect(try await phase() == .running)
            try await engine.pause(name)
            #expect(try await phase() == .paused)
            try await engine.unpause(name)
            #expect(try await phase() == .running)
            try await engine.restart(name, grace: .zero)
            #expect(try await phase() == .running)
            let listed = try await engine.containers(label: "subnet.test", value: "1")
            #expect(listed.contains { $0.names.contains(name) && $0.phase == .running })
            let others = try await engine.containers(label: "subnet.test", value: "other")
            #expect(!others.contains { $0.names.contains(name) })
            try await engine.kill(name)
            let exitCode = try await engine.wait(for: name, timeout: .seconds(20))
            #expect(exitCode == 137)
            try await engine.stop(name, grace: .zero)
            #expect(try await engine.container(name)?.isAlive == false)
        }
    }

    @Test func aFrozenContainerCanBeRemoved() async throws {
        try await withContainer(sleeper()) { engine, name in
            try await engine.start(name)
            try await engine.pause(name)
        }
    }

    @Test func commandsAreArgumentsAndTheirOutputIsBounded() async throws {
        var limits = ContainerEngineLimits()
        limits.outputBytesMax = 4096
        let spec = sleeper()
        try await TestEngine.with(limits: limits) { engine in
            let name = TestEngine.uniqueName()
            _ = try await engine.createContainer(spec, name: name)
            do {
                try await engine.start(name)
                let hostile = "$(id); `id` | cat > /tmp/x\n\"'"
                let echoed = try await engine.exec(
                    ["/usr/bin/printf", "%s", hostile], in: name, user: "1000:1000")
                #expect(echoed.exitCode == 0)
                #expect(String(decoding: echoed.standardOutput, as: UTF8.self) == hostile)
                let failed = try await engine.exec(
                    ["/usr/bin/cat", "/nonexistent"], in: name, user: "1000:1000")
                #expect(failed.exitCode == 1)
                #expect(String(decoding: failed.standardError, as: UTF8.self).contains("/nonexistent"))
                let error = await #expect(throws: ContainerEngineError.self) {
                    try await engine.exec(
                        ["/usr/bin/head", "-c", "1000000", "/dev/zero"], in: name, user: "1000:1000")
                }
                #expect(error?.code == .tooLarge)
                let who = try await engine.exec(["/usr/bin/id", "-u"], in: name, user: "1000:1000")
                #expect(who.text == "1000")
            } catch {
                try? await engine.removeContainer(name)
                throw error
            }
            try await engine.removeContainer(name)
        }
    }

    @Test func theStrictDefaultsHold() async throws {
        var spec = sleeper()
        spec.resources.memoryBytes = 64 << 20
        spec.resources.processesMax = 16
        spec.resources.nanoCPUs = 500_000_000
        try await withContainer(spec) { engine, name in
            try await engine.start(name)
            let state = try #require(try await engine.container(name))
            #expect(state.memoryBytes == 64 << 20)
            #expect(state.processesMax == 16)
            #expect(state.nanoCPUs == 500_000_000)
            #expect(state.isRootReadOnly && !state.isPrivileged)
            #expect(state.securityOptions.contains { $0.hasPrefix("no-new-privileges") })
            let status = try await engine.exec(
                ["/usr/bin/cat", "/proc/self/status"], in: name, user: "1000:1000")
            #expect(status.text.contains("CapBnd:\t0000000000000000"))
            #expect(status.text.contains("NoNewPrivs:\t1"))
            let written = try await engine.exec(["/usr/bin/touch", "/x"], in: name, user: "1000:1000")
            #expect(written.exitCode != 0)
            let routes = try await engine.exec(
                ["/usr/bin/cat", "/proc/net/route"], in: name, user: "1000:1000")
            #expect(routes.text.split(separator: "\n").count == 1, "the default network has no way out")
        }
    }

    @Test func filesReachAVolumeWithoutAShell() async throws {
        try await TestEngine.with { engine in
            let (name, volume) = (TestEngine.uniqueName(), TestEngine.uniqueName())
            try await engine.createVolume(VolumeSpec(name: volume, labels: ["subnet.test": volume]))
            var spec = sleeper()
            spec.volumes = [.init(volume: volume, folder: "/run/lease")]
            do {
                _ = try await engine.createContainer(spec, name: name)
                var archive = TarArchive()
                try archive.appendFile(
                    "secret", content: Array("hello".utf8), mode: 0o600, user: 1000, group: 1000)
                try await engine.putArchive(archive.finished(), in: name, folder: "/run/lease")
                try await engine.start(name)
                let read = try await engine.exec(
                    ["/usr/bin/cat", "/run/lease/secret"], in: name, user: "1000:1000")
                #expect(read.text == "hello")
                let mode = try await engine.exec(
                    ["/usr/bin/stat", "-c", "%a %u", "/run/lease/secret"], in: name, user: "1000:1000")
                #expect(mode.text == "600 1000")
                let inUse = await #expect(throws: ContainerEngineError.self) {
                    try await engine.removeVolume(volume)
                }
                #expect(inUse?.code == .conflict)
            } catch {
                try? await engine.removeContainer(name)
                try? await engine.removeVolume(volume)
                throw error
            }
            try await engine.removeContainer(name)
            let before = try await engine.volumes(label: "subnet.test", value: volume)
            #expect(before.map(\.name) == [volume])
            try await engine.removeVolume(volume)
            try await engine.removeVolume(volume)
            let after = try await engine.volumes(label: "subnet.test", value: volume)
            #expect(after.isEmpty)
        }
    }

    @Test func networksComeAndGo() async throws {
        try await TestEngine.with { engine in
            let name = TestEngine.uniqueName()
            try await engine.createNetwork(name, labels: ["subnet.test": "1"])
            let network = try await engine.network(name)
            try await engine.removeNetwork(name)
            #expect(network?.subnets.isEmpty == false)
            #expect(network?.labels["subnet.test"] == "1")
            let gone = try await engine.network(name)
            #expect(gone == nil)
        }
    }

    @Test func namesAreTakenOnce() async throws {
        try await withContainer(sleeper()) { engine, name in
            let error = await #expect(throws: ContainerEngineError.self) {
                try await engine.createContainer(self.sleeper(), name: name)
            }
            #expect(error?.code == .conflict || error?.code == .refused)
        }
    }

    @Test func anImageIsMadeFromARootFileSystem() async throws {
        try await TestEngine.with { engine in
            var archive = TarArchive()
            try archive.appendFolder("etc", mode: 0o755)
            try archive.appendFile("etc/motd", content: Array("hi".utf8), mode: 0o644)
            let file = FileManager.default.temporaryDirectory.appending(path: TestEngine.uniqueName())
            try Data(archive.finished().readableBytesView).write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            let repository = "localhost/\(TestEngine.uniqueName())"
            try await engine.importImage(
                fromTar: file.path, repository: repository, tag: "1", labels: ["subnet.test": "1"])
            let image = try await engine.image("\(repository):1")
            try await engine.removeImage("\(repository):1")
            #expect(image?.labels["subnet.test"] == "1")
            let gone = try await engine.image("\(repository):1")
            #expect(gone == nil)
        }
    }
}
