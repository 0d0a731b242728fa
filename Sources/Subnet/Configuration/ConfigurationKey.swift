/// One key of the schema: how it is called, what it takes, and where it goes in ``NodeConfiguration``.
struct ConfigurationKey: Sendable {
    /// The dotted path in the file, such as `limits.system.connections-max`.
    let path: String
    /// What a value looks like; it completes "expected …".
    let expected: String
    /// What the key does, one sentence.
    let summary: String
    /// Whether the key takes a list.
    let isList: Bool
    /// Whether values are replaced by `<redacted>` when the configuration is printed.
    let isSecret: Bool
    /// How printed values are spelled.
    let spelling: Spelling
    /// Sets the value from its texts (one, unless ``isList``); false when a text is not what is ``expected``.
    let write: @Sendable (inout NodeConfiguration, [String]) -> Bool
    /// The value as texts that ``write`` accepts; empty when it is not set.
    let read: @Sendable (NodeConfiguration) -> [String]

    /// Whether a printed value needs quotes in YAML.
    enum Spelling: Sendable { case plain, quoted }

    /// The environment variable, such as `SUBNET_LIMITS_SYSTEM_CONNECTIONS_MAX`.
    var environmentName: String {
        ConfigurationSchema.environmentPrefix
            + String(path.uppercased().map { $0 == "." || $0 == "-" ? "_" : $0 })
    }
}

extension ConfigurationKey {
    /// Where a value of type `Value` lives.
    typealias Place<Value> = any WritableKeyPath<NodeConfiguration, Value> & Sendable

    /// A key with one value that always has one.
    private static func scalar<Value>(
        _ path: String, _ place: Place<Value>, expected: String, _ summary: String,
        spelling: Spelling = .plain,
        parse: @escaping @Sendable (String) -> Value?, print: @escaping @Sendable (Value) -> String
    ) -> ConfigurationKey {
        ConfigurationKey(
            path: path, expected: expected, summary: summary, isList: false, isSecret: false,
            spelling: spelling,
            write: { configuration, texts in
                guard texts.count == 1, let value = parse(texts[0]) else { return false }
                configuration[keyPath: place] = value
                return true
            },
            read: { [print($0[keyPath: place])] })
    }

    /// A whole number within `range`.
    static func count(
        _ path: String, _ place: Place<Int>, _ range: ClosedRange<Int>, _ summary: String
    ) -> ConfigurationKey {
        scalar(
            path, place, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)", summary,
            parse: { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }, print: { String($0) })
    }

    /// A size in bytes within `range`.
    static func bytes(
        _ path: String, _ place: Place<Int>, _ range: ClosedRange<Int>, _ summary: String
    ) -> ConfigurationKey {
        let bounds = "\(ByteSize.text(range.lowerBound)) to \(ByteSize.text(range.upperBound))"
        return scalar(
            path, place, expected: "a size such as 64KiB or 16MiB, from \(bounds)", summary,
            parse: { text in ByteSize.parse(text).flatMap { range.contains($0) ? $0 : nil } },
            print: { ByteSize.text($0) })
    }

    /// A time within `range`.
    static func duration(
        _ path: String, _ place: Place<Duration>, _ range: ClosedRange<Duration>, _ summary: String
    ) -> ConfigurationKey {
        let bounds = "\(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
        return scalar(
            path, place, expected: "a time such as 250ms, 30s or 5m, from \(bounds)", summary,
            parse: { text in DurationText.parse(text).flatMap { range.contains($0) ? $0 : nil } },
            print: { DurationText.text($0) })
    }

    /// One of the cases of `Choice`.
    static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ path: String, _ place: Place<Choice>, _ summary: String
    ) -> ConfigurationKey {
        scalar(
            path, place, expected: "one of \(names(Choice.self))", summary,
            parse: { Choice(rawValue: $0.lowercased()) }, print: { $0.rawValue })
    }

    /// A text of 1 to `bytesMax` UTF-8 bytes without control characters.
    static func text(
        _ path: String, _ place: Place<String>, bytesMax: Int, _ summary: String
    ) -> ConfigurationKey {
        scalar(
            path, place, expected: "a text of 1 to \(bytesMax) bytes on one line", summary, spelling: .quoted,
            parse: { isLine($0) && $0.utf8.count <= bytesMax ? $0 : nil }, print: { $0 })
    }

    /// A file path that may be left out.
    static func path(_ path: String, _ place: Place<String?>, _ summary: String) -> ConfigurationKey {
        optional(
            path, place, expected: "a file path", summary, parse: { isLine($0) ? $0 : nil }, print: { $0 })
    }

    /// A value that may be left out.
    static func optional<Value>(
        _ path: String, _ place: Place<Value?>, expected: String, _ summary: String,
        parse: @escaping @Sendable (String) -> Value?, print: @escaping @Sendable (Value) -> String
    ) -> ConfigurationKey {
        ConfigurationKey(
            path: path, expected: expected, summary: summary, isList: false, isSecret: false,
            spelling: .quoted,
            write: { configuration, texts in
                guard texts.count == 1, let value = parse(texts[0]) else { return false }
                configuration[keyPath: place] = value
                return true
            },
            read: { $0[keyPath: place].map { [print($0)] } ?? [] })
    }

    /// A list of at most `countMax` values.
    static func list<Value>(
        _ path: String, _ place: Place<[Value]>, countMax: Int, expected: String, isSecret: Bool = false,
        spelling: Spelling = .quoted, _ summary: String,
        parse: @escaping @Sendable (String) -> Value?, print: @escaping @Sendable (Value) -> String
    ) -> ConfigurationKey {
        ConfigurationKey(
            path: path, expected: "a list of at most \(countMax), each \(expected)", summary: summary,
            isList: true,
            isSecret: isSecret, spelling: spelling,
            write: { configuration, texts in
                let values = texts.compactMap(parse)
                guard values.count == texts.count, values.count <= countMax else { return false }
                configuration[keyPath: place] = values
                return true
            },
            read: { $0[keyPath: place].map(print) })
    }

    /// A list of different cases of `Choice`.
    static func choices<Choice: RawRepresentable<String> & CaseIterable & Hashable & Sendable>(
        _ path: String, _ place: Place<[Choice]>, _ summary: String
    ) -> ConfigurationKey {
        let base = list(
            path, place, countMax: Choice.allCases.count, expected: "one of \(names(Choice.self))",
            spelling: .plain,
            summary, parse: { Choice(rawValue: $0.lowercased()) }, print: { $0.rawValue })
        return ConfigurationKey(
            path: path, expected: "a list without repeats of \(names(Choice.self))", summary: summary,
            isList: true,
            isSecret: false, spelling: .plain,
            write: { configuration, texts in
                guard Set(texts.map { $0.lowercased() }).count == texts.count else { return false }
                return base.write(&configuration, texts)
            },
            read: base.read)
    }

    /// The raw values of `Choice`, separated by commas.
    private static func names<Choice: RawRepresentable<String> & CaseIterable>(_ type: Choice.Type) -> String
    {
        Choice.allCases.map(\.rawValue).joined(separator: ", ")
    }

    /// Whether `text` is not empty and holds no control character.
    static func isLine(_ text: String) -> Bool {
        !text.isEmpty && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
    }
}
