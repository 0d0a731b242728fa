/// Files with passwords and mnemonics that people hand to a command: read with a warning where a keyfile
/// would be refused, since whoever mounts them decides their permissions.
package enum SecretInput {
    /// What to say about a file that others can read; nil where all is well, or there is no file.
    package static func warning(about path: String) -> String? {
        do throws(AccountKeyError) {
            _ = try SecretFile.read(path, .secret)
            return nil
        } catch {
            return error.code == .keyfileExposed ? error.message : nil
        }
    }

    /// The mnemonics in a file: one, or one on each of its two lines.
    ///
    /// - Throws: `.keyfileMissing`, `.keyfileInvalid`, `.fileSystem`, `.malformedMnemonic`.
    package static func mnemonics(in path: String) throws(AccountKeyError) -> [Mnemonic] {
        let bytes = try SecretFile.read(
            path, .borrowed, bytesMax: 2 * AccountKeyLimits.mnemonicTextBytesMax)
        return try mnemonics(bytes)
    }

    /// The mnemonics in a text: one, or one on each of its two lines.
    package static func mnemonics(_ text: SecretBytes) throws(AccountKeyError) -> [Mnemonic] {
        let text = text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        let lines = text.split(whereSeparator: \.isNewline).filter { line in
            !line.allSatisfy(\.isWhitespace)
        }
        // One word per line, or a phrase that was broken, is one mnemonic.
        guard lines.count == 2 else { return [try Mnemonic(phrase: text)] }
        if let whole = try? Mnemonic(phrase: text) { return [whole] }
        return [try Mnemonic(phrase: String(lines[0])), try Mnemonic(phrase: String(lines[1]))]
    }

    /// Writes mnemonics to a new file with mode 0600, one per line.
    ///
    /// - Throws: `.keyfileExists`, `.fileSystem`.
    package static func write(_ mnemonics: [Mnemonic], to path: String) throws(AccountKeyError) {
        let phrases = mnemonics.map { $0.phraseBytes() }
        let text = SecretBytes(count: phrases.reduce(0) { $0 + $1.count + 1 }) { text in
            var position = 0
            for phrase in phrases {
                phrase.withPointer { (text + position).update(from: $0, count: phrase.count) }
                position += phrase.count + 1
                text[position - 1] = 0x0a
            }
        }
        try SecretFile.write(text, to: path, overwrite: false)
    }
}
