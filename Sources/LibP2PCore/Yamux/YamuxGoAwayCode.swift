/// Why a session ends: the `length` field of a go-away frame. Codes outside the spec are carried as they are.
package struct YamuxGoAwayCode: RawRepresentable, Sendable, Hashable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// No new streams; the open ones may finish.
    package static let normal = YamuxGoAwayCode(rawValue: 0)
    /// The other side broke the protocol.
    package static let protocolError = YamuxGoAwayCode(rawValue: 1)
    /// This side failed.
    package static let internalError = YamuxGoAwayCode(rawValue: 2)
}
