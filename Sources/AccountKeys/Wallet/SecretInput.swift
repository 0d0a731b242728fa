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

    /// The key in a file of any form that keyfiles have, and its form: a wallet's of another place, or an
    /// export of Polkadot-JS. Takes seconds for sealed forms, on a thread of its own.
    ///
    /// - Throws: as ``Keyfile/keypair(password:)``; whoever may read the file.
    package static func keyfile(
        at path: String, password source: PasswordSource
    ) async throws(AccountKeyError) -> (contents: KeyfileContents, form: KeyfileForm) {
        let sealed = try await PasswordWork.shared.run { () throws(AccountKeyError) in
            try SealedKeyfile(SecretFile.read(path, .borrowed))
        }
        var password: SecretBytes?
        if sealed.needsPassword {
            password = try await source.password(forKeyfile: path)
            guard password != nil else {
                throw AccountKeyError(
                    .passwordRequired, "the file \(path) is sealed (\(sealed.form)) and no password was given"
                )
            }
        }
        let key = password
        let contents = try await PasswordWork.shared.run { () throws(AccountKeyError) in
            try sealed.open(password: key)
        }
        guard contents.keypair != nil else {
            throw AccountKeyError(.keyfilePublicOnly, "the file \(path) holds a public half only")
        }
        return (contents, sealed.form)
    }

    /// The first line of a file that only its owner may read, such as a token.
    ///
    /// - Throws: `.keyfileMissing`, `.keyfileExposed` with the command that mends it, `.keyfileInvalid`,
    ///   `.fileSystem`; `.passwordSource` where the line is empty.
    package static func firstLine(ofSecret path: String) throws(AccountKeyError) -> SecretBytes {
        let bytes = try SecretFile.read(path, .secret)
        let count = bytes.withUnsafeBytes { bytes in
            bytes.firstIndex { $0 == 0x0a || $0 == 0x0d } ?? bytes.count
        }
        guard count > 0 else {
            throw AccountKeyError(.passwordSource, "the first line of \(path) is empty")
        }
        return bytes.slice(0..<count)
    }

    /// Refuses a file that others can read, which somebody else will read: the key of a certificate.
    ///
    /// - Throws: as ``firstLine(ofSecret:)``.
    package static func checkSecret(_ path: String) throws(AccountKeyError) {
        _ = try SecretFile.read(path, .secret)
    }

    /// Writes a new file with mode 0600; folders that are missing are made with mode 0700.
    ///
    /// - Throws: `.keyfileExists`, `.fileSystem`.
    package static func write(secret: [UInt8], to path: String) throws(AccountKeyError) {
        try SecretFile.write(SecretBytes(secret), to: path, overwrite: false)
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
