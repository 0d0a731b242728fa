/// Signatures as the wires carry them: `0x` and hexadecimal digits.
public enum SignatureText {
    /// `0x` and lower-case digits.
    public static func encode(_ signature: [UInt8]) -> String { Hexadecimal.prefixed(signature) }

    /// The bytes of a text; digits may be in either case, the `x` may not.
    ///
    /// - Throws: `.signatureFormat`, `.signatureLength`.
    public static func decode(
        _ text: String,
        scheme: KeyScheme = .sr25519
    ) throws(AccountKeyError) -> [UInt8] {
        guard text.hasPrefix("0x"), text.utf8.count <= 2 + 4 * scheme.signatureBytes,
            let bytes = Hexadecimal.decode(text.utf8.dropFirst(2))
        else { throw AccountKeyError(.signatureFormat, "a signature is not 0x and hexadecimal digits") }
        guard bytes.count == scheme.signatureBytes else {
            throw AccountKeyError(
                .signatureLength,
                "a signature of \(scheme) has \(scheme.signatureBytes) bytes and not \(bytes.count)")
        }
        return bytes
    }
}
