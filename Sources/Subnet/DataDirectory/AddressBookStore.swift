internal import LibP2PIdentity

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Keeps an ``StoredAddressBook`` in `address-book.json` of a ``DataDirectory``.
///
/// The book is a convenience: a file that cannot be understood is renamed to `address-book.corrupt.json` and
/// the node starts with an empty one. Blocking: not for event loops.
public struct AddressBookStore: Sendable {
    static let fileName = "address-book.json"
    static let corruptFileName = "address-book.corrupt.json"

    /// The layout of the file.
    private struct File: Codable {
        struct Peer: Codable {
            var id: String
            var addresses: [String]
            /// Base64.
            var envelope: Data?
            /// Seconds since 1970.
            var lastSeen: Int64
        }
        var version: Int
        var peers: [Peer]
    }

    private static let version = 1

    private let directory: DataDirectory
    let limits: StoredAddressBook.Limits

    /// Creates a store for the book in `directory`.
    public init(directory: DataDirectory, limits: StoredAddressBook.Limits = StoredAddressBook.Limits()) {
        self.directory = directory
        self.limits = limits
    }

    /// The book on disk and what was wrong with it, one sentence each.
    ///
    /// - Throws: ``NodeError`` when the disk fails; never because of what the file holds.
    public func load() throws(NodeError) -> (book: StoredAddressBook, warnings: [String]) {
        let bytes: [UInt8]?
        do {
            bytes = try directory.read(Self.fileName, bytesMax: limits.fileBytesMax)
        } catch {
            guard error.code == .tooLarge else { throw error }
            return try setAside(because: "it is larger than the bound")
        }
        guard let bytes else { return (StoredAddressBook(limits: limits), []) }
        guard let file = try? JSONDecoder().decode(File.self, from: Data(bytes)) else {
            return try setAside(because: "it is not an address book")
        }
        guard file.version == Self.version else {
            return try setAside(because: "it has version \(file.version)")
        }
        return read(file)
    }

    /// Writes the book in one step. Equal books give equal files.
    public func save(_ book: StoredAddressBook) throws(NodeError) {
        let peers = book.entries.sorted { $0.key < $1.key }.map { peer, entry in
            File.Peer(
                id: peer.description, addresses: entry.addresses.map(\.description),
                envelope: entry.signedEnvelope.map { Data($0) }, lastSeen: entry.lastSeen)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        let data: Data
        do {
            data = try encoder.encode(File(version: Self.version, peers: peers))
        } catch {
            throw NodeError(.ioFailed, "The address book cannot be encoded.", cause: error)
        }
        try directory.write(Array(data), to: Self.fileName)
    }

    private func read(_ file: File) -> (book: StoredAddressBook, warnings: [String]) {
        var book = StoredAddressBook(limits: limits)
        var dropped = 0
        for item in file.peers {
            guard let peer = try? PeerID(item.id) else {
                dropped += 1
                continue
            }
            let addresses = item.addresses.compactMap { try? Multiaddr($0) }
            dropped += item.addresses.count - addresses.count
            book.update(
                peer,
                StoredAddressBook.Entry(
                    addresses: addresses, signedEnvelope: item.envelope.map { Array($0) },
                    lastSeen: item.lastSeen))
        }
        let warnings =
            dropped == 0 ? [] : ["\(dropped) entries of the address book could not be read and were dropped."]
        return (book, warnings)
    }

    private func setAside(because reason: String) throws(NodeError) -> (StoredAddressBook, [String]) {
        try directory.rename(Self.fileName, to: Self.corruptFileName)
        let warning = "The address book was set aside as \(Self.corruptFileName) because \(reason)."
        return (StoredAddressBook(limits: limits), [warning])
    }
}
