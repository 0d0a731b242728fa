internal import NIOCore

/// Entry points for fuzzing: any bytes, no trap, bounded memory. What is accepted must survive a round trip.
package enum BittensorFuzz {
    private static let schema = SynapseSchema(
        name: "Fuzzed",
        fields: [
            .required("message", .string), .optional("count", .int, default: 1), .optional("x", .tensor),
            .optional("f", .float, default: 0.0), .optional("b", .bool, default: false),
            .optional("l", .list, default: []), .optional("d", .dict, default: [:]),
        ], requiredHashFields: ["message", "l", "d"])

    /// JSON; `false` when something that was read is not what was written again.
    package static func json(_ bytes: [UInt8]) -> Bool {
        guard let value = try? JSONValue(parsing: ByteBuffer(bytes: bytes)),
            let text = try? value.text(.python), let compact = try? value.text(.compact)
        else { return true }
        return (try? JSONValue(parsing: text)) == value && (try? JSONValue(parsing: compact)) == value
    }

    /// The body of a synapse, its hash, and the body written again.
    package static func body(_ bytes: [UInt8]) -> Bool {
        guard let synapse = try? AnySynapse(body: ByteBuffer(bytes: bytes), schema: self.schema) else {
            return true
        }
        let hash = synapse.bodyHash(self.schema)
        guard let body = try? synapse.body(.compact) else { return true }
        guard let again = try? AnySynapse(body: body, schema: self.schema) else { return false }
        return again == synapse && again.bodyHash(self.schema) == hash
    }

    /// Lines `name: value`, by both rules; what strict accepts, Python's rules accept too where the fields
    /// that they need are there.
    package static func headers(_ bytes: [UInt8]) -> Bool {
        let headers = self.lines(bytes)
        let strict = try? SynapseHeaders.decode(headers, schema: self.schema, rules: .strict)
        _ = try? SynapseHeaders.decode(headers, schema: self.schema, rules: .python)
        var head = SynapseHead()
        SynapseHeaders.merge(headers, into: &head)
        guard var strict else { return true }
        if strict.head.timeout == nil { strict.head.timeout = 12 }
        let written = SynapseHeaders.encode(
            strict, schema: self.schema, bodyHash: BodyHash.empty, totalSize: 0)
        let again = try? SynapseHeaders.decode(written, schema: self.schema, rules: .strict)
        return again?.head.dendrite == strict.head.dendrite && again?.head.axon == strict.head.axon
    }

    /// The MessagePack buffer of a tensor.
    package static func tensor(_ bytes: [UInt8]) -> Bool {
        guard let contents = try? TensorMessagePack.decode(bytes),
            let dtype = Tensor.DType.allCases.first(where: { $0.descriptor == contents.type }),
            let tensor = try? Tensor(dtype, shape: contents.shape, data: contents.data)
        else { return true }
        _ = tensor.doubles
        return (try? Tensor(json: tensor.json)) == tensor
    }

    /// Lines `name: value` as the headers of `btauth`.
    package static func btauth(_ bytes: [UInt8]) -> Bool {
        let headers = self.lines(bytes)
        for policy in [BTAuthPolicy.strict, .reference] {
            let verifier = BTAuthVerifier(
                policy: policy, hotkey: "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe")
            let caller = try? verifier.verify(
                method: "POST", target: "/x", headers: headers, body: ByteBuffer(),
                now: UnixTime(nanoseconds: 1_700_000_000_123_456_789))
            // Nobody can have signed this.
            if caller != nil { return false }
        }
        return true
    }

    private static func lines(_ bytes: [UInt8]) -> HeaderList {
        HeaderList(
            bytes.split(separator: 0x0A).prefix(512).map { line in
                let parts = line.split(separator: 0x3A, maxSplits: 1, omittingEmptySubsequences: false)
                return HeaderField(
                    HeaderList.latin1(parts[0]), parts.count > 1 ? HeaderList.latin1(parts[1]) : "")
            })
    }
}
