import BittensorCore
import Foundation
import GRDB
import Testing

@testable import ComputeSubnet

@Suite struct SQLiteRegistryTests {
    private let directory: TemporaryDirectory
    private let clock = ManualWallClock()

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func registry(_ change: (inout RegistryLimits) -> Void = { _ in }) throws -> SQLiteRegistry {
        var limits = RegistryLimits()
        change(&limits)
        return try SQLiteRegistry(
            directory: self.directory.path, wallClock: self.clock.wallClock, limits: limits)
    }

    private static func call(
        hotkey: String = "5Hot", port: UInt16 = 8091, ip: String = "192.0.2.7", certificate: [UInt8]? = nil
    ) throws -> ServeAxonCall {
        ServeAxonCall(
            netuid: 27, version: 183, ip: try #require(IPAddress(ip)), port: port, placeholder1: 1,
            placeholder2: 2, hotkey: hotkey, coldkey: "5Cold", certificate: certificate)
    }

    @discardableResult
    private func add(
        _ registry: SQLiteRegistry, _ hotkey: String = "5Hot", uid: UInt16? = nil, netuid: UInt16 = 27
    ) async throws -> Neuron {
        try await registry.add(
            netuid: netuid, uid: uid, hotkey: hotkey, coldkey: "5Cold", stakeRao: 2_000_000_000_000,
            isValidatorPermitted: true, axon: nil)
    }

    @Test func whatIsAddedIsFoundAlsoAfterAnotherStart() async throws {
        let registry = try self.registry()
        try await self.add(registry)
        try await self.add(registry, "5Two")
        try await self.add(registry, "5Other", netuid: 15)
        let outcome = try await registry.serveAxon(
            Self.call(ip: "2001:db8::1", certificate: [1, 2, 3]), signedBy: FakeSigner(hotkey: "5Hot"),
            wait: ExtrinsicWait())
        #expect(outcome == .succeeded(block: 0))
        let again = try self.registry()
        let neurons = try await again.neurons(netuid: 27)
        #expect(neurons.map(\.hotkey) == ["5Hot", "5Two"] && neurons.map(\.uid) == [0, 1])
        let neuron = try #require(try await again.neuron(hotkey: "5Hot", netuid: 27))
        #expect(neuron.stakeTAO == 2000 && neuron.isValidatorPermitted)
        #expect(neuron.axon?.ip.text == "2001:db8::1" && neuron.axon?.port == 8091)
        #expect(neuron.axon?.certificate == [1, 2, 3] && neuron.axon?.placeholder2 == 2)
        #expect(neuron.axon?.hostPort == "[2001:db8::1]:8091")
        let elsewhere = try await again.neuron(hotkey: "5Hot", netuid: 15)
        #expect(elsewhere == nil)
    }

    @Test func changingANeuronKeepsItsUidAndAxon() async throws {
        let registry = try self.registry()
        try await self.add(registry, uid: 7)
        _ = try await registry.serveAxon(
            Self.call(), signedBy: FakeSigner(hotkey: "5Hot"), wait: ExtrinsicWait())
        let changed = try await registry.add(
            netuid: 27, uid: nil, hotkey: "5Hot", coldkey: "5New", stakeRao: 5, isValidatorPermitted: false,
            axon: nil)
        #expect(changed.uid == 7 && changed.coldkey == "5New" && changed.stakeRao == 5)
        #expect(changed.axon?.port == 8091)
    }

    /// Another process has the file open, and an axon is announced at the new height.
    @Test func whoHasTheFileOpenSeesTheHeightMoveOn() async throws {
        let registry = try self.registry()
        try await self.add(registry, uid: 7)
        let other = try SQLiteRegistry(directory: self.directory.path, wallClock: self.clock.wallClock)
        let before = try await other.blockHeight()
        #expect(try await registry.advance(blocks: 101) == before + 101)
        #expect(try await other.blockHeight() == before + 101)
        self.clock.advance(.seconds(24))
        #expect(try await other.blockHeight() == before + 103)
        _ = try await other.serveAxon(
            Self.call(), signedBy: FakeSigner(hotkey: "5Hot"), wait: ExtrinsicWait())
        let neuron = try await registry.neuron(hotkey: "5Hot", netuid: 27)
        #expect(neuron?.axon?.block == before + 103)
        for wrong: UInt64 in [0, registry.limits.advanceMax + 1, .max] {
            let error = await #expect(throws: ComputeError.self) { try await registry.advance(blocks: wrong) }
            #expect(error?.code == .invalidConfiguration)
        }
        #expect(try await other.blockHeight() == before + 103)
    }

