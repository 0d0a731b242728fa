import Foundation
import LibP2PIdentity
import Testing

@testable import Subnet

@Suite("The stored address book")
struct AddressBookStoreTests {
    private let folder: TemporaryFolder
    private let directory: DataDirectory

    init() throws {
        folder = try TemporaryFolder()
        directory = try DataDirectory.open(folder.file("data"))
    }

    private func peer(_ number: UInt8) throws -> PeerID {
        PeerID(publicKey: try PrivateKey(ed25519Seed: Array(repeating: number, count: 32)).publicKey)
    }

    private func entry(_ seen: Int64, addresses: Int = 1) throws -> StoredAddressBook.Entry {
        StoredAddressBook.Entry(
            addresses: try (0..<addresses).map { try Multiaddr("/ip4/192.0.2.1/tcp/\(1000 + $0)") },
            signedEnvelope: [1, 2, 3], lastSeen: seen)
    }

    @Test func `is empty at first, and comes back as it was saved`() throws {
        let store = AddressBookStore(directory: directory)
        var (book, warnings) = try store.load()
        #expect(book.entries.isEmpty && warnings.isEmpty)
        book.update(try peer(1), try entry(10, addresses: 3))
        book.update(try peer(2), StoredAddressBook.Entry(addresses: [], lastSeen: -5))
        try store.save(book)
        let loaded = try store.load()
        #expect(loaded.book == book)
        #expect(loaded.warnings.isEmpty)
    }

    @Test func `equal books give equal files`() throws {
        let store = AddressBookStore(directory: directory)
        var files: [[UInt8]?] = []
        for order in [[1, 2, 3], [3, 1, 2]] as [[UInt8]] {
            var book = StoredAddressBook()
            for number in order { book.update(try peer(number), try entry(Int64(number))) }
            try store.save(book)
            files.append(try directory.read("address-book.json"))
        }
        #expect(files[0] == files[1])
    }

    @Test func `forgets those seen longest ago when it is full`() throws {
        var limits = StoredAddressBook.Limits()
        limits.peersMax = 2
        limits.addressesPerPeerMax = 1
        limits.envelopeBytesMax = 2
        var book = StoredAddressBook(limits: limits)
        book.update(try peer(1), try entry(30))
        book.update(try peer(2), try entry(10))
        book.update(try peer(3), try entry(20, addresses: 2))
        #expect(book.latest(9) == [try peer(1), try peer(3)])
        #expect(book[try peer(3)]?.addresses.count == 1)
        #expect(book[try peer(3)]?.signedEnvelope == nil)
        book.update(try peer(4), try entry(1))
        #expect(book[try peer(4)] == nil)
        book.remove(try peer(1))
        #expect(book.latest(9) == [try peer(3)])
    }

    @Test(arguments: [
        "", "{", "[]", "{\"version\":1}", "{\"version\":2,\"peers\":[]}",
        "{\"version\":1,\"peers\":[{\"id\":\"x\",\"addresses\":\"y\",\"lastSeen\":1}]}",
    ])
    func `that cannot be understood is set aside with a warning`(text: String) throws {
        try directory.write(Array(text.utf8), to: "address-book.json")
        let (book, warnings) = try AddressBookStore(directory: directory).load()
        #expect(book.entries.isEmpty)
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("was set aside as address-book.corrupt.json because it") == true)
        #expect(try folder.text("data/address-book.corrupt.json") == text)
        #expect(try directory.read("address-book.json") == nil)
    }

    @Test func `cut off at any byte is set aside, never a crash`() throws {
        let store = AddressBookStore(directory: directory)
        var book = StoredAddressBook()
        book.update(try peer(1), try entry(1))
        try store.save(book)
        let whole = try #require(try directory.read("address-book.json"))
        for count in 0..<whole.count {
            try directory.write(Array(whole.prefix(count)), to: "address-book.json")
            #expect(try store.load().book.entries.isEmpty)
        }
    }

    @Test func `larger than its bound is set aside`() throws {
        var limits = StoredAddressBook.Limits()
        limits.peersMax = 1
        try directory.write(Array(repeating: 32, count: limits.fileBytesMax + 1), to: "address-book.json")
        let (_, warnings) = try AddressBookStore(directory: directory, limits: limits).load()
        #expect(warnings.first?.contains("larger than the bound") == true)
    }

    @Test func `loses only the entries that cannot be read`() throws {
        let good = try peer(1)
        let text = """
            {"version":1,"peers":[
              {"id":"nonsense","addresses":[],"lastSeen":1},
              {"id":"\(good)","addresses":["/ip4/192.0.2.1/tcp/1","/nonsense/1"],"lastSeen":2}]}
            """
        try directory.write(Array(text.utf8), to: "address-book.json")
        let (book, warnings) = try AddressBookStore(directory: directory).load()
        #expect(book.entries.keys.map { $0 } == [good])
        #expect(book[good]?.addresses.count == 1)
        #expect(warnings == ["2 entries of the address book could not be read and were dropped."])
    }

    @Test func `at its bounds fits its file bound`() throws {
        var limits = StoredAddressBook.Limits()
        limits.peersMax = 3
        limits.envelopeBytesMax = 300
        var book = StoredAddressBook(limits: limits)
        let addresses = try (0..<limits.addressesPerPeerMax).map {
            try Multiaddr("/ip6/2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff/tcp/\(10_000 + $0)")
        }
        for number in 1...3 as ClosedRange<UInt8> {
            book.update(
                try peer(number),
                .init(addresses: addresses, signedEnvelope: Array(repeating: 255, count: 300), lastSeen: .max)
            )
        }
        let store = AddressBookStore(directory: directory, limits: limits)
        try store.save(book)
        #expect(try store.load().book == book)
    }
}
