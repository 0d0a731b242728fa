/// Bounds on JSON from outside, checked while it is read and before anything is built from it.
public struct JSONLimits: Sendable, Hashable {
    /// Most bytes of one text.
    public var bytesMax: Int
    /// Deepest nesting of lists and objects.
    public var depthMax: Int
    /// Most values and member names in one text.
    public var valuesMax: Int
    /// Most characters of one number.
    public var numberDigitsMax: Int

    /// The bounds; by default 16 MiB, 64 levels, 262 144 values, numbers of 1024 characters.
    public init(
        bytesMax: Int = 16 << 20, depthMax: Int = 64, valuesMax: Int = 262_144, numberDigitsMax: Int = 1024
    ) {
        self.bytesMax = bytesMax
        self.depthMax = depthMax
        self.valuesMax = valuesMax
        self.numberDigitsMax = numberDigitsMax
    }
}
