/// Every bound of the engine client, in one place.
package struct ContainerEngineLimits: Sendable, Hashable {
    /// Largest answer that is read, in bytes. Lists of a machine with thousands of containers fit.
    package var responseBytesMax = 8 << 20

    /// Most bytes of standard output and standard error together that ``ContainerEngine/exec(_:in:user:)``
    /// reads.
    package var outputBytesMax = 64 << 10

    /// Largest archive that is put into a container, in bytes.
    package var archiveBytesMax = 16 << 20

    /// Largest image that is imported, in bytes.
    package var imageBytesMax: Int64 = 64 << 30

    /// Connections to the engine's socket at once.
    package var connectionsMax = 8

    /// Characters of the engine's own words that an error quotes.
    package var quotedCharactersMax = 400

    /// Time for a call that answers at once: inspect, list, remove a volume.
    package var callTimeout: Duration = .seconds(20)

    /// Time for a call that works: create, start, remove, exec. A stop adds its grace period.
    package var workTimeout: Duration = .seconds(60)

    /// Time for an image to be imported.
    package var imageTimeout: Duration = .seconds(900)

    /// The default bounds.
    package init() {}
}
