/// The texts that the classic headers' signatures are over.
public enum SynapseSignature {
    /// What a client signs: `<nonce>.<its hotkey>.<the server's hotkey>.<its uuid>.<body hash>`. Absent
    /// parts are the text `None`. Timeout, version, addresses, route and the body beyond its hash are not
    /// covered.
    public static func dendriteMessage(
        nonce: Int?, dendrite: String?, axon: String?, uuid: String?, bodyHash: String?
    ) -> String {
        [nonce.map { String($0) }, dendrite, axon, uuid, bodyHash].map { $0 ?? "None" }.joined(separator: ".")
    }

    /// What a server signs: `<nonce>.<the client's hotkey>.<its hotkey, as the request names it>.<its
    /// uuid>`. It covers nothing of the answer; no Python client looks at it.
    public static func axonMessage(nonce: Int?, dendrite: String?, axon: String?, uuid: String?) -> String {
        [nonce.map { String($0) }, dendrite, axon, uuid].map { $0 ?? "None" }.joined(separator: ".")
    }
}
