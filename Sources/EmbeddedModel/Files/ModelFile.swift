#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Reading of the files that make a model.
enum ModelFile {
    /// The bytes of the regular file at `path`, of which there are at most `bytesMax`.
    ///
    /// - Throws: ``ModelError/Code/unreadableFile``, ``ModelError/Code/fileTooLarge``.
    static func read(_ path: String, bytesMax: Int) throws(ModelError) -> [UInt8] {
        let attributes: [FileAttributeKey: Any]
        do {
            // Follows links: a directory of models is often made of them.
            let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
            attributes = try FileManager.default.attributesOfItem(atPath: target)
        } catch {
            throw ModelError(.unreadableFile, "\(path) cannot be read", cause: "\(error)")
        }
        // A pipe or a device has no size to check before the read.
        guard attributes[.type] as? FileAttributeType == .typeRegular else {
            throw ModelError(.unreadableFile, "\(path) is not a regular file")
        }
        try self.check(size: (attributes[.size] as? Int) ?? Int.max, bytesMax: bytesMax, name: path)
        do {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            return [UInt8](data)
        } catch {
            throw ModelError(.unreadableFile, "\(path) cannot be read", cause: "\(error)")
        }
    }

    /// - Throws: ``ModelError/Code/fileTooLarge``.
    static func check(size: Int, bytesMax: Int, name: String) throws(ModelError) {
        guard size <= bytesMax else {
            throw ModelError(.fileTooLarge, "\(name) has \(size) bytes, more than the \(bytesMax) allowed")
        }
    }

    /// Decodes `bytes` as JSON.
    ///
    /// - Throws: an error of kind `code`.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], name: String, code: ModelError.Code
    ) throws(ModelError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw ModelError(code, "\(name) is not the JSON that was expected", cause: "\(error)")
        }
    }
}
