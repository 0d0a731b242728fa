/// The bounds of this module, all enforced before bytes are believed.
public enum AccountKeyLimits {
    /// The text of an SS58 address; 32 bytes with the longest prefix take 50 characters.
    public static let addressTextBytesMax = 64
    /// A mnemonic with its blanks; 24 words of 8 letters take 215 bytes.
    public static let mnemonicTextBytesMax = 1024
    /// A secret URI: mnemonic, path and password.
    public static let secretURIBytesMax = 4096
    /// The steps of a derivation path.
    public static let junctionsMax = 32
    /// A password.
    public static let passwordBytesMax = 1024
    /// A keyfile in any form; the longest that Bittensor writes is an ansible-vault of some 3 KiB.
    public static let keyfileBytesMax = 64 * 1024
    /// The name of a wallet or hotkey.
    public static let walletNameBytesMax = 128
    /// The wallets that are listed, and the hotkeys of each; more are not looked at.
    public static let listedEntriesMax = 4096
    /// The memory that a Polkadot-JS file may ask scrypt to use; its current default asks for 128 MiB.
    public static let scryptMemoryBytesMax = 256 * 1024 * 1024
    /// Password derivations that wait for the one that runs; more are refused.
    public static let passwordDerivationsWaitingMax = 16
    /// The length of a new password, in characters; what Bittensor's wallet demands too.
    public static let newPasswordLengthMin = 6
}
