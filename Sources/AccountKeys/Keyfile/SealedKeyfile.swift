/// How a keyfile is protected.
public enum KeyfileForm: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// Not at all.
    case plain
    /// `$NACL`: Argon2i and a secretbox. What is written.
    case nacl
    /// `$ANSIBLE_VAULT;1.1;AES256`; read only.
    case ansibleVault = "ansible-vault"
    /// A Fernet token of the first wallets; read only.
    case fernet
    /// An export of Polkadot-JS, version 3; read only.
    case polkadotJS = "polkadot-js"

    /// The name.
    public var description: String { rawValue }
}

/// A keyfile as it lies on the disk, taken apart and not yet opened: nothing here costs more than its bytes.
package enum SealedKeyfile: Sendable {
    case plain(SecretBytes)
    case nacl(NaClBox)
    case ansibleVault(AnsibleVault)
    case fernet(FernetToken)
    case polkadotJS(PolkadotKeyfile)

    /// Recognises the form and checks the frame.
    ///
    /// - Throws: `.keyfileInvalid`.
    package init(_ bytes: SecretBytes) throws(AccountKeyError) {
        guard bytes.count <= AccountKeyLimits.keyfileBytesMax else {
            throw AccountKeyError(
                .keyfileInvalid, "a keyfile is longer than \(AccountKeyLimits.keyfileBytesMax) bytes")
        }
        func begins(_ prefix: String) -> Bool { bytes.withUnsafeBytes { $0.starts(with: prefix.utf8) } }
        if begins(NaClBox.prefix) {
            self = .nacl(try NaClBox(bytes))
        } else if begins(AnsibleVault.prefix) {
            self = .ansibleVault(try AnsibleVault(bytes.withUnsafeBytes { Array($0) }))
        } else if begins(FernetToken.prefix) {
            self = .fernet(try FernetToken(bytes.withUnsafeBytes { Array($0) }))
        } else if let polkadot = try PolkadotKeyfile(bytes) {
            self = .polkadotJS(polkadot)
        } else {
            self = .plain(bytes)
        }
    }

    /// How it is protected.
    package var form: KeyfileForm {
        switch self {
        case .plain: .plain
        case .nacl: .nacl
        case .ansibleVault: .ansibleVault
        case .fernet: .fernet
        case .polkadotJS: .polkadotJS
        }
    }

    /// Whether a password is needed.
    package var needsPassword: Bool {
        switch self {
        case .plain: false
        case .polkadotJS(let file): file.isSealed
        case .nacl, .ansibleVault, .fernet: true
        }
    }

    /// Opens it. Takes seconds and, for the NaCl form, 512 MiB: call it where a thread may block.
    ///
    /// - Throws: `.passwordRequired`, `.passwordWrong`, `.limitExceeded`, `.cryptography`; and what
    ///   ``KeyfileContents/init(json:rules:)`` throws.
    package func open(
        password: SecretBytes?,
        rules: KeyfileRules = .version11,
        cost: KeyfileCost = .standard
    ) throws(AccountKeyError) -> KeyfileContents {
        if case .plain(let json) = self { return try KeyfileContents(json: json, rules: rules) }
        if case .polkadotJS(let file) = self { return try file.open(password: password) }
        guard let password, password.count > 0 else {
            throw AccountKeyError(
                .passwordRequired, "a keyfile is sealed (\(form)) and no password was given")
        }
        let json: SecretBytes
        switch self {
        case .nacl(let box): json = try box.open(password: password, cost: cost.argon2)
        case .ansibleVault(let vault): json = try vault.open(password: password, rounds: cost.ansibleRounds)
        case .fernet(let token): json = try token.open(password: password, rounds: cost.fernetRounds)
        case .plain, .polkadotJS: return try open(password: password, rules: rules, cost: cost)
        }
        return try KeyfileContents(json: json, rules: rules)
    }
}

/// What password derivations cost; the formats fix it, tests pay less.
package struct KeyfileCost: Sendable {
    /// Argon2i of the NaCl form.
    var argon2: PasswordHash.Argon2Cost
    /// PBKDF2 of ansible-vault.
    var ansibleRounds: Int
    /// PBKDF2 of the Fernet form.
    var fernetRounds: Int

    /// What Bittensor's files are made with.
    package static let standard = KeyfileCost(
        argon2: .bittensor, ansibleRounds: 10_000, fernetRounds: 10_000_000)
    /// For tests: files that nothing else reads.
    package static let cheapest = KeyfileCost(
        argon2: PasswordHash.Argon2Cost(operations: 3, memoryBytes: 8192), ansibleRounds: 2, fernetRounds: 2)
}

extension AccountKeyError {
    /// A tag did not fit.
    static var wrongPassword: AccountKeyError {
        AccountKeyError(
            .passwordWrong, "the password does not open the keyfile, or the file was altered")
    }
}
