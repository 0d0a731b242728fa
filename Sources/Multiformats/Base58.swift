/// Base58 with Bitcoin's alphabet, without a checksum: the text of a peer id.
///
/// - Source: <https://datatracker.ietf.org/doc/html/draft-msporny-base58-03>
/// - Limits: decoding costs the square of the length, so it takes at most `textBytesMax` characters.
public enum Base58 {
    private static let radix = RadixText(
        alphabet: "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")

    /// The text of `bytes`.
    public static func encode(_ bytes: [UInt8]) -> String { radix.encode(bytes) }

    /// The bytes of `text`.
    ///
    /// - Throws: `.tooLong`, `.invalidText`.
    public static func decode(_ text: String, textBytesMax: Int = 1024) throws(MultiformatsError) -> [UInt8] {
        try decode(text.utf8, textBytesMax: textBytesMax)
    }

    static func decode(_ text: some Collection<UInt8>, textBytesMax: Int) throws(MultiformatsError) -> [UInt8]
    {
        guard text.count <= textBytesMax else {
            throw MultiformatsError(.tooLong, "base58 text is longer than \(textBytesMax) characters")
        }
        guard let bytes = radix.decode(text) else {
            throw MultiformatsError(.invalidText, "base58 text holds a character outside its alphabet")
        }
        return bytes
    }
}
