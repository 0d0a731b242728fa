/// A key as Substrate's tools write it: `words//hard/soft///password`, or with `0x` and a seed for the words.
///
/// Without words the well-known phrase of development chains is meant: everyone has those keys.
/// - Limits: ``AccountKeyLimits/secretURIBytesMax``.
package struct SecretURI: Sendable {
    private static let developmentPhrase =
        "bottom drive obey lake curtain smoke basket hold race lonely fit walk"

    /// Where the path begins.
    enum Origin: Sendable {
        case mnemonic(Mnemonic)
        case seed(SecretBytes)
    }

    let origin: Origin
    let path: DerivationPath
    let password: String

    /// Reads a URI.
    ///
    /// - Throws: `.malformedDerivation`, `.malformedMnemonic`; `.malformedKey` where a seed is not 32 bytes.
    package init(_ text: String) throws(AccountKeyError) {
        guard text.utf8.count <= AccountKeyLimits.secretURIBytesMax else {
            throw AccountKeyError(.malformedDerivation, "a secret URI is too long")
        }
        let bytes = Array(text.utf8)
        let end = bytes.indices.first { bytes[$0...].starts(with: [0x2f, 0x2f, 0x2f]) } ?? bytes.count
        let start = bytes[..<end].firstIndex(of: 0x2f) ?? end
        let phrase = String(decoding: bytes[..<start], as: UTF8.self)
        path = try DerivationPath(String(decoding: bytes[start..<end], as: UTF8.self))
        password = String(decoding: bytes[end...].dropFirst(3), as: UTF8.self)
        if phrase.hasPrefix("0x") {
            guard let seed = Hexadecimal.decode(phrase.utf8.dropFirst(2)), seed.count == 32 else {
                throw AccountKeyError(.malformedKey, "the seed in a secret URI is not 0x and 64 digits")
            }
            origin = .seed(SecretBytes(seed))
        } else {
            origin = .mnemonic(try Mnemonic(phrase: phrase.isEmpty ? Self.developmentPhrase : phrase))
        }
    }
}
