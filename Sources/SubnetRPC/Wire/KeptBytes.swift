/// What the reader of one direction of a call keeps of its bytes, told to the stream when it is much.
///
/// A message that grows over many pieces, and one that is being worked on, are memory that the other side
/// made this one hold; the window of its stream no longer shows them.
struct KeptBytes: Sendable {
    /// Less than this is not told: most messages are small, and telling has a price.
    static let toldMin = 4 * 1024

    private var told = 0

    /// - Parameter bytes: what is kept now.
    /// - Returns: what to tell the stream; nil where it knows.
    mutating func changed(to bytes: Int) -> Int? {
        let value = bytes >= Self.toldMin ? bytes : 0
        guard value == 0 ? self.told != 0 : abs(value - self.told) >= Self.toldMin else { return nil }
        self.told = value
        return value
    }
}
