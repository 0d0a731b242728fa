package import Logging

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif
#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Sets up logging for a process: to standard error, one line per entry.
package enum LogSetup {
    /// Installs the handler for the whole process. Call once, before the first logger is made.
    package static func bootstrap(
        _ configuration: LogConfiguration, metadataProvider: Logger.MetadataProvider? = nil
    ) {
        LoggingSystem.bootstrap(
            { label, provider in
                handler(label: label, configuration: configuration, metadataProvider: provider)
            }, metadataProvider: metadataProvider)
    }

    /// One handler, for a logger that does not go through the process-wide setup.
    package static func handler(
        label: String, configuration: LogConfiguration, metadataProvider: Logger.MetadataProvider? = nil,
        output: @escaping LineLogHandler.Output = LogSetup.writeToStandardError
    ) -> LineLogHandler {
        LineLogHandler(
            label: label, level: Logger.Level(rawValue: configuration.level.rawValue) ?? .info,
            format: configuration.format, metadataProvider: metadataProvider, now: { Date() }, output: output)
    }

    /// Writes a line to standard error with one system call, so that lines of several processes do not mix. A
    /// reader that went away is no reason to stop.
    @Sendable package static func writeToStandardError(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = write(STDERR_FILENO, rest.baseAddress, rest.count)
                if written < 0 && errno == EINTR { continue }
                guard written > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            }
        }
    }
}
