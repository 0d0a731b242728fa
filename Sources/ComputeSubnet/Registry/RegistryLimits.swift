/// The bounds of a registry in a file.
package struct RegistryLimits: Sendable, Hashable {
    /// Most neurons of one subnet, as uids have 16 bits and chains allow 256 by default. Default 4096.
    package var neuronsMax = 4096
    /// Blocks between two serve calls of one hotkey; 0 is no bound. Default 0.
    package var servingRateBlocks: UInt64 = 0
    /// The length of a block, seconds. Default 12.
    package var blockSeconds: Int64 = 12
    /// Most blocks by which an operator moves the height on at a time. Default a million, 139 days.
    package var advanceMax: UInt64 = 1_000_000
    /// Most bytes of a certificate. Default 65.
    package var certificateBytesMax = 65

    /// Creates the defaults.
    package init() {}
}
