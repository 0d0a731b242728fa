internal import AccountKeys
internal import Bittensor
internal import BittensorCore

/// Reads the arguments of `subnet axon` and `subnet dendrite`. Each function throws one sentence that says
/// what was expected.
enum BittensorArguments {
    /// `HOST:PORT`, the host of IPv6 in brackets or not.
    static func hostPort(_ text: String, _ flag: String) throws -> (host: String, port: Int) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port), colon > text.startIndex
        else {
            throw CommandFailure("\(flag) \"\(text)\" is not of the form HOST:PORT.", status: .usage)
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return (String(host), port)
    }

    /// Whom an axon believes.
    static func mode(_ text: String) throws -> AxonMode {
        switch text {
        case "strict": return .strict(.init())
        case "compatible": return .compatible(.python105)
        case "btauth":
            var policy = StrictPolicy()
            policy.requiresBTAuth = true
            return .strict(policy)
        default:
            throw CommandFailure(
                "--mode must be strict, compatible or btauth, not \"\(text)\".", status: .usage)
        }
    }

    /// What to serve, from a flag that repeats or holds a list.
    static func services(_ texts: [String]) throws -> Set<AxonOperation.Service> {
        Set(
            try texts.flatMap { $0.split(separator: ",") }.map { name in
                guard let service = AxonOperation.Service(rawValue: String(name)) else {
                    let known = AxonOperation.Service.allCases.map(\.rawValue).joined(separator: ", ")
                    throw CommandFailure("--serve \"\(name)\" is none of \(known).", status: .usage)
                }
                return service
            })
    }

    /// Whether a text can be the name of a synapse: a name of a class.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 128
            && text.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte)
            }
    }

    /// The address of a hotkey.
    static func hotkey(_ text: String, _ flag: String) throws -> String {
        do {
            return try AccountID(ss58: text).ss58()
        } catch {
            throw CommandFailure("\(flag) \"\(text)\" is no SS58 address: \(error.message)", status: .usage)
        }
    }

    /// A JSON object of fields.
    static func fields(_ text: String) throws -> JSONObject {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: text)
        } catch {
            throw CommandFailure("--fields is no JSON: \(error.message)", status: .usage)
        }
        guard let fields = value.objectValue else {
            throw CommandFailure("--fields is no JSON object.", status: .usage)
        }
        return fields
    }
}
