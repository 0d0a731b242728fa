/// Moments between two changes to the outside, at which a crash leaves something behind. Tests of crash
/// safety end their process there; the program itself does nothing at them.
package enum LeaseCheckpoint: String, Sendable, CaseIterable {
    /// The disk exists; the container does not.
    case diskMade
    /// The container exists and does not run.
    case containerCreated
    /// The tenant could log in; the store still says "preparing".
    case containerReady
    /// The end is written; the container still runs.
    case endDecided
    /// The container is gone; its volumes and network are not.
    case containerRemoved
    /// All is gone but the disk, and the store does not say so.
    case volumesRemoved
}
