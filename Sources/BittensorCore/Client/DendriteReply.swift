public import NIOCore

/// What a client makes of a reply: pure functions over the synapse that it sent.
public enum DendriteReply {
    /// Takes a reply into the synapse that was sent. Never throws: what cannot be read becomes status 422.
    ///
    /// With status 200 every field and both terminals are those of the body. Then the headers are laid over
    /// the terminals, and the dendrite gets the axon's status. The status of HTTP counts, whatever headers
    /// and body say of it; the server's signature proves nothing and is not looked at.
    ///
    /// - Parameters:
    ///   - status: the status of HTTP.
    ///   - headers: all headers of the reply.
    ///   - body: the whole body.
    ///   - synapse: what was sent; becomes the answer.
    ///   - elapsed: seconds of the whole exchange.
    ///   - limits: bounds on what is read.
    public static func merge<S: Synapse>(
        status: Int, headers: HeaderList, body: ByteBuffer, into synapse: inout S, elapsed: Double,
        limits: SynapseLimits = .init()
    ) {
        let type = headers.first("content-type") ?? "application/json"
        guard Self.isJSON(type) else {
            let fault =
                "status \(status) with a body of type \(HeaderList.sanitized(String(type.prefix(64))))"
            return self.fail(.parse(fault), &synapse)
        }
        var merged = synapse
        do throws(BodyError) {
            let json: JSONValue
            do throws(JSONError) {
                json = try JSONValue(parsing: body, limits: limits.json)
            } catch {
                throw BodyError.json(error)
            }
            if status == 200 {
                merged = try self.read(json, as: S.self)
                merged.head.name = synapse.head.name
                merged.head.computedBodyHash = synapse.head.computedBodyHash
            } else {
                guard case .object(let members) = json else { throw BodyError.invalid("expected an object") }
                merged.head.axon.statusMessage = members["message"]?.stringValue
            }
        } catch {
            return self.fail(.parse("\(error)"), &synapse)
        }
        self.finish(&merged, status: status, headers: headers, elapsed: elapsed)
        synapse = merged
    }

    private static func read<S: Synapse>(_ json: JSONValue, as type: S.Type) throws(BodyError) -> S {
        let any = try AnySynapse(json: json, schema: type.schema)
        do throws(BittensorError) {
            return try any.synapse(as: type)
        } catch {
            throw BodyError.invalid(error.message)
        }
    }

    /// Takes the head of a stream's reply, once its chunks have been given to
    /// ``StreamingSynapse/received(_:)``.
    public static func mergeStream<S: StreamingSynapse>(
        status: Int, headers: HeaderList, into synapse: inout S, elapsed: Double
    ) {
        do {
            try synapse.streamEnded()
        } catch {
            return self.fail(.parse("\(error)"), &synapse)
        }
        self.finish(&synapse, status: status, headers: headers, elapsed: elapsed)
    }

    /// Notes that there is no reply.
    public static func fail<S: Synapse>(_ failure: DendriteFailure, _ synapse: inout S) {
        synapse.head.dendrite.statusCode = failure.status
        synapse.head.dendrite.statusMessage = failure.message
    }

    private static func finish<S: Synapse>(
        _ synapse: inout S, status: Int, headers: HeaderList, elapsed: Double
    ) {
        SynapseHeaders.merge(headers, into: &synapse.head)
        synapse.head.axon.statusCode = status
        synapse.head.dendrite.statusCode = status
        synapse.head.dendrite.statusMessage = synapse.head.axon.statusMessage
        synapse.head.dendrite.processTime = elapsed
    }

    private static func isJSON(_ type: String) -> Bool {
        let plain = type.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
        return plain == "application/json" || (plain.hasPrefix("application/") && plain.hasSuffix("+json"))
    }
}
