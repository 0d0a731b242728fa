/// One thing in which a compatible server is laxer than a strict one. Configuration and logs name them by
/// their raw value.
public enum Relaxation: String, Sendable, Hashable, CaseIterable {
    /// See ``explanation``.
    case blacklistBeforeSignature, signatureOptional, uncappedTimeoutWindow, futureNonces
    case versionlessSkipsFreshness, highWaterMarkNonces, missingUUID, wrappedSignatures, foreignAddresses
    case bodyTerminals, routesDisclosed, mismatchEchoed, headerErrorsAs500, bodyErrorsAs500, pythonHeaders
    case anyMethod, customVerifyReplaces, nonLatin1MessageFails

    /// One sentence: what is different, and what it costs.
    public var explanation: String {
        switch self {
        case .blacklistBeforeSignature:
            "The blacklist is asked before the signature is checked, so it sees hotkeys nobody proved."
        case .signatureOptional:
            "A request without a signature passes, as in releases 9.3 to 10.2: no authentication."
        case .uncappedTimeoutWindow:
            "The freshness window grows by the request's timeout, which is unsigned and has no cap here."
        case .futureNonces:
            "Nonces of any future time are accepted, and lock the sender's uuid until then."
        case .versionlessSkipsFreshness:
            "A request that states no version, or one before 7.2, may be of any age if its uuid is new here."
        case .highWaterMarkNonces:
            "Of each hotkey and uuid only the highest nonce is kept, in memory: late requests are refused,"
                + " and a restart forgets all."
        case .missingUUID: "A request without uuid is verified with the text None in its place."
        case .wrappedSignatures:
            "A signature over <Bytes>…</Bytes> counts: browser wallets make one of any text a site shows."
        case .foreignAddresses: "Hotkeys with the address prefix of another chain are accepted."
        case .bodyTerminals:
            "The handler sees the dendrite and axon of the body, which nobody signed, and the body's"
                + " axon.status_code becomes the status of the reply."
        case .routesDisclosed: "Whoever asks for an unknown route is told all routes, without a signature."
        case .mismatchEchoed: "A wrong signature is answered with the message that it should have been over."
        case .headerErrorsAs500: "Malformed headers are answered with 500 and an opaque id, not with 400."
        case .bodyErrorsAs500:
            "Bodies that are no synapse, and wrong body hashes, are answered with 500 and an opaque id; what"
                + " is no JSON with 422."
        case .pythonHeaders:
            "Repeated headers and numbers in any form that Python reads are accepted; of repeated terminal"
                + " headers the last counts."
        case .anyMethod:
            "GET with a body is served like POST, and unknown methods and paths are only refused after the"
                + " nonce is used up."
        case .customVerifyReplaces: "A verify function of the operator replaces the check of the signature."
        case .nonLatin1MessageFails:
            "A status message beyond Latin-1 fails the whole reply with a bare 500; a strict server writes ?"
                + " into the header."
        }
    }
}
