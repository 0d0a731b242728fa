import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2P

struct AddressBookTests {
    private let peers: [PeerID]

    init() throws {
        self.peers = try (0..<4).map { _ in PeerID(publicKey: try PrivateKey.generate(.ed25519).publicKey) }
    }

    private func address(_ port: Int) throws -> Multiaddr { try Multiaddr("/ip4/10.0.0.1/tcp/\(port)") }
    private func time(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

    @Test func `the newest addresses come first and each is kept once`() throws {
        var book = AddressBook(peersMax: 4, addressesPerPeerMax: 3)
        book.add([try self.address(1), try self.address(2)], of: self.peers[0], now: self.time(1))
        book.add(
            [try self.address(3).with(peerID: self.peers[0]), try self.address(1)], of: self.peers[0],
            now: self.time(2))
        #expect(
            book[self.peers[0]]?.addresses == [try self.address(3), try self.address(1), try self.address(2)])
        book.add([try self.address(4)], of: self.peers[0], now: self.time(3))
        #expect(
            book[self.peers[0]]?.addresses == [try self.address(4), try self.address(3), try self.address(1)])
    }

    @Test func `a full book drops the peer seen longest ago`() throws {
        var book = AddressBook(peersMax: 2, addressesPerPeerMax: 3)
        book.add([try self.address(1)], of: self.peers[0], now: self.time(1))
        book.add([try self.address(2)], of: self.peers[1], now: self.time(2))
        book.add([try self.address(1)], of: self.peers[0], now: self.time(3))
        book.add([try self.address(3)], of: self.peers[2], now: self.time(4))
        #expect(book[self.peers[1]] == nil)
        #expect(book.entries.count == 2)
    }

    @Test func `a signed record replaces claims and an older one is refused`() throws {
        var book = AddressBook(peersMax: 2, addressesPerPeerMax: 3)
        let peer = self.peers[0]
        book.add([try self.address(1)], of: peer, now: self.time(1))
        let taken1 = book.setRecord(
            [5], addresses: [try self.address(5)], sequence: 5, of: peer, now: self.time(2))
        #expect(taken1)
        #expect(book[peer]?.addresses == [try self.address(5)])
        let taken2 = book.setRecord(
            [4], addresses: [try self.address(4)], sequence: 4, of: peer, now: self.time(3))
        #expect(!taken2)
        #expect(book[peer]?.signedRecord == [5])
        let taken3 = book.setRecord(
            [6], addresses: [try self.address(6)], sequence: 6, of: peer, now: self.time(4))
        #expect(taken3)
        #expect(book[peer]?.recordSequence == 6)
    }

    @Test func `a record with too many addresses is cut to the limit`() throws {
        var book = AddressBook(peersMax: 2, addressesPerPeerMax: 3)
        let many = try (1...50).map(self.address)
        _ = book.setRecord([1], addresses: many, sequence: 1, of: self.peers[0], now: self.time(1))
        #expect(book[self.peers[0]]?.addresses == Array(many.prefix(3)))
    }

    @Test func `restoring keeps what is known already`() throws {
        var book = AddressBook(peersMax: 4, addressesPerPeerMax: 3)
        book.add([try self.address(1)], of: self.peers[0], now: self.time(1))
        book.restore([
            self.peers[0]: AddressBookEntry(addresses: [try self.address(9)]),
            self.peers[1]: AddressBookEntry(addresses: [try self.address(2)]),
        ])
        #expect(book[self.peers[0]]?.addresses == [try self.address(1)])
        #expect(book[self.peers[1]]?.addresses == [try self.address(2)])
    }
}
