/// The bounds of this module, all enforced before bytes are believed.
public enum IdentityLimits {
    /// RSA keys shorter than this are not safe.
    public static let rsaBitsMin = 2048
    /// RSA keys longer than this cost too much to check for a stranger.
    public static let rsaBitsMax = 8192
    /// The data of a public key; an RSA key of 8192 bits takes 1,062 bytes.
    public static let publicKeyBytesMax = 1200
    /// The data of a private key; an RSA key of 8192 bits takes some 4,700 bytes as PKCS#8.
    public static let privateKeyBytesMax = 8192
    /// A public key of at most this many protobuf bytes stands in its peer id whole, longer ones as SHA-256.
    public static let identityDigestBytesMax = 42
    /// The text of a peer id in any base.
    public static let peerIDTextBytesMax = 256
    /// A multiaddress as text.
    public static let addressTextBytesMax = 2048
    /// A multiaddress as bytes.
    public static let addressBytesMax = 1024
    /// The components of a multiaddress.
    public static let addressComponentsMax = 16
    /// A domain name in a multiaddress.
    public static let domainNameBytesMax = 253
    /// An IPv6 zone in a multiaddress.
    public static let zoneBytesMax = 64
    /// The path of a Unix socket in a multiaddress; the operating systems allow about a hundred bytes.
    public static let unixPathBytesMax = 256
    /// The addresses taken from one message or record; later ones are dropped and counted.
    public static let addressesMax = 128
    /// A signed envelope.
    public static let envelopeBytesMax = 64 * 1024
    /// The payload type of a signed envelope.
    public static let payloadTypeBytesMax = 128
    /// The domain string of a signed envelope.
    public static let domainBytesMax = 128
    /// A signature; RSA of 8192 bits takes 1,024 bytes.
    public static let signatureBytesMax = 1024
    /// A key file.
    public static let keyFileBytesMax = 16 * 1024
}
