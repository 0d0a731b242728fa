#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Reads a ``NodeConfiguration`` from a YAML file, environment variables and flags; the later of these win.
public enum ConfigurationLoader {
    /// The variable that names the file when no flag does.
    package static let fileVariable = "SUBNET_CONFIG"

    /// Variables that start like ours but are no keys: the file, and what only tests and tools read.
    private static let reservedVariables: Set<String> = [
        fileVariable, "SUBNET_SHARED", "SUBNET_UPDATE_DOCS", "SUBNET_BINARY",
    ]

    /// Reads file and environment. The file is `file`, else what `SUBNET_CONFIG` names, else there is none.
    ///
    /// - Throws: ``NodeError``; its message is one sentence with the place of the mistake.
    public static func load(
        file: String? = nil, environment: [String: String] = [:]
    ) throws(NodeError) -> NodeConfiguration {
        try load(file: file, environment: environment, overrides: []).configuration
    }

    /// Reads file, environment and flags, and tells where each value is from.
    package static func load(
        file: String?, environment: [String: String], overrides: [ConfigurationOverride]
    ) throws(NodeError) -> LoadedConfiguration {
        var loaded = LoadedConfiguration()
        if let path = file ?? environment[fileVariable].flatMap({ $0.isEmpty ? nil : $0 }) {
            try apply(file: ConfigurationFile(text: contents(of: path), name: path), name: path, to: &loaded)
        }
        try apply(environment: environment, to: &loaded)
        for override in overrides {
            guard let key = ConfigurationSchema.key(override.path) else {
                throw ConfigurationFile.unknownKey(override.path, place: override.flag)
            }
            let texts = key.isList ? override.texts.flatMap(split) : override.texts
            try set(key, texts, from: .flag(name: override.flag), in: &loaded)
        }
        try validate(loaded.configuration)
        return loaded
    }

    private static func contents(of path: String) throws(NodeError) -> String {
        let bytes: [UInt8]?
        do {
            bytes = try FileBytes.read(path, bytesMax: ConfigurationFile.bytesMax)
        } catch {
            throw NodeError(.unreadableFile, "The configuration file \(error.message)")
        }
        guard let bytes else {
            throw NodeError(.unreadableFile, "The configuration file \(path) does not exist.")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw NodeError(.invalidSyntax, "\(path) is not UTF-8 text.")
        }
        return text
    }

    private static func apply(
        file: ConfigurationFile, name: String, to loaded: inout LoadedConfiguration
    ) throws(NodeError) {
        for entry in file.entries {
            guard let key = ConfigurationSchema.key(entry.path) else { continue }
            try set(key, entry.texts, from: .file(path: name, line: entry.line), in: &loaded)
        }
    }

    private static func apply(
        environment: [String: String], to loaded: inout LoadedConfiguration
    ) throws(NodeError) {
        var known: Set<String> = reservedVariables
        for key in ConfigurationSchema.keys {
            known.insert(key.environmentName)
            // An empty variable counts as not given, as in most programs: a shell cannot easily unset one for
            // a child.
            guard let text = environment[key.environmentName], !text.isEmpty else { continue }
            let texts = key.isList ? split(text) : [text]
            try set(key, texts, from: .environment(name: key.environmentName), in: &loaded)
        }
        for name in environment.keys.sorted()
        where name.hasPrefix(ConfigurationSchema.environmentPrefix) && !known.contains(name) {
            let nearest = EditDistance.nearest(to: name.lowercased(), among: known.map { $0.lowercased() })
            let hint = nearest.map { "; the nearest is \($0.uppercased().replacing("-", with: "_"))" } ?? ""
            loaded.warnings.append("The environment variable \(shown(name)) is not a known key\(hint).")
        }
    }

    private static func set(
        _ key: ConfigurationKey, _ texts: [String], from source: ConfigurationSource,
        in loaded: inout LoadedConfiguration
    ) throws(NodeError) {
        guard key.write(&loaded.configuration, texts) else {
            let found = key.isSecret ? "something else" : shown(texts.joined(separator: ", "))
            throw NodeError(
                .invalidValue, "\(place(source)): \(key.path): expected \(key.expected), found \(found).")
        }
        loaded.sources[key.path] = source
    }

    private static func place(_ source: ConfigurationSource) -> String {
        switch source {
        case .standard: "default"
        case .file(let path, let line): "\(path):\(line)"
        case .environment(let name): name
        case .flag(let name): name
        }
    }

    /// Refuses values that are fine alone but not together.
    private static func validate(_ configuration: NodeConfiguration) throws(NodeError) {
        let pairs: [(String, Duration, String, Duration)] = [
            (
                "network.reconnect-backoff-min", configuration.network.reconnectBackoffMin,
                "network.reconnect-backoff-max", configuration.network.reconnectBackoffMax
            ),
            (
                "worker.restart-backoff-min", configuration.worker.restartBackoffMin,
                "worker.restart-backoff-max", configuration.worker.restartBackoffMax
            ),
        ]
        for (lowName, low, highName, high) in pairs where low > high {
            let (low, high) = (DurationText.text(low), DurationText.text(high))
            throw NodeError(.conflict, "\(lowName) (\(low)) is more than \(highName) (\(high)).")
        }
        let messageBytesMax = configuration.limits.stream.messageBytesMax
        for (name, bytesMax) in [
            ("limits.peer.memory-bytes-max", configuration.limits.peer.memoryBytesMax),
            ("limits.protocol.memory-bytes-max", configuration.limits.protocols.memoryBytesMax),
            ("limits.system.memory-bytes-max", configuration.limits.system.memoryBytesMax),
        ] where messageBytesMax > bytesMax {
            let (message, bytes) = (ByteSize.text(messageBytesMax), ByteSize.text(bytesMax))
            throw NodeError(
                .conflict, "limits.stream.message-bytes-max (\(message)) is more than \(name) (\(bytes)).")
        }
        if configuration.network.security.isEmpty {
            throw NodeError(
                .conflict, "network.security is empty, so no connection could be secured.")
        }
        if configuration.listen.isEmpty && configuration.bootstrap.isEmpty {
            throw NodeError(
                .conflict, "listen and bootstrap are both empty, so no peer could ever connect.")
        }
    }

    /// The parts of a list separated by commas, without blanks around them and without empty parts.
    static func split(_ text: String) -> [String] {
        text.split(separator: ",").map { $0.drop { $0 == " " } }
            .map { String($0.reversed().drop { $0 == " " }.reversed()) }
            .filter { !$0.isEmpty }
    }

    /// `text` in quotes for a message: one line, not too long.
    static func shown(_ text: String) -> String {
        let line = String(
            text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) })
        return line.count > 80 ? "\"\(line.prefix(77))...\"" : "\"\(line)\""
    }
}
