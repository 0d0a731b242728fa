/// The images that a tenant may ask for, by the names that requests use. Nothing is ever pulled or built.
package struct ImageAllowList: Sendable, Hashable {
    /// The lease image's usual name on a machine.
    package static let leaseImage = "localhost/subnet-ssh-base:latest"
    private static let imagesMax = 64

    /// From the name in a request to the reference on this machine, perhaps with a digest.
    private let references: [String: String]

    /// `ubuntu`, which is what a request that names nothing asks for, is the lease image.
    package static let standard = ImageAllowList(unchecked: ["ubuntu": leaseImage])

    private init(unchecked references: [String: String]) { self.references = references }

    /// The standard list and what the operator adds, as `NAME=REFERENCE`.
    ///
    /// - Throws: `invalidConfiguration`.
    package init(adding rules: [String]) throws(ComputeError) {
        var references = Self.standard.references
        for rule in rules {
            guard let sign = rule.firstIndex(of: "="), sign > rule.startIndex,
                rule.index(after: sign) < rule.endIndex, references.count < Self.imagesMax
            else {
                throw ComputeError(
                    .invalidConfiguration, "An image rule is not of the form NAME=REFERENCE: \(rule)")
            }
            references[String(rule[..<sign])] = String(rule[rule.index(after: sign)...])
        }
        self.references = references
    }

    /// The reference of a name.
    ///
    /// - Throws: `unsupported` for names that are not on the list.
    func reference(_ name: String) throws(ComputeError) -> String {
        guard let reference = references[name] else {
            let words = String(name.prefix(80).filter { $0.isASCII && !$0.isNewline })
            throw ComputeError(.unsupported, "The image \"\(words)\" is not on this miner's list.")
        }
        return reference
    }

    /// The image for those who have no choice.
    var standardReference: String { references["ubuntu"] ?? Self.leaseImage }
}
