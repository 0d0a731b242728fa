internal import Yams

/// The values of a YAML configuration file, checked against the schema but not yet typed.
///
/// Keys may be nested or dotted: `limits: {peer: {calls-max: 8}}` and `limits.peer.calls-max: 8` are the
/// same. A key without a value (or `~`) counts as not given.
struct ConfigurationFile: Sendable, Hashable {
    /// One value of the file.
    struct Entry: Sendable, Hashable {
        let path: String
        let texts: [String]
        /// The line of the key, from 1.
        let line: Int
    }

    /// Longest file that is read.
    static let bytesMax = 256 << 10

    /// The values in the order of the file.
    private(set) var entries: [Entry] = []
    private let name: String

    /// Parses `text`. `name` is the path of the file, for messages.
    ///
    /// - Throws: ``NodeError`` with `invalidSyntax`, `unknownKey`, `duplicateKey` or `invalidValue`.
    init(text: String, name: String) throws(NodeError) {
        self.name = name
        guard let root = try Self.root(of: text, name: name), !Self.isNull(root) else { return }
        guard case .mapping(let mapping) = root else {
            throw NodeError(
                .invalidSyntax, "\(name):1: expected keys with values, such as \"listen: [...]\".")
        }
        try read(mapping, below: "")
        try refuseDuplicates()
    }

    private static func root(of text: String, name: String) throws(NodeError) -> Yams.Node? {
        do {
            return try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw syntaxError(error, name: name)
        } catch {
            throw NodeError(.invalidSyntax, "\(name) is not YAML: \(error).")
        }
    }

    private static func syntaxError(_ error: YamlError, name: String) -> NodeError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            NodeError(.invalidSyntax, "\(name):\(mark.line): not YAML: \(problem).")
        case .duplicatedKeysInMapping(let duplicates, let context):
            NodeError(
                .duplicateKey,
                "\(name):\(context.mark.line): \"\(duplicates.first ?? "")\" is given more than once.")
        case .reader(let problem, _, _, _):
            NodeError(.invalidSyntax, "\(name) is not YAML: \(problem).")
        default:
            NodeError(.invalidSyntax, "\(name) is not YAML.")
        }
    }

    private mutating func read(_ mapping: Yams.Node.Mapping, below section: String) throws(NodeError) {
        for (keyNode, valueNode) in mapping {
            let line = keyNode.mark?.line ?? 1
            guard case .scalar(let scalar) = keyNode else {
                throw NodeError(.invalidSyntax, "\(name):\(line): a key must be a plain text.")
            }
            let path = section.isEmpty ? scalar.string : "\(section).\(scalar.string)"
            if let key = ConfigurationSchema.key(path) {
                guard !Self.isNull(valueNode) else { continue }
                entries.append(
                    Entry(path: path, texts: try texts(of: valueNode, for: key, line: line), line: line))
            } else if ConfigurationSchema.isSection(path) {
                guard !Self.isNull(valueNode) else { continue }
                guard case .mapping(let inner) = valueNode else {
                    throw NodeError(
                        .invalidValue, "\(name):\(line): \(path): expected a section with keys of its own.")
                }
                try read(inner, below: path)
            } else {
                throw Self.unknownKey(path, place: "\(name):\(line)")
            }
        }
    }

    /// The texts of a scalar or of a list of scalars. For a list key a scalar is a list separated by commas.
    private func texts(of node: Yams.Node, for key: ConfigurationKey, line: Int) throws(NodeError)
        -> [String]
    {
        switch node {
        case .scalar(let scalar):
            return key.isList ? ConfigurationLoader.split(scalar.string) : [scalar.string]
        case .sequence(let sequence) where key.isList:
            var texts: [String] = []
            for element in sequence {
                guard case .scalar(let scalar) = element else {
                    throw wrongShape(key, found: "a list or section within the list", line: line)
                }
                texts.append(scalar.string)
            }
            return texts
        case .sequence:
            throw wrongShape(key, found: "a list", line: line)
        default:
            throw wrongShape(key, found: "a section", line: line)
        }
    }

    private func wrongShape(_ key: ConfigurationKey, found: String, line: Int) -> NodeError {
        NodeError(
            .invalidValue, "\(name):\(line): \(key.path): expected \(key.expected), found \(found).")
    }

    private func refuseDuplicates() throws(NodeError) {
        var lines: [String: Int] = [:]
        for entry in entries {
            if let first = lines.updateValue(entry.line, forKey: entry.path) {
                throw NodeError(
                    .duplicateKey, "\(name):\(entry.line): \(entry.path) is already given in line \(first).")
            }
        }
    }

    /// The refusal of a key that the schema does not have.
    static func unknownKey(_ path: String, place: String) -> NodeError {
        let known = ConfigurationSchema.keys.map(\.path) + ConfigurationSchema.sections
        let shown = ConfigurationLoader.shown(path)
        guard let nearest = EditDistance.nearest(to: path, among: known) else {
            return NodeError(
                .unknownKey, "\(place): \(shown) is not a known key, and none is like it.")
        }
        return NodeError(
            .unknownKey, "\(place): \(shown) is not a known key; the nearest is \"\(nearest)\".")
    }

    /// Whether a node stands for "no value": empty, `~` or `null` without quotes.
    private static func isNull(_ node: Yams.Node) -> Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any else {
            return false
        }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}
