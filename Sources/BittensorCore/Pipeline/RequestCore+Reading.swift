internal import NIOCore

extension RequestCore {
    /// The path without the query.
    private var path: Substring { self.request.target.prefix { $0 != "?" } }

    /// The path's parts; the first is the name of the synapse.
    private var parts: [Substring] { self.path.split(separator: "/", omittingEmptySubsequences: false) }

    private var isCompatible: Bool { self.allows(.blacklistBeforeSignature) }

    /// Bounds and, where the sender comes first, the headers that prove it.
    mutating func readHead() throws(SynapseError) {
        let limits = self.configuration.limits
        guard self.request.target.utf8.count <= limits.targetBytesMax else {
            throw SynapseError(.targetTooLong, "The target is too long")
        }
        guard !self.isCompatible else { return }
        let base = SynapseSchema(name: "Synapse", fields: [])
        try self.read(base)
        self.headers.head.name =
            self.parts.count > 1 ? HeaderList.sanitized(String(self.parts[1])) : "Synapse"
    }

    /// Finds the route, and reads what the headers say of its fields.
    mutating func findRoute() throws(SynapseError) {
        let name: String
        if self.parts.count > 1, self.parts[0].isEmpty {
            name = String(self.parts[1])
        } else if self.isCompatible, self.asterisk {
            name = "*"
        } else {
            throw SynapseError(
                .invalidRequestName, "Improperly formatted request. Could not parser request .")
        }
        guard let route = self.configuration.routes[name] else {
            var message = "Synapse name '\(name)' not found."
            if self.allows(.routesDisclosed) {
                let names = self.configuration.routes.names.map(JSONValue.string)
                message += " Available synapses \(PythonText.repr(.array(names)))"
            }
            throw SynapseError(.unknownSynapse, message)
        }
        self.route = route
        try self.read(route.schema)
        self.headers.head.name = name
    }

    private var asterisk: Bool {
        guard case .compatible(let policy) = self.mode else { return false }
        return self.request.target == "*" && policy.asteriskIsRoute
    }

    private mutating func read(_ schema: SynapseSchema) throws(SynapseError) {
        let proven = self.headers.head.dendrite
        let rules = self.allows(.pythonHeaders) ? SynapseHeaders.Rules.python : .strict
        let limits = self.configuration.limits
        do throws(HeaderError) {
            // Where the sender comes first the headers are read twice, the second time for the fields alone.
            let raw: SynapseHeaders.Sorted
            if let sorted = self.sorted {
                raw = sorted
            } else {
                raw = try SynapseHeaders.sorted(self.request.headers, rules: rules, limits: limits)
            }
            var headers = self.headers
            if self.sorted == nil {
                headers.head = try SynapseHeaders.head(raw, name: schema.name, rules: rules, limits: limits)
            }
            headers.fields = try SynapseHeaders.fields(raw, schema: schema, rules: rules)
            self.headers = headers
            self.sorted = raw
        } catch {
            if error.isTooLarge { throw SynapseError(.headersTooLarge, error.message) }
            if self.allows(.headerErrorsAs500) { throw .opaque(id: self.errorID) }
            throw SynapseError(.malformed, "Malformed header: \(error.message)")
        }
        self.isHeaderSynapse = true
        self.headers.head.dendrite.ip = self.request.peerIP
        self.headers.head.dendrite.port = self.request.peerPort
        if let caller = self.caller, caller.generation == .btauth1 {
            // Of the classic headers beside btauth's nothing is proven.
            self.headers.head.dendrite = TerminalInfo(
                ip: self.request.peerIP, port: self.request.peerPort, nonce: proven.nonce,
                hotkey: proven.hotkey)
        }
        self.headers.head.axon.statusCode = nil
        self.headers.head.axon.statusMessage = nil
        self.headers.head.axon.processTime = nil
    }

    /// What can be refused before a body is read for it: shape, receiver and freshness.
    func checkBTAuthHeaders(_ policy: BTAuthPolicy) throws(SynapseError) {
        do throws(VerificationRefusal) {
            let verifier = BTAuthVerifier(policy: policy, hotkey: self.configuration.identity.hotkey)
            _ = try verifier.claim(self.request.headers, now: self.started)
        } catch {
            throw self.error(of: error)
        }
    }

    // MARK: Method, path, media type

