/// The version of the NI Compute protocols that this program speaks, and the arithmetic of such versions.
///
/// The integer goes over the wire and onto the chain, and collides: 1.10.0 and 2.0.0 are both 200. So what
/// this program compares among releases it compares as text, part by part.
public enum ComputeVersion {
    /// The release whose wire this program speaks.
    public static let text = "1.8.3"
    /// ``text`` as the wire writes it.
    public static let int = 183
    /// The key of weights on the chain.
    public static let weightsKey: UInt64 = 183

    /// Most bytes of a version that is looked at.
    static let textBytesMax = 64

    /// `100 · major + 10 · minor + patch`; a fourth part is ignored. `nil` when a part is missing or not a
    /// number, or the sum does not fit in the 32 bits of the chain.
    public static func int(of text: String?) -> Int? {
        guard let parts = text.flatMap(self.parts(of:)) else { return nil }
        let (major, minor, patch) = (parts[0], parts[1], parts[2])
        let sum = 100 * Int64(major) + 10 * Int64(minor) + Int64(patch)
        return sum <= Int64(UInt32.max) ? Int(sum) : nil
    }

    /// Whether `left` is an older release than `right`, by parts; `nil` when either is no version.
    public static func isOlder(_ left: String, than right: String) -> Bool? {
        guard let left = self.parts(of: left), let right = self.parts(of: right) else { return nil }
        return left.lexicographicallyPrecedes(right)
    }

    /// The first three parts.
    private static func parts(of text: String) -> [UInt32]? {
        guard text.utf8.count <= self.textBytesMax else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        let numbers = parts.prefix(3).compactMap { part in
            part.utf8.allSatisfy { (48...57).contains($0) } ? UInt32(part) : nil
        }
        return numbers.count == 3 ? numbers : nil
    }
}
