/// Checks the names that this module puts into paths of the API.
enum EngineName {
    private static let bytesMax = 255

    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            return true
        default: return false
        }
    }

    /// A name or an id of a container, volume, network or exec: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`.
    static func checked(_ name: String) throws(ContainerEngineError) -> String {
        guard name.utf8.count <= bytesMax, let first = name.utf8.first, name.utf8.allSatisfy(isWordByte),
            first != UInt8(ascii: "."), first != UInt8(ascii: "-"), first != UInt8(ascii: "_")
        else {
            throw ContainerEngineError(
                .invalidArgument, "\"\(name.prefix(64))\" is no name of an engine's object.")
        }
        return name
    }

    /// A reference to an image: the same and `/ : @`. Its slashes are part of the path.
    static func checkedImage(_ name: String) throws(ContainerEngineError) -> String {
        let extra: Set<UInt8> = [UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "@")]
        guard name.utf8.count <= bytesMax, let first = name.utf8.first, isWordByte(first),
            first != UInt8(ascii: "."), first != UInt8(ascii: "-"), !name.contains(".."),
            !name.contains("//"),
            name.utf8.allSatisfy({ isWordByte($0) || extra.contains($0) })
        else {
            throw ContainerEngineError(
                .invalidArgument, "\"\(name.prefix(64))\" is no reference to an image.")
        }
        return name
    }
}
