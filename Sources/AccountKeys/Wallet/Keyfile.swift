/// One keyfile on the disk, and the file of its public half beside it.
public struct Keyfile: Sendable, Hashable {
    /// Where the secret lies.
    public let path: String
    /// Where the public half lies.
    public var publicPath: String { path + Wallet.publicSuffix }

    /// Addresses a keyfile; nothing is read.
    public init(path: String) { self.path = path }

    /// Whether there is a file with the secret.
    public var exists: Bool { SecretFile.exists(path) }

    /// How the secret is protected.
    ///
    /// - Throws: `.keyfileMissing`, `.keyfileExposed`, `.keyfileInvalid`, `.fileSystem`.
    public func form() throws(AccountKeyError) -> KeyfileForm { try sealed().form }

    /// Reads the file and opens it, on a thread of its own.
    ///
    /// - Throws: as ``Wallet/hotkey(password:)``.
    public func keypair(password source: PasswordSource) async throws(AccountKeyError) -> Keypair {
        try await keypair(password: source, cost: .standard)
    }

    /// Reads the file and opens it, at a cost that tests choose.
    package func keypair(
        password source: PasswordSource,
        cost: KeyfileCost,
        work: PasswordWork = .shared
    ) async throws(AccountKeyError) -> Keypair {
        let sealed = try await work.run { () throws(AccountKeyError) in try self.sealed() }
        var password: SecretBytes?
        if sealed.needsPassword {
            password = try await source.password(forKeyfile: path)
            guard password != nil else {
                throw AccountKeyError(
                    .passwordRequired,
                    "the keyfile \(path) is sealed and no password was given; BT_WALLET_PASSWORD or "
                        + "\(EnvironmentPassword.variable(forKeyfile: path)) may hold it"
                )
            }
        }
        let key = password
        let contents = try await work.run { () throws(AccountKeyError) in
            do throws(AccountKeyError) {
                return try sealed.open(password: key, cost: cost)
            } catch {
                throw error.about(path)
            }
        }
        guard let pair = contents.keypair else {
            throw AccountKeyError(.keyfilePublicOnly, "the keyfile \(path) holds a public half only")
        }
        return pair
    }

    /// Reads the public half. Blocks for two small files at most.
    ///
    /// - Throws: `.keyfileMissing`, `.keyfileExposed`, `.keyfileInvalid`, `.fileSystem`, those of addresses;
    ///   `.passwordRequired` where there is no public file and the other is sealed.
    public func publicKey() throws(AccountKeyError) -> AccountPublicKey {
        do throws(AccountKeyError) {
            let json = try SecretFile.read(publicPath, .publicHalf)
            do throws(AccountKeyError) {
                return try KeyfileContents(json: json).publicKey()
            } catch {
                throw error.about(publicPath)
            }
        } catch {
            guard error.code == .keyfileMissing else { throw error }
        }
        let file = try sealed()
        guard !file.needsPassword else {
            throw AccountKeyError(
                .passwordRequired, "there is no file \(publicPath), and \(path) is sealed (\(file.form))")
        }
        do throws(AccountKeyError) {
            return try file.open(password: nil).publicKey()
        } catch {
            throw error.about(path)
        }
    }

    /// Writes the secret, sealed where there is a password, then the public half. Without `overwrite` the
    /// public half of another account stays as well: its secret may be kept elsewhere.
    ///
    /// - Throws: as ``Wallet/setHotkey(_:password:overwrite:)``.
    public func write(
        _ contents: KeyfileContents,
        password: SecretBytes?,
        overwrite: Bool = false
    ) async throws(AccountKeyError) {
        try await write(contents, password: password, overwrite: overwrite, cost: .standard)
    }

    /// Writes at a cost that tests choose.
    package func write(
        _ contents: KeyfileContents,
        password: SecretBytes?,
        overwrite: Bool,
        cost: KeyfileCost
    ) async throws(AccountKeyError) {
        guard contents.keypair != nil else {
            throw AccountKeyError(
                .keyfilePublicOnly, "a keyfile without its secret cannot be written to \(path)")
        }
        if let password {
            let length = password.withUnsafeBytes { String(decoding: $0, as: UTF8.self).count }
            guard length >= AccountKeyLimits.newPasswordLengthMin else {
                throw AccountKeyError(
                    .passwordWeak,
                    "a password has at least \(AccountKeyLimits.newPasswordLengthMin) characters")
            }
        }
        try await PasswordWork.shared.run { () throws(AccountKeyError) in
            // Asked before the seconds of sealing, and by the writing itself again.
            guard overwrite || !SecretFile.exists(path) else {
                throw AccountKeyError(.keyfileExists, "there is a file \(path) already; it was not touched")
            }
            if !overwrite { try checkPublicHalf(is: contents.accountID) }
            var bytes = contents.json()
            if let password {
                bytes = try NaClBox.seal(
                    bytes, password: password, nonce: try Sodium.randomBytes(24), cost: cost.argon2)
            }
            // A public half of the key before must never stand beside the new secret, not even after a crash.
            if overwrite { try SecretFile.remove(publicPath) }
            try SecretFile.write(bytes, to: path, overwrite: overwrite)
            try SecretFile.write(contents.publicHalf.json(), to: publicPath, overwrite: true)
        }
    }

    /// Refuses a public file that names another account, or none that can be read.
    private func checkPublicHalf(is account: AccountID) throws(AccountKeyError) {
        guard SecretFile.exists(publicPath) else { return }
        let found = try? KeyfileContents(json: try SecretFile.read(publicPath, .publicHalf))
        guard found?.accountID == account else {
            throw AccountKeyError(
                .keyfileExists, "the file \(publicPath) is of another key already; it was not touched")
        }
    }

    private func sealed() throws(AccountKeyError) -> SealedKeyfile {
        let bytes = try SecretFile.read(path, .secret)
        do throws(AccountKeyError) {
            return try SealedKeyfile(bytes)
        } catch {
            throw error.about(path)
        }
    }
}

extension AccountKeyError {
    /// The same, said of a file.
    fileprivate func about(_ path: String) -> AccountKeyError {
        AccountKeyError(code, "\(path): \(message)", cause: cause)
    }
}
