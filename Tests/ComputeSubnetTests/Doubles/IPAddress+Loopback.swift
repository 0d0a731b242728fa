import BittensorCore

extension IPAddress {
    /// 127.0.0.1.
    static var loopback: IPAddress {
        guard let address = IPAddress("127.0.0.1") else { preconditionFailure("127.0.0.1 is an address") }
        return address
    }
}
