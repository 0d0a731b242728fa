internal import AccountKeys

/// Verifies the classic headers. Pure: what was seen before is an argument.
struct SynapseVerifier {
    let mode: AxonMode
    /// SS58 address of the server.
    let hotkey: String

    /// Everything but whether the nonce was used.
    ///
    /// - Parameter last: the last nonce of this hotkey and uuid, where Python's rule holds.
    func verify(
        _ head: SynapseHead, last: Int?, now: UnixTime
    ) throws(VerificationRefusal) -> VerifiedCaller {
        let dendrite = head.dendrite
        guard let sender = dendrite.hotkey, !sender.isEmpty else { throw .missingHotkey }
        let account = try self.account(sender)
        guard let nonce = dendrite.nonce else { throw .missingNonce }
        if dendrite.uuid == nil, !self.mode.allows(.missingUUID) {
            throw VerificationRefusal(.missing, "Missing UUID")
        }
        if self.mode.allows(.highWaterMarkNonces), let last, nonce <= last { throw .usedNonce }
        try self.checkFreshness(head, nonce: nonce, last: last, now: now)
        let isStrict = !self.mode.allows(.mismatchEchoed)
        if isStrict, let named = head.axon.hotkey, named != self.hotkey {
            throw VerificationRefusal(.wrongReceiver, "The request is for another axon hotkey")
        }
        guard let text = dendrite.signature, !text.isEmpty else {
            guard self.mode.allows(.signatureOptional) else { throw .missingSignature }
            return VerifiedCaller(hotkey: sender, generation: .unproven, nonce: nonce)
        }
        if head.computedBodyHash == nil, !self.mode.allows(.bodyErrorsAs500) {
            throw VerificationRefusal(.missing, "Missing Body Hash")
        }
        let signature = try self.signature(text)
        let message = SynapseSignature.dendriteMessage(
            nonce: nonce, dendrite: sender, axon: self.hotkey, uuid: dendrite.uuid,
            bodyHash: head.computedBodyHash)
        // Everybody's hotkey counts as one of sr25519; what is no such key has signed nothing.
        let key = try? AccountPublicKey(account, scheme: .sr25519)
        let isValid = key?.isValidSignature(
            signature, for: Array(message.utf8), allowsBytesWrapper: self.mode.allows(.wrappedSignatures))
        guard isValid == true else {
            let echo = isStrict ? "" : " with \(message) and \(text)"
            throw VerificationRefusal(.signature, "Signature mismatch\(echo)")
        }
        return VerifiedCaller(hotkey: sender, generation: .synapse, nonce: nonce)
    }

    private func account(_ address: String) throws(VerificationRefusal) -> AccountID {
        do throws(AccountKeyError) {
            return if self.mode.allows(.foreignAddresses) {
                try AccountID(ss58AnyPrefix: address)
            } else {
                try AccountID(ss58: address)
            }
        } catch {
            throw VerificationRefusal(.address, "Invalid SS58 address: \(Self.words(error))")
        }
    }

    /// Python's words for an address that is none.
    private static func words(_ error: AccountKeyError) -> String {
        switch error.code {
        case .addressBase58: "Invalid base 58 character"
        case .addressChecksum: "Invalid checksum"
        case .addressLength: "Length is bad"
        case .addressPrefix, .addressNetwork: "Unknown version"
        default: "Invalid key"
        }
    }

    private func signature(_ text: String) throws(VerificationRefusal) -> [UInt8] {
        do throws(AccountKeyError) {
            return try SignatureText.decode(text)
        } catch {
            throw VerificationRefusal(
                .address,
                error.code == .signatureLength
                    ? "Invalid SR25519 signature." : "Invalid signature format. Expected hex string.")
        }
    }

    // MARK: Freshness

    /// The first version that counts nonces from 1970.
    private static let freshnessVersion = 7_002_000

    private func checkFreshness(
        _ head: SynapseHead, nonce: Int, last: Int?, now: UnixTime
    ) throws(VerificationRefusal) {
        let windows = self.mode.windows
        let isExempt =
            self.mode.allows(.versionlessSkipsFreshness)
            && (head.dendrite.version ?? 0) < Self.freshnessVersion
        // Python asks for freshness only of a pair that it has not seen: the order of nonces does the rest.
        let isKnown = self.mode.allows(.highWaterMarkNonces) && last != nil
        if !isExempt, !isKnown {
            let cap =
                self.mode.allows(.uncappedTimeoutWindow)
                ? Double.infinity : Double(Int64(nanosecondsOf: windows.timeoutMax)) / 1e9
            let timeout = min(head.timeout ?? 0, cap)
            let allowed = Double(Int64(nanosecondsOf: windows.ageMax)) / 1e9 + (timeout.isNaN ? 0 : timeout)
            let age = (Double(now.nanoseconds) - Double(nonce)) / 1e9
            // Whole nanoseconds where they count: floats of this size step by 256.
            let (exact, overflow) = now.nanoseconds.subtractingReportingOverflow(Int64(nonce))
            let isStale = overflow || exact < 0 ? age >= allowed : Double(exact) / 1e9 >= allowed
            if isStale {
                throw VerificationRefusal(
                    .stale,
                    "Nonce is too old: acceptable delta is \(Self.twoDigits(allowed)) seconds but request was"
                        + " \(Self.twoDigits(age)) seconds old")
            }
        }
        if !self.mode.allows(.futureNonces) {
            let bound = now.nanoseconds.adding(Int64(nanosecondsOf: windows.futureMax))
            guard nonce <= bound else {
                throw VerificationRefusal(.future, "Nonce is too far in the future")
            }
        }
    }

    /// A number with two digits behind the point, as Python's `.2f`.
    static func twoDigits(_ number: Double) -> String {
        guard number.isFinite, number.magnitude < 1e16 else { return PythonText.float(number) }
        let hundredths = (number.magnitude * 100).rounded(.toNearestOrEven)
        let whole = Int(hundredths / 100)
        let rest = Int(hundredths.truncatingRemainder(dividingBy: 100))
        return (number < 0 ? "-" : "") + "\(whole)." + (rest < 10 ? "0" : "") + "\(rest)"
    }
}
