extension SynapseHeaders {
    /// Takes what a reply's headers say of both ends; members that are absent or unreadable stay as they
    /// were.
    public static func merge(_ headers: HeaderList, into head: inout SynapseHead) {
        for field in headers.fields {
            let name = HeaderList.lowercased(field.name)
            if name.hasPrefix(self.axonPrefix) {
                self.set(String(name.dropFirst(self.axonPrefix.count)), field.value, in: &head.axon)
            } else if name.hasPrefix(self.dendritePrefix) {
                self.set(String(name.dropFirst(self.dendritePrefix.count)), field.value, in: &head.dendrite)
            }
        }
    }

    private static func set(_ member: String, _ text: String, in terminal: inout TerminalInfo) {
        guard let field = TerminalInfo.fields.first(where: { $0.name == member }) else { return }
        let value: JSONValue? =
            switch field.shape {
            case .int: PythonNumber.int(text).map(JSONValue.int)
            case .float: PythonNumber.float(text).map(JSONValue.double)
            default: .string(text)
            }
        if let value { terminal[member] = value }
    }
}
