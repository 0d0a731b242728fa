/// Where a value of a configuration comes from. Later cases win over earlier ones.
package enum ConfigurationSource: Sendable, Hashable, CustomStringConvertible {
    /// The documented default.
    case standard
    /// A line of the configuration file.
    case file(path: String, line: Int)
    /// An environment variable.
    case environment(name: String)
    /// A flag of the command line, such as `--listen`.
    case flag(name: String)

    package var description: String {
        switch self {
        case .standard: "default"
        case .file(let path, let line): "\(path):\(line)"
        case .environment(let name): "environment variable \(name)"
        case .flag(let name): "flag \(name)"
        }
    }
}

/// A value given on the command line, for the key `path`.
package struct ConfigurationOverride: Sendable, Hashable {
    /// The key, such as `limits.system.connections-max`.
    package var path: String
    /// The values as typed; one for a scalar key. An element of a list key may hold several, separated by
    /// commas.
    package var texts: [String]
    /// The flag, for messages.
    package var flag: String

    /// Creates an override.
    package init(path: String, texts: [String], flag: String) {
        self.path = path
        self.texts = texts
        self.flag = flag
    }
}
