internal import CSodium

/// The form that Bittensor writes: `$NACL`, 24 bytes of nonce, and a box of XSalsa20-Poly1305.
package struct NaClBox: Sendable {
    static let prefix = "$NACL"
    private static let nonceBytes = Int(crypto_secretbox_NONCEBYTES)
    private static let tagBytes = Int(crypto_secretbox_MACBYTES)
    /// The same for all files: the wallet's format has no place for another.
    private static let salt: [UInt8] = [
        0x13, 0x71, 0x83, 0xdf, 0xf1, 0x5a, 0x09, 0xbc, 0x9c, 0x90, 0xb5, 0x51, 0x87, 0x39, 0xe9, 0xb1,
    ]

    let nonce: [UInt8]
    let box: [UInt8]

    init(_ file: SecretBytes) throws(AccountKeyError) {
        let start = Self.prefix.utf8.count
        guard file.count >= start + Self.nonceBytes + Self.tagBytes else {
            throw AccountKeyError(.keyfileInvalid, "a keyfile of the NaCl form is cut short")
        }
        let bytes = file.withUnsafeBytes { Array($0) }
        nonce = Array(bytes[start..<start + Self.nonceBytes])
        box = Array(bytes[(start + Self.nonceBytes)...])
    }

    /// Opens the box; its tag is checked before a byte is believed.
    func open(password: SecretBytes, cost: PasswordHash.Argon2Cost) throws(AccountKeyError) -> SecretBytes {
        let key = try PasswordHash.argon2i(password: password, salt: Self.salt, cost: cost)
        return try open(key: key)
    }

    /// Opens the box with the key that Argon2 made.
    func open(key: SecretBytes) throws(AccountKeyError) -> SecretBytes {
        var isOpen = false
        let plain = SecretBytes(count: box.count - Self.tagBytes) { plain in
            isOpen = key.withPointer {
                crypto_secretbox_open_easy(plain, box, UInt64(box.count), nonce, $0) == 0
            }
        }
        guard isOpen else { throw .wrongPassword }
        return plain
    }

    /// The bytes of a file that holds `plain`.
    static func seal(
        _ plain: SecretBytes,
        password: SecretBytes,
        nonce: [UInt8],
        cost: PasswordHash.Argon2Cost
    ) throws(AccountKeyError) -> SecretBytes {
        guard nonce.count == nonceBytes, password.count > 0 else {
            throw AccountKeyError(.cryptography, "a box needs a nonce of 24 bytes and a password")
        }
        let key = try PasswordHash.argon2i(password: password, salt: salt, cost: cost)
        let head = Array(prefix.utf8) + nonce
        return SecretBytes(count: head.count + tagBytes + plain.count) { file in
            for (index, byte) in head.enumerated() { file[index] = byte }
            plain.withPointer { plainStart in
                key.withPointer { key in
                    _ = crypto_secretbox_easy(
                        file + head.count, plainStart, UInt64(plain.count), nonce, key)
                }
            }
        }
    }
}
