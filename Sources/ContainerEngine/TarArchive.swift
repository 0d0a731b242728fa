package import NIOCore

/// Writes a tar archive of a few small files in memory (POSIX.1-1988 `ustar`), the form in which files reach
/// a container.
///
/// A file that goes this way touches no shell and no image layer.
package struct TarArchive: Sendable {
    private static let blockBytes = 512
    private static let nameBytesMax = 100

    private var bytes = ByteBuffer()

    /// An empty archive.
    package init() {}

    /// Appends a regular file.
    ///
    /// - Parameters:
    ///   - name: Its path below the folder where the archive is unpacked: parts of letters, digits, `.`, `_`
    ///     and `-`, at most 100 bytes.
    ///   - mode: Its permission bits.
    /// - Throws: `invalidArgument` for another name.
    package mutating func appendFile(
        _ name: String, content: [UInt8], mode: UInt16, user: UInt32 = 0, group: UInt32 = 0
    ) throws(ContainerEngineError) {
        try append(name, content: content, mode: mode, user: user, group: group, type: UInt8(ascii: "0"))
    }

    /// Appends a folder.
    package mutating func appendFolder(
        _ name: String, mode: UInt16, user: UInt32 = 0, group: UInt32 = 0
    ) throws(ContainerEngineError) {
        try append(name, content: [], mode: mode, user: user, group: group, type: UInt8(ascii: "5"))
    }

    /// The archive with its end mark.
    package func finished() -> ByteBuffer {
        var whole = bytes
        whole.writeRepeatingByte(0, count: 2 * Self.blockBytes)
        return whole
    }

    private mutating func append(
        _ name: String, content: [UInt8], mode: UInt16, user: UInt32, group: UInt32, type: UInt8
    ) throws(ContainerEngineError) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in
            part != "." && part != ".." && !part.isEmpty
                && part.utf8.allSatisfy { EngineName.isWordByte($0) }
        }
        guard isPlain, name.utf8.count <= Self.nameBytesMax, user < 1 << 21, group < 1 << 21 else {
            throw ContainerEngineError(.invalidArgument, "A file in an archive has no usable name or owner.")
        }
        var header = [UInt8](repeating: 0, count: Self.blockBytes)
        func put(_ text: some Collection<UInt8>, at offset: Int) {
            header.replaceSubrange(offset..<offset + text.count, with: text)
        }
        /// Octal digits, zeros first; the field's last byte stays zero.
        func octal(_ value: UInt64, digits: Int) -> [UInt8] {
            let text = String(value, radix: 8)
            return Array(repeating: UInt8(ascii: "0"), count: max(0, digits - text.utf8.count))
                + Array(text.utf8)
        }
        put(Array(name.utf8), at: 0)
        put(octal(UInt64(mode & 0o7777), digits: 7), at: 100)
        put(octal(UInt64(user), digits: 7), at: 108)
        put(octal(UInt64(group), digits: 7), at: 116)
        put(octal(UInt64(content.count), digits: 11), at: 124)
        put(octal(0, digits: 11), at: 136)
        put(Array(repeating: UInt8(ascii: " "), count: 8), at: 148)
        header[156] = type
        put(Array("ustar\u{0}00".utf8), at: 257)
        let sum = header.reduce(0) { $0 + UInt64($1) }
        put(octal(sum, digits: 6) + [0, UInt8(ascii: " ")], at: 148)
        bytes.writeBytes(header)
        bytes.writeBytes(content)
        let rest = content.count % Self.blockBytes
        if rest > 0 { bytes.writeRepeatingByte(0, count: Self.blockBytes - rest) }
    }
}
