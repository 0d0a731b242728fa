public import AccountKeys
internal import Crypto
public import NIOCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// `btauth/1`: signed HTTP requests as version 11 of the SDK speaks them. The signature covers method,
/// target, the whole body, nonce, sender and receiver.
public enum BTAuth {
    static let version = "1"
    static let versionHeader = "X-Bittensor-Version"
    static let hotkeyHeader = "X-Bittensor-Hotkey"
    static let nonceHeader = "X-Bittensor-Nonce"
    static let signatureHeader = "X-Bittensor-Signature"
    static let cryptoHeader = "X-Bittensor-Crypto"
    static let receiverHeader = "X-Bittensor-Receiver"

    /// Whether headers claim to be of `btauth`.
    public static func isClaimed(by headers: HeaderList) -> Bool {
        headers.first(self.versionHeader) != nil
    }

    /// The text that is signed: eight lines without a line feed at the end.
    ///
    /// - Parameters:
    ///   - scheme: of the sender's hotkey.
    ///   - method: written in upper case.
    ///   - target: as it is sent, with the query.
    ///   - body: the bytes of the body; an empty one counts too.
    ///   - nonce: nanoseconds since 1970.
    ///   - sender: SS58 address.
    ///   - receiver: SS58 address; `nil` for whoever gets it.
    public static func payload(
        scheme: KeyScheme, method: String, target: String, body: ByteBuffer, nonce: JSONValue, sender: String,
        receiver: String?
    ) -> String {
        let digest = body.withUnsafeReadableBytes { SHA256.hash(data: $0) }
        return [
            "btauth/1", "\(scheme)", method.uppercased(), target, Hex.text(Array(digest)),
            PythonText.str(nonce),
            sender, receiver ?? "-",
        ].joined(separator: "\n")
    }

    /// The headers of a signed request.
    ///
    /// - Throws: ``BittensorError/Code/signing``; `ecdsa` keys have no name in this protocol.
    public static func headers(
        method: String, target: String, body: ByteBuffer, nonce: Int, receiver: String?,
        signer: any HotkeySigner
    ) throws(BittensorError) -> HeaderList {
        guard signer.scheme != .ecdsa else {
            throw BittensorError(.signing, "btauth/1 does not know ecdsa hotkeys")
        }
        let payload = self.payload(
            scheme: signer.scheme, method: method, target: target, body: body, nonce: .int(nonce),
            sender: signer.hotkey, receiver: receiver)
        var headers = HeaderList()
        headers.add(self.versionHeader, self.version)
        headers.add(self.hotkeyHeader, signer.hotkey)
        headers.add(self.nonceHeader, String(nonce))
        headers.add(self.signatureHeader, try signer.signatureText(of: payload))
        if signer.scheme != .sr25519 { headers.add(self.cryptoHeader, "\(signer.scheme)") }
        if let receiver { headers.add(self.receiverHeader, receiver) }
        return headers
    }
}
