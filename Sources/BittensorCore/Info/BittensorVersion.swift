/// Versions as one number.
public enum BittensorVersion {
    /// `major·1 000 000 + minor·1000 + patch`, as the SDK counts: `10.5.0` is 10 005 000. `nil` for what has
    /// not at least three numbers.
    public static func sdkInt(_ text: String) -> Int? {
        self.int(text, 1_000_000, 1000)
    }

    /// `100·major + 10·minor + patch`, as NI Compute counts: `1.8.3` is 183. Different versions can have the
    /// same number: 1.10.0 and 2.0.0 are both 200.
    public static func computeInt(_ text: String) -> Int? {
        self.int(text, 100, 10)
    }

    private static func int(_ text: String, _ major: Int, _ minor: Int) -> Int? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        var numbers: [Int] = []
        for part in parts.prefix(3) {
            guard !part.isEmpty, part.utf8.count <= 9, part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
                let number = Int(part)
            else { return nil }
            numbers.append(number)
        }
        return major * numbers[0] + minor * numbers[1] + numbers[2]
    }
}
