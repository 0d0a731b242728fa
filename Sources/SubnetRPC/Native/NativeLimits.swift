/// Bounds of the native wire, checked before anything is believed or kept.
package struct NativeLimits: Sendable {
    /// Largest message, in bytes.
    package var messageBytesMax = 16 * 1024 * 1024
    /// Largest call header, in bytes of its payload.
    package var headerBytesMax = 16 * 1024
    /// Largest authorization frame, in bytes of its payload.
    package var fieldsBytesMax = 8 * 1024
    /// Largest status, in bytes of its payload.
    package var statusBytesMax = 8 * 1024
    /// Most entries in one list of named values.
    package var entriesMax = 64
    /// Largest frame of an unknown optional type that is skipped, in bytes of its payload.
    package var skippedBytesMax = 64 * 1024
    /// Most frames of unknown optional types in one direction of a call.
    package var skippedFramesMax = 64
    /// Longest sentence in a status, in bytes; a longer one is cut.
    package var statusMessageBytesMax = 1024

    /// The documented defaults.
    package init() {}

    /// The defaults with another bound on messages.
    package init(messageBytesMax: Int) { self.messageBytesMax = messageBytesMax }
}
