internal import BittensorCore

extension IPAddress {
    /// Whether every bit is zero: nobody serves there.
    var isUnspecified: Bool { self.value == 0 }

    /// Whether it is 127.0.0.0/8 or ::1.
    var isLoopback: Bool {
        self.family == 4 ? self.value >> 24 == 127 : self.value == 1
    }

    /// Whether every bit is one.
    var isBroadcast: Bool {
        self.family == 4
            ? self.value == UInt128(UInt32.max) : self.value == UInt128.max
    }

    /// The kind as the chain writes it, 4 or 6.
    var kind: UInt8 { UInt8(self.family) }

    /// The address and a port, IPv6 in brackets.
    func with(port: UInt16) -> String {
        self.family == 6 ? "[\(self.text)]:\(port)" : "\(self.text):\(port)"
    }
}
