/// The marks by which a miner knows its own objects in an engine, among those of others.
enum EngineMarks {
    /// The miner that made it.
    static let miner = "subnet.miner"
    /// The lease it belongs to.
    static let lease = "subnet.lease"

    static func labels(miner id: String, lease: String) -> [String: String] {
        [Self.miner: id, Self.lease: lease]
    }

    static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
