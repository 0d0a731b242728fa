/// Bounds of the template wire, which has none of its own.
package struct TemplateLimits: Sendable {
    /// Largest body of a frame, in bytes.
    package var bodyBytesMax = 16 * 1024 * 1024
    /// How long a call from a peer may take, its request included: its wire says nothing about deadlines.
    package var deadline: Duration = .seconds(30)

    /// The documented defaults.
    package init() {}

    /// The defaults with another bound on bodies.
    package init(bodyBytesMax: Int) { self.bodyBytesMax = bodyBytesMax }
}
