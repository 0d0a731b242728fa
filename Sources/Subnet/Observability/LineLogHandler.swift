package import Logging

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A swift-log handler that writes each entry as one line of text or JSON.
///
/// It stands in for swift-log's `StreamLogHandler` because that one writes what peers sent as it is, line
/// feeds and terminal codes included, and knows no JSON.
package struct LineLogHandler: LogHandler {
    /// Where lines go. It is called from any thread and must write a line as a whole.
    package typealias Output = @Sendable (String) -> Void

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let format: LogConfiguration.Format
    private let now: @Sendable () -> Date
    private let output: Output

    init(
        label: String, level: Logger.Level, format: LogConfiguration.Format,
        metadataProvider: Logger.MetadataProvider?, now: @escaping @Sendable () -> Date,
        output: @escaping Output
    ) {
        self.label = label
        self.format = format
        self.now = now
        self.output = output
        self.metadataProvider = metadataProvider
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        if let error = event.error { all[LogKeys.error] = "\(error)" }
        let line = LogLine(
            time: Self.timestamp(now()), level: event.level.rawValue, label: label,
            message: event.message.description,
            metadata: all.sorted { $0.key < $1.key }.map { ($0.key, $0.value.description) })
        output(format == .json ? line.json() : line.text())
    }

    /// UTC with milliseconds.
    private static func timestamp(_ date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
