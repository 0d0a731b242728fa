package import BittensorCore

/// What a compute axon says of itself: `info()` of the reference.
package struct ComputeAxonInfo: Sendable, Hashable {
    /// The record, with the version as int.
    package let axon: AxonInfo
    /// The version as text.
    package let versionText: String
    private let versionIsText: Bool

    /// The record of an axon in the words of a profile: protocol 4, the profile's placeholders.
    package init(axon: AxonInfo, profile: ComputeProfile) {
        var axon = axon
        axon.version = ComputeVersion.int
        // Release 1.8.3 says 4 whatever the address is.
        if profile == .ni183 { axon.ipType = 4 }
        axon.protocolNumber = 4
        axon.placeholder1 = Int(profile.infoPlaceholders.first)
        axon.placeholder2 = Int(profile.infoPlaceholders.second)
        self.axon = axon
        self.versionText = ComputeVersion.text
        self.versionIsText = profile.infoVersionIsText
    }

    /// The record as JSON; the version is text in the profile of the release, and an int otherwise.
    package var json: JSONValue {
        [
            "version": self.versionIsText ? .string(self.versionText) : .int(self.axon.version),
            "ip": .string(self.axon.ip), "port": .int(self.axon.port), "ip_type": .int(self.axon.ipType),
            "hotkey": .string(self.axon.hotkey), "coldkey": .string(self.axon.coldkey),
            "protocol": .int(self.axon.protocolNumber), "placeholder1": .int(self.axon.placeholder1),
            "placeholder2": .int(self.axon.placeholder2),
        ]
    }
}
