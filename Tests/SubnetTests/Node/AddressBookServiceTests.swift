import LibP2P
import LibP2PIdentity
import Logging
import ServiceLifecycle
import Testing

@testable import Subnet

@Suite("The address book over restarts", .timeLimit(.minutes(1)))
struct AddressBookServiceTests {
    private let folder: TemporaryFolder
    private let directory: DataDirectory
    private let store: AddressBookStore
    private let addresses: [Multiaddr]
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws {
        folder = try TemporaryFolder()
        directory = try DataDirectory.open(folder.file("data"))
        store = AddressBookStore(directory: directory)
        addresses = [try Multiaddr("/ip4/192.0.2.7/tcp/4001")]
    }

    private func key(_ number: UInt8) throws -> PrivateKey {
        try PrivateKey(ed25519Seed: Array(repeating: number, count: 32))
    }

    private func peer(_ number: UInt8) throws -> PeerID { PeerID(publicKey: try key(number).publicKey) }

    /// What a peer signs about itself.
    private func envelope(of number: UInt8, sequence: UInt64) throws -> [UInt8] {
        let record = try PeerRecord(
            peerID: try peer(number), sequenceNumber: sequence, addresses: addresses)
        return try record.sealed(with: try key(number)).encoded
    }

    /// A host that knows what is on disk, and the service that saves what it knows.
    private func start(peersMax: Int = 64) throws -> (host: Host, service: AddressBookService) {
        var configuration = try HostConfiguration(identity: .generate(.ed25519))
        configuration.limits.addressBookPeersMax = peersMax
        let host = try Host(configuration, logger: logger)
        let service = try AddressBookService(
            host: host, directory: directory, configuration: AddressBookConfiguration(), logger: logger)
        return (host, service)
    }

    /// Runs the service up to the shutdown of its node; answers what it left on disk.
    private func shutDown(_ service: AddressBookService) async throws -> StoredAddressBook {
        let group = ServiceGroup(services: [service], logger: logger)
        await group.triggerGracefulShutdown()
        try await group.run()
        return try store.load().book
    }

    @Test func `a peer that was not heard of keeps its time, and one that was gets a new one`() async throws {
        let (silent, heard, new) = (try peer(1), try peer(2), try peer(3))
        var book = StoredAddressBook()
        book.update(silent, StoredAddressBook.Entry(addresses: addresses, lastSeen: 1000))
        book.update(heard, StoredAddressBook.Entry(addresses: addresses, lastSeen: 2000))
        try store.save(book)
        for _ in 1...2 {
            let (host, service) = try start()
            host.addAddresses(addresses, of: heard)
            host.addAddresses(addresses, of: new)
            let saved = try await shutDown(service)
            #expect(saved.entries.count == 3)
            #expect(saved[silent] == book[silent])
            let times = [try #require(saved[heard]).lastSeen, try #require(saved[new]).lastSeen]
            #expect(times.allSatisfy { $0 > 1_000_000_000 })
        }
        let (_, service) = try start()
        let before = try store.load().book
        #expect(try await shutDown(service) == before)
    }

    @Test func `those seen longest ago before the restart make room first`() throws {
        let (old, recent, new) = (try peer(1), try peer(2), try peer(3))
        var book = StoredAddressBook()
        book.update(old, StoredAddressBook.Entry(addresses: addresses, lastSeen: 1000))
        book.update(recent, StoredAddressBook.Entry(addresses: addresses, lastSeen: 2000))
        try store.save(book)
        let (host, _) = try start(peersMax: 2)
        host.addAddresses(addresses, of: new)
        #expect(Set(host.addressBook.keys) == [recent, new])
    }

    @Test func `a record comes back with its sequence number`() async throws {
        var book = StoredAddressBook()
        let envelope = try envelope(of: 1, sequence: 7)
        book.update(
            try peer(1),
            StoredAddressBook.Entry(addresses: addresses, signedEnvelope: envelope, lastSeen: 1000))
        try store.save(book)
        let (host, service) = try start()
        let entry = try #require(host.addressBookEntry(of: try peer(1)))
        #expect(entry.signedRecord == envelope && entry.recordSequence == 7)
        #expect(try await shutDown(service) == book)
    }

    @Test func `a record that its peer did not sign is dropped, its addresses are not`() throws {
        var changed = try envelope(of: 1, sequence: 7)
        changed[changed.count / 2] ^= 1
        let envelopes = [changed, try envelope(of: 9, sequence: 7), [], [1, 2, 3]]
        var book = StoredAddressBook()
        for (number, envelope) in envelopes.enumerated() {
            book.update(
                try peer(UInt8(number) + 1),
                StoredAddressBook.Entry(addresses: addresses, signedEnvelope: envelope, lastSeen: 1000))
        }
        try store.save(book)
        let (host, _) = try start()
        #expect(host.addressBook.count == envelopes.count)
        for entry in host.addressBook.values {
            #expect(entry.signedRecord == nil && entry.recordSequence == 0)
            #expect(entry.addresses == addresses)
        }
    }
}
