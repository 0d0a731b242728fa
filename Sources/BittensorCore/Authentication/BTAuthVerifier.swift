internal import AccountKeys
internal import NIOCore

/// Verifies `btauth/1` headers: shape, receiver, freshness, signature, in this order. Whether the nonce was
/// used is the store's to say.
struct BTAuthVerifier {
    let policy: BTAuthPolicy
    /// SS58 address of the server.
    let hotkey: String

    /// What headers claim, once their shape, the receiver and the freshness are right.
    struct Claim {
        var sender: String
        var nonce: Int
        var signature: [UInt8]
        var scheme: KeyScheme
        var receiver: String?
    }

    func claim(_ headers: HeaderList, now: UnixTime) throws(VerificationRefusal) -> Claim {
        if !self.policy.isLenient { try self.checkOccurrences(headers) }
        guard headers.first(BTAuth.versionHeader) == BTAuth.version else {
            throw Self.malformed("missing or unsupported \(BTAuth.versionHeader) (expected '1')")
        }
        guard let sender = headers.first(BTAuth.hotkeyHeader), !sender.isEmpty else {
            throw Self.malformed("missing \(BTAuth.hotkeyHeader)")
        }
        let nonce = try self.nonce(headers)
        let signature = try Self.signature(headers)
        let scheme = try Self.scheme(headers)
        let receiver = try self.receiver(headers)
        try self.checkFreshness(nonce, now: now)
        return Claim(sender: sender, nonce: nonce, signature: signature, scheme: scheme, receiver: receiver)
    }

    func verify(
        method: String, target: String, headers: HeaderList, body: ByteBuffer, now: UnixTime
    ) throws(VerificationRefusal) -> VerifiedCaller {
        let claim = try self.claim(headers, now: now)
        let payload = BTAuth.payload(
            scheme: claim.scheme, method: method, target: target, body: body, nonce: .int(claim.nonce),
            sender: claim.sender, receiver: claim.receiver)
        guard claim.signature.count == 64, let account = try? AccountID(ss58: claim.sender) else {
            throw Self.malformed("invalid hotkey address or signature encoding")
        }
        // What is no key of the scheme has signed nothing.
        let key = try? AccountPublicKey(account, scheme: claim.scheme)
        let isValid = key?.isValidSignature(
            claim.signature, for: Array(payload.utf8),
            allowsBytesWrapper: self.policy.acceptsWrappedSignatures)
        guard isValid == true else {
            throw VerificationRefusal(.signature, "signature does not verify against the claimed hotkey")
        }
        return VerifiedCaller(hotkey: claim.sender, generation: .btauth1, nonce: claim.nonce)
    }

    private static func malformed(_ message: String) -> VerificationRefusal {
        VerificationRefusal(.malformed, message)
    }

    private func checkOccurrences(_ headers: HeaderList) throws(VerificationRefusal) {
        for name in [
            BTAuth.versionHeader, BTAuth.hotkeyHeader, BTAuth.nonceHeader, BTAuth.signatureHeader,
            BTAuth.cryptoHeader, BTAuth.receiverHeader,
        ] where headers.count(name) > 1 {
            throw Self.malformed("\(name) occurs twice")
        }
    }

    private func nonce(_ headers: HeaderList) throws(VerificationRefusal) -> Int {
        guard let text = headers.first(BTAuth.nonceHeader) else {
            throw Self.malformed("missing \(BTAuth.nonceHeader)")
        }
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        guard self.policy.isLenient || isPlain, let nonce = PythonNumber.int(text) else {
            throw Self.malformed("\(BTAuth.nonceHeader) is not a decimal integer")
        }
        return nonce
    }

    private static func signature(_ headers: HeaderList) throws(VerificationRefusal) -> [UInt8] {
        guard let text = headers.first(BTAuth.signatureHeader) else {
            throw self.malformed("missing \(BTAuth.signatureHeader)")
        }
        let digits = text.hasPrefix("0x") ? text.utf8.dropFirst(2) : text.utf8[...]
        guard digits.count <= 1024, let signature = Hex.bytes(digits) else {
            throw self.malformed("\(BTAuth.signatureHeader) is not hex")
        }
        return signature
    }

    private static func scheme(_ headers: HeaderList) throws(VerificationRefusal) -> KeyScheme {
        guard let text = headers.first(BTAuth.cryptoHeader) else { return .sr25519 }
        let word = String(text.filter { !$0.isWhitespace }).lowercased()
        switch word {
        case "sr25519", "1": return .sr25519
        case "ed25519", "0": return .ed25519
        default: throw self.malformed("unsupported \(BTAuth.cryptoHeader)")
        }
    }

    private func receiver(_ headers: HeaderList) throws(VerificationRefusal) -> String? {
        guard let receiver = headers.first(BTAuth.receiverHeader) else {
            guard !self.policy.requiresReceiver else {
                throw VerificationRefusal(
                    .wrongReceiver,
                    "missing \(BTAuth.receiverHeader): this server requires receiver-bound requests")
            }
            return nil
        }
        guard receiver == self.hotkey else {
            throw VerificationRefusal(.wrongReceiver, "request was signed for a different receiving hotkey")
        }
        return receiver
    }

    private func checkFreshness(_ nonce: Int, now: UnixTime) throws(VerificationRefusal) {
        let oldest = now.nanoseconds.adding(-Int64(nanosecondsOf: self.policy.ageMax))
        guard nonce >= oldest else {
            throw VerificationRefusal(
                .stale, "nonce is older than the \(Self.seconds(self.policy.ageMax)) freshness window")
        }
        let newest = now.nanoseconds.adding(Int64(nanosecondsOf: self.policy.skewMax))
        guard nonce <= newest else {
            throw VerificationRefusal(
                .future, "nonce is more than \(Self.seconds(self.policy.skewMax)) in the future")
        }
    }

    private static func seconds(_ duration: Duration) -> String {
        let seconds = Double(Int64(nanosecondsOf: duration)) / 1e9
        return seconds == seconds.rounded() ? "\(Int(seconds))s" : "\(seconds)s"
    }
}
