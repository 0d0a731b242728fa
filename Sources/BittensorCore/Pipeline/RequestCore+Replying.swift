internal import NIOCore

extension RequestCore {
    private var isSigned: Bool {
        // Whoever has not proven a hotkey is not worth a signature.
        self.isHeaderSynapse && self.route != nil
            && (self.allows(.blacklistBeforeSignature) || self.caller != nil)
    }

    /// The reply that says why the request is not answered with its synapse.
    func reply(_ error: SynapseError, at now: UnixTime) -> AxonReply {
        var synapse = self.headers
        let route = self.isHeaderSynapse ? self.route : nil
        let schema = route?.schema ?? SynapseSchema(name: "Synapse", fields: [])
        if self.allows(.blacklistBeforeSignature), route == nil {
            synapse = AnySynapse(head: SynapseHead(name: "Synapse"), fields: [:])
        }
        synapse.head.axon.statusCode = error.status
        synapse.head.axon.statusMessage = error.message
        synapse.head.axon.processTime = now.seconds(since: self.started)
        let signing = self.isSigned ? self.sign(&synapse.head) : nil
        let message = (try? JSONValue.object(["message": .string(error.message)]).text()) ?? ""
        var headers = SynapseHeaders.encode(
            synapse, schema: schema, bodyHash: synapse.bodyHash(schema), totalSize: message.utf8.count)
        headers.add("content-length", String(message.utf8.count))
        headers.add("content-type", "application/json")
        return AxonReply(
            status: error.status, headers: headers, body: ByteBuffer(string: message), signing: signing,
            error: error)
    }

    /// Fills in what the server says of itself; the signature comes when the reply is signed.
    private func sign(_ head: inout SynapseHead) -> String {
        let identity = self.configuration.identity
        head.axon.version = identity.version
        head.axon.nonce = Int(self.started.nanoseconds)
        head.axon.uuid = identity.uuid
        head.axon.signature = "0x"
        return SynapseSignature.axonMessage(
            nonce: head.axon.nonce, dendrite: head.dendrite.hotkey, axon: head.axon.hotkey,
            uuid: head.axon.uuid)
    }

    /// The reply with the synapse, or the head of its stream.
    func reply(_ synapse: AnySynapse, isStream: Bool, at now: UnixTime) -> AxonReply {
        guard let route = self.route, let received = self.synapse else {
            return self.reply(.opaque(id: self.errorID), at: now)
        }
        var synapse = synapse
        synapse.head.name = route.schema.name
        if !self.allows(.bodyTerminals) {
            // Only the status is the handler's to say.
            let axon = synapse.head.axon
            synapse.head.dendrite = received.head.dendrite
            synapse.head.axon = received.head.axon
            synapse.head.axon.statusCode = axon.statusCode
            synapse.head.axon.statusMessage = axon.statusMessage
        }
        let status = isStream ? 200 : synapse.head.axon.statusCode ?? 200
        if synapse.head.axon.statusCode == nil { synapse.head.axon.statusCode = 200 }
        if synapse.head.axon.statusCode == 200, synapse.head.axon.statusMessage?.isEmpty ?? true {
            synapse.head.axon.statusMessage = "Success"
        }
        guard (200..<600).contains(status) else { return self.reply(.opaque(id: self.errorID), at: now) }
        synapse.head.axon.processTime = now.seconds(since: self.started)
        let signing = self.configuration.signsSuccess ? self.sign(&synapse.head) : nil
        if self.allows(.nonLatin1MessageFails),
            let message = synapse.head.axon.statusMessage,
            !message.unicodeScalars.allSatisfy({ $0.value < 0x100 })
        {
            return self.plain(500, "Internal Server Error")
        }
        var written = synapse
        if signing != nil { written.head.axon.signature = nil }
        let body: ByteBuffer?
        do {
            body = isStream ? nil : try written.body(.compact)
        } catch {
            // NaN and infinities have no word in JSON.
            return self.reply(fault: "the reply cannot be written as JSON: \(error.message)", at: now)
        }
        let bytesMax = self.configuration.limits.replyBytesMax
        if let body, body.readableBytes > bytesMax {
            return self.reply(
                fault: "the reply has \(body.readableBytes) bytes, more than \(bytesMax)", at: now)
        }
        var headers = HeaderList()
        if let body { headers.add("content-length", String(body.readableBytes)) }
        headers.add("content-type", isStream ? "text/event-stream" : "application/json")
        headers.add(
            contentsOf: SynapseHeaders.encode(
                synapse, schema: route.schema, bodyHash: synapse.bodyHash(route.schema),
                totalSize: body?.readableBytes ?? 0))
        return AxonReply(status: status, headers: headers, body: body, signing: signing)
    }

    /// The reply in place of one that cannot be sent.
    private func reply(fault: String, at now: UnixTime) -> AxonReply {
        var reply = self.reply(.opaque(id: self.errorID), at: now)
        reply.fault = fault
        return reply
    }

    // MARK: Replies of the web framework

    func reply(bodyFailure failure: BodyFailure, at now: UnixTime) -> AxonReply {
        switch failure {
        case .error(let error): return self.reply(error, at: now)
        case .unreadable: return self.reply(400, detail: "There was an error parsing the body")
        case .invalidJSON(let error):
            let fault: JSONValue = [
                "type": "json_invalid", "loc": ["body", .int(error.offset)], "msg": "JSON decode error",
                "input": [:], "ctx": ["error": .string(error.message)],
            ]
            return self.reply(422, detail: [fault])
        }
    }

    func reply(_ status: Int, detail: JSONValue) -> AxonReply {
        let text = (try? JSONValue.object(["detail": detail]).text()) ?? ""
        return self.bare(status, "application/json", text)
    }

    private func plain(_ status: Int, _ text: String) -> AxonReply {
        self.bare(status, "text/plain; charset=utf-8", text)
    }

    private func bare(_ status: Int, _ type: String, _ text: String) -> AxonReply {
        let headers = HeaderList([
            HeaderField("content-length", String(text.utf8.count)), HeaderField("content-type", type),
        ])
        return AxonReply(status: status, headers: headers, body: ByteBuffer(string: text))
    }
}
