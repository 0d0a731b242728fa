public import ArgumentParser
internal import LibP2PIdentity
internal import Logging
public import Subnet

/// `--json`, for commands whose result a program may want to read.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print one JSON object per line.")
    var json = false
}

/// Options of the commands that dial out.
struct ClientOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Key file to present; without it a new key is used.", valueName: "file"))
    var identity: String?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Seconds for dial and handshake.", valueName: "seconds"),
        transform: ArgumentReader.seconds)
    var dialTimeout: Duration = .seconds(15)

    @Option(help: ArgumentHelp("Least severe log level on standard error.", valueName: "level"))
    var logLevel: LogConfiguration.Level = .warning

    /// Sets up logging and loads the key.
    func start() throws -> ClientIdentity {
        var log = LogConfiguration()
        log.level = logLevel
        LogSetup.bootstrap(log)
        return ClientIdentity(key: try identity.map { try ArgumentReader.key(at: $0) }, timeout: dialTimeout)
    }
}

extension LogConfiguration.Level: ExpressibleByArgument {}
extension LogConfiguration.Format: ExpressibleByArgument {}

/// Reads single arguments. Each function throws one sentence that says what was expected.
enum ArgumentReader {
    /// A multiaddress.
    static func address(_ text: String) throws -> Multiaddr {
        do {
            return try Multiaddr(text)
        } catch {
            throw CommandFailure("\"\(text)\" is not a multiaddress: \(error.message)", status: .usage)
        }
    }

    /// A multiaddress that ends in `/p2p/ID`, since who answers must be certain.
    static func peerAddress(_ text: String) throws -> Multiaddr {
        let address = try address(text)
        guard address.peerID != nil else {
            throw CommandFailure(
                "\"\(text)\" does not say who must answer: add /p2p/ID, which \"subnet identify\" prints.",
                status: .usage)
        }
        return address
    }

    /// Multiaddresses from flags that repeat or hold lists separated by commas.
    static func addresses(_ texts: [String], peerIDNeeded: Bool = false) throws -> [Multiaddr] {
        try texts.flatMap { $0.split(separator: ",") }
            .map { try peerIDNeeded ? peerAddress(String($0)) : address(String($0)) }
    }

    /// A multiaddress with `/p2p/ID`, or a peer id.
    static func target(_ text: String) throws -> InferRequest.Target {
        if text.hasPrefix("/") { return .address(try peerAddress(text)) }
        do {
            return .peer(try PeerID(text))
        } catch {
            throw CommandFailure(
                "\"\(text)\" is neither a multiaddress nor a peer id: \(error.message)", status: .usage)
        }
    }

    /// The key in a file.
    static func key(at path: String) throws -> PrivateKey {
        do {
            return try KeyFile.load(path: path)
        } catch {
            throw CommandFailure(KeySentence.text(error, path: path))
        }
    }

    /// A time in seconds, fractions allowed, from 1 ms to a day.
    static func seconds(_ text: String) throws -> Duration {
        guard let value = Double(text), (0.001...86_400).contains(value) else {
            throw CommandFailure("\"\(text)\" is not a time in seconds from 0.001 to 86400.", status: .usage)
        }
        return .milliseconds(Int64((value * 1000).rounded()))
    }

    /// Throws unless `value` lies in `range`.
    static func check<Value: Comparable>(_ value: Value, in range: ClosedRange<Value>, _ flag: String) throws
    {
        guard range.contains(value) else {
            throw CommandFailure(
                "\(flag) must be from \(range.lowerBound) to \(range.upperBound), not \(value).",
                status: .usage)
        }
    }
}
