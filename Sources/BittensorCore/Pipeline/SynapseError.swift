/// What a caller is told when a request is not answered with its synapse: a status and a message. Handlers
/// throw it; any other error reaches the caller as 500 with an opaque id.
public struct SynapseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of failure it is; it decides the status.
    public struct Kind: Sendable, Hashable, CustomStringConvertible {
        private enum Known: CaseIterable {
            // Python's classes.
            case invalidRequestName, notVerified, blacklisted, unknownSynapse, timedOut, priority, run
            case postProcess, internalError, synapse, dendriteNone, parsing
            // Ours, where Python has an opaque 500, or nothing.
            case malformed, headersTooLarge, targetTooLong, bodyHashMismatch, bodyTooLarge
            case unsupportedMediaType, methodNotAllowed, overloaded
        }
        private let known: Known

        /// 400: the request names no route.
        public static let invalidRequestName = Kind(known: .invalidRequestName)
        /// 401: the sender is not who it says.
        public static let notVerified = Kind(known: .notVerified)
        /// 403: the sender may not.
        public static let blacklisted = Kind(known: .blacklisted)
        /// 404: there is no such synapse.
        public static let unknownSynapse = Kind(known: .unknownSynapse)
        /// 408: the request was not served, or not sent, in time.
        public static let timedOut = Kind(known: .timedOut)
        /// 503: the request was not let through to a worker.
        public static let priority = Kind(known: .priority)
        /// 500: the handler failed.
        public static let run = Kind(known: .run)
        /// 500: what comes after the handler failed.
        public static let postProcess = Kind(known: .postProcess)
        /// 500: something else failed.
        public static let internalError = Kind(known: .internalError)
        /// 500: Python's base class.
        public static let synapse = Kind(known: .synapse)
        /// 500: the request has no dendrite.
        public static let dendriteNone = Kind(known: .dendriteNone)
        /// 500 with an opaque id: Python's class for headers that cannot be parsed, whose text never gets
        /// out.
        public static let parsing = Kind(known: .parsing)
        /// 400: headers or body are no synapse's.
        public static let malformed = Kind(known: .malformed)
        /// 431: more or larger headers than a synapse has.
        public static let headersTooLarge = Kind(known: .headersTooLarge)
        /// 414: a longer target than any route is.
        public static let targetTooLong = Kind(known: .targetTooLong)
        /// 400: the body is not the one that was signed.
        public static let bodyHashMismatch = Kind(known: .bodyHashMismatch)
        /// 413: the body is larger than this server reads.
        public static let bodyTooLarge = Kind(known: .bodyTooLarge)
        /// 415: the body does not say that it is JSON.
        public static let unsupportedMediaType = Kind(known: .unsupportedMediaType)
        /// 405: synapses are posted.
        public static let methodNotAllowed = Kind(known: .methodNotAllowed)
        /// 503: more requests than this server takes.
        public static let overloaded = Kind(known: .overloaded)

        /// All kinds.
        static var all: [Kind] { Known.allCases.map(Kind.init(known:)) }

        /// The HTTP status.
        public var status: Int {
            switch self.known {
            case .invalidRequestName, .malformed, .bodyHashMismatch: 400
            case .notVerified: 401
            case .blacklisted: 403
            case .unknownSynapse: 404
            case .methodNotAllowed: 405
            case .timedOut: 408
            case .bodyTooLarge: 413
            case .targetTooLong: 414
            case .unsupportedMediaType: 415
            case .headersTooLarge: 431
            case .run, .postProcess, .internalError, .synapse, .dendriteNone, .parsing: 500
            case .priority, .overloaded: 503
            }
        }

        public var description: String { "\(self.known)" }
    }

    /// What kind of failure it is.
    public let kind: Kind
    /// What the caller is told. In the header's copy, what is no printable ASCII becomes `?`.
    public let message: String
    /// The HTTP status.
    public var status: Int { self.kind.status }

    /// A failure of a kind.
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public var description: String { "\(self.status) \(self.kind): \(self.message)" }

    /// A failure whose cause the caller does not learn; the id stands in the log too.
    public static func opaque(id: String) -> SynapseError {
        SynapseError(.internalError, "Internal Server Error #\(id)")
    }
}
