internal import Yams

extension GPUTable {
    /// The longest text of a table, in bytes.
    package static let yamlBytesMax = 256 << 10

    /// The table of a YAML file:
    ///
    /// ```yaml
    /// gpus:
    ///   - name: NVIDIA H200
    ///     score: 4.0            # left out: known, but not in the score table
    ///     fp16_tflops: 610.0    # what the reference's benchmark measures
    ///     fp32_tflops: 49.6
    ///     probe_gb: 68.72
    ///     int8_tops: 1979       # data sheet, without sparsity; the proof of GPU needs it
    /// look_alikes:
    ///   - [NVIDIA L40, NVIDIA RTX 6000 Ada Generation]
    /// ```
    ///
    /// - Throws: ``GPUTableError``, also for a key that is none of these.
    package init(yaml: String) throws(GPUTableError) {
        guard yaml.utf8.count <= Self.yamlBytesMax else {
            throw GPUTableError("the GPU table is longer than \(Self.yamlBytesMax) bytes")
        }
        let file: TableFile
        do {
            file = try YAMLDecoder().decode(TableFile.self, from: yaml)
        } catch {
            throw GPUTableError("the GPU table is not what it should be: \(error)")
        }
        try self.init(
            entries: file.gpus.map(\.entry), lookAlikes: file.lookAlikes ?? [])
    }

    /// The table as text that ``init(yaml:)`` reads.
    package var yaml: String {
        get throws {
            let file = TableFile(gpus: self.entries.map(TableFile.GPU.init), lookAlikes: self.lookAlikes)
            return try YAMLEncoder().encode(file)
        }
    }
}

private struct TableFile: Codable {
    struct GPU: Codable {
        var name: String
        var score, fp16, fp32, probeGB, int8: Double?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case name, score
            case fp16 = "fp16_tflops"
            case fp32 = "fp32_tflops"
            case probeGB = "probe_gb"
            case int8 = "int8_tops"
        }

        init(_ entry: GPUTable.Entry) {
            self.name = entry.name
            self.score = entry.score
            self.fp16 = entry.fp16TeraOps
            self.fp32 = entry.fp32TeraOps
            self.probeGB = entry.probeGB
            self.int8 = entry.int8TeraOps
        }

        init(from decoder: any Decoder) throws {
            try refuseUnknownKeys(of: decoder, known: CodingKeys.allCases.map(\.rawValue))
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.name = try container.decode(String.self, forKey: .name)
            self.score = try container.decodeIfPresent(Double.self, forKey: .score)
            self.fp16 = try container.decodeIfPresent(Double.self, forKey: .fp16)
            self.fp32 = try container.decodeIfPresent(Double.self, forKey: .fp32)
            self.probeGB = try container.decodeIfPresent(Double.self, forKey: .probeGB)
            self.int8 = try container.decodeIfPresent(Double.self, forKey: .int8)
        }

        var entry: GPUTable.Entry {
            GPUTable.Entry(
                name: self.name, score: self.score, fp16TeraOps: self.fp16, fp32TeraOps: self.fp32,
                probeGB: self.probeGB, int8TeraOps: self.int8)
        }
    }

    var gpus: [GPU]
    var lookAlikes: [[String]]?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case gpus
        case lookAlikes = "look_alikes"
    }

    init(gpus: [GPU], lookAlikes: [[String]]?) {
        self.gpus = gpus
        self.lookAlikes = lookAlikes
    }

    init(from decoder: any Decoder) throws {
        try refuseUnknownKeys(of: decoder, known: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.gpus = try container.decode([GPU].self, forKey: .gpus)
        self.lookAlikes = try container.decodeIfPresent([[String]].self, forKey: .lookAlikes)
    }
}

/// Any key.
private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

private func refuseUnknownKeys(of decoder: any Decoder, known: [String]) throws {
    let keys = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
    guard let unknown = keys.first(where: { !known.contains($0) }) else { return }
    throw GPUTableError("the key \(unknown) is none of \(known.joined(separator: ", "))")
}