    @Test func aTakenUidAndAFullSubnetAreRefused() async throws {
        let registry = try self.registry { $0.neuronsMax = 2 }
        try await self.add(registry, "5A", uid: 3)
        var error = await #expect(throws: ComputeError.self) { try await self.add(registry, "5B", uid: 3) }
        #expect(error?.code == .invalidConfiguration && error?.message.contains("5A") == true)
        try await self.add(registry, "5B")
        error = await #expect(throws: ComputeError.self) { try await self.add(registry, "5C") }
        #expect(error?.code == .overloaded)
        #expect(try await registry.remove(netuid: 27, hotkey: "5A"))
        let isRemovedTwice = try await registry.remove(netuid: 27, hotkey: "5A")
        #expect(!isRemovedTwice)
        let free = try await self.add(registry, "5C")
        #expect(free.uid == 1)
    }

    @Test func serveCallsKeepTheRulesOfTheChain() async throws {
        let registry = try self.registry { $0.servingRateBlocks = 50 }
        try await self.add(registry)
        let signer = FakeSigner(hotkey: "5Hot")
        func outcome(_ call: ServeAxonCall, _ signer: FakeSigner) async throws -> ExtrinsicOutcome {
            try await registry.serveAxon(call, signedBy: signer, wait: ExtrinsicWait())
        }
        func isRefused(_ outcome: ExtrinsicOutcome) -> Bool {
            if case .failed = outcome { true } else { false }
        }
        #expect(isRefused(try await outcome(try Self.call(port: 0), signer)))
        #expect(isRefused(try await outcome(try Self.call(ip: "255.255.255.255"), signer)))
        #expect(isRefused(try await outcome(try Self.call(certificate: []), signer)))
        #expect(
            isRefused(
                try await outcome(try Self.call(certificate: [UInt8](repeating: 0, count: 66)), signer)))
        #expect(isRefused(try await outcome(try Self.call(), FakeSigner(hotkey: "5Else"))))
        #expect(
            isRefused(try await outcome(try Self.call(hotkey: "5Else"), FakeSigner(hotkey: "5Else"))))
        await #expect(throws: ComputeError.self) {
            try await outcome(try Self.call(), FakeSigner(hotkey: "5Hot", isLocked: true))
        }
        let nothing = try await registry.neuron(hotkey: "5Hot", netuid: 27)
        #expect(nothing?.axon == nil)
        #expect(try await outcome(try Self.call(), signer) == .succeeded(block: 0))
        self.clock.advance(.seconds(49 * 12))
        #expect(isRefused(try await outcome(try Self.call(port: 9000), signer)))
        self.clock.advance(.seconds(12))
        #expect(try await outcome(try Self.call(port: 9000), signer) == .succeeded(block: 50))
        let height = try await registry.blockHeight()
        #expect(height == 50)
    }

    @Test func notWaitingSaysNothing() async throws {
        let registry = try self.registry()
        let outcome = try await registry.serveAxon(
            Self.call(), signedBy: FakeSigner(hotkey: "5Hot"),
            wait: ExtrinsicWait(inclusion: false, finalization: false))
        #expect(outcome == .submitted)
    }

    @Test func filesAreForTheirOwnerOnly() throws {
        let inner = self.directory.path + "/a/b"
        _ = try SQLiteRegistry(directory: inner, wallClock: self.clock.wallClock)
        func mode(_ path: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return try #require(attributes[.posixPermissions] as? Int)
        }
        #expect(try mode(inner) == 0o700)
        let files = try FileManager.default.contentsOfDirectory(atPath: inner)
        #expect(files.contains(SQLiteRegistry.fileName))
        for file in files { #expect(try mode("\(inner)/\(file)") == 0o600, "\(file)") }
    }

    @Test func aLinkInPlaceOfTheFileIsRefused() throws {
        try FileManager.default.createSymbolicLink(
            atPath: self.directory.path + "/" + SQLiteRegistry.fileName, withDestinationPath: "/etc/hostname")
        let error = #expect(throws: ComputeError.self) { try self.registry() }
        #expect(error?.code == .storage)
    }

    @Test func aFileOfANewerVersionIsRefused() throws {
        let path = self.directory.path + "/" + SQLiteRegistry.fileName
        _ = try self.registry()
        let queue = try DatabaseQueue(path: path)
        try queue.write {
            try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('9 from the future')")
        }
        let error = #expect(throws: ComputeError.self) { try self.registry() }
        #expect(error?.message.contains("newer version") == true)
    }
}