    func checkMethodAndPath() throws(SynapseError) {
        guard self.parts.count == 2 else { throw SynapseError(.unknownSynapse, "Not Found") }
        let isServed =
            self.request.method == "POST" || (self.request.method == "GET" && self.allows(.anyMethod))
        guard isServed else {
            throw SynapseError(.methodNotAllowed, "Method Not Allowed")
        }
    }

    /// What the web framework under Python's server answers by itself, once the nonce is used up.
    func frameworkReply() -> AxonReply? {
        guard self.parts.count == 2 else { return self.reply(404, detail: "Not Found") }
        guard ["GET", "POST"].contains(self.request.method) else {
            var reply = self.reply(405, detail: "Method Not Allowed")
            reply.headers = HeaderList([HeaderField("allow", "GET, POST")] + reply.headers.fields)
            return reply
        }
        return nil
    }

    /// Whether the headers say that the body is JSON; saying nothing counts.
    private var isJSON: Bool {
        guard let text = self.request.headers.first("content-type") else { return true }
        let type = text.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
        return type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json"))
    }

    func checkMediaType() throws(SynapseError) {
        guard self.isJSON else {
            throw SynapseError(.unsupportedMediaType, "The body must be application/json")
        }
    }

    // MARK: Body

    /// Why a body is refused: with a reply of ours, or of the web framework under Python's server.
    enum BodyFailure: Error {
        case error(SynapseError)
        case invalidJSON(JSONError)
        case unreadable
    }

    /// Reads the synapse of the body and checks that it is the one that was signed.
    mutating func readSynapse() -> Result<Void, BodyFailure> {
        guard let route = self.route, let body = self.body else {
            return .failure(.error(.opaque(id: self.errorID)))
        }
        if self.isCompatible, !self.isJSON || body.readableBytes == 0 {
            return .failure(.error(self.bodyError(.invalid("no JSON"))))
        }
        if !self.isCompatible, !self.isJSON {
            return .failure(.error(SynapseError(.unsupportedMediaType, "The body must be application/json")))
        }
        var synapse: AnySynapse
        do throws(BodyError) {
            synapse = try AnySynapse(body: body, schema: route.schema, limits: self.configuration.limits.json)
        } catch {
            if self.allows(.bodyErrorsAs500), case .json(let error) = error {
                switch error.code {
                case .syntax: return .failure(.invalidJSON(error))
                case .limit: return .failure(.error(SynapseError(.bodyTooLarge, error.message)))
                default: return .failure(.unreadable)
                }
            }
            return .failure(.error(self.bodyError(error)))
        }
        if self.caller?.generation != .btauth1 {
            guard let hash = self.headers.head.computedBodyHash,
                HeaderList.isSame(hash, synapse.bodyHash(route.schema))
            else {
                if self.allows(.bodyErrorsAs500) { return .failure(.error(.opaque(id: self.errorID))) }
                return .failure(
                    .error(SynapseError(.bodyHashMismatch, "The body is not the one that was signed")))
            }
        }
        if !self.allows(.bodyTerminals) { self.normalize(&synapse.head) }
        self.synapse = synapse
        return .success(())
    }

    /// Both ends as the headers proved them; of the body only its fields and its timeout count.
    private func normalize(_ head: inout SynapseHead) {
        head.dendrite = self.headers.head.dendrite
        head.axon = self.headers.head.axon
        head.axon.hotkey = self.configuration.identity.hotkey
        if self.caller?.generation != .btauth1 { head.timeout = self.headers.head.timeout ?? head.timeout }
        if let timeout = head.timeout, !timeout.isFinite || timeout < 0 { head.timeout = 12 }
    }

    /// The error for a body that is no synapse.
    func bodyError(_ error: BodyError) -> SynapseError {
        guard !self.allows(.bodyErrorsAs500) else { return .opaque(id: self.errorID) }
        if case .json(let error) = error, error.code == .limit {
            return SynapseError(.bodyTooLarge, "The body is beyond the limits: \(error.message)")
        }
        return SynapseError(.malformed, "Malformed body: \(error)")
    }

    /// The error for a sender that is not believed.
    func error(of refusal: VerificationRefusal) -> SynapseError {
        let message = "Not Verified with error: \(refusal.message)"
        if self.isCompatible { return SynapseError(.notVerified, message) }
        switch refusal.reason {
        case .malformed: return SynapseError(.malformed, message)
        case .overloaded, .unavailable: return SynapseError(.overloaded, message)
        default: return SynapseError(.notVerified, message)
        }
    }
}
