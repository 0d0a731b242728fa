/// What the subnet pays for GPU models, and how they are told apart. A configuration, not code.
package struct GPUTable: Sendable, Hashable {
    /// One model.
    package struct Entry: Sendable, Hashable {
        /// As the driver names it, `NVIDIA H200`.
        package var name: String
        /// Worth relative to the others; nil for a model that is known and not in the score table.
        package var score: Double?
        /// Half-precision rate that the reference's benchmark measures, in 10^12 operations a second.
        package var fp16TeraOps: Double?
        /// The same for single precision.
        package var fp32TeraOps: Double?
        /// The memory that the reference's probe reports, in GB.
        package var probeGB: Double?
        /// The data sheet's rate of 8-bit integer matrix products without sparsity, in 10^12 operations a
        /// second.
        package var int8TeraOps: Double?

        /// An entry as given.
        package init(
            name: String, score: Double? = nil, fp16TeraOps: Double? = nil, fp32TeraOps: Double? = nil,
            probeGB: Double? = nil, int8TeraOps: Double? = nil
        ) {
            self.name = name
            self.score = score
            self.fp16TeraOps = fp16TeraOps
            self.fp32TeraOps = fp32TeraOps
            self.probeGB = probeGB
            self.int8TeraOps = int8TeraOps
        }
    }

    /// The models, best first.
    package private(set) var entries: [Entry]
    /// Pairs of models that the reference's benchmark confuses; in either direction the reported one is
    /// believed.
    package private(set) var lookAlikes: [[String]]

    private let indexes: [String: Int]

    /// The most models that a table holds.
    package static let entriesMax = 1024

    /// A table of these models.
    ///
    /// - Throws: ``GPUTableError`` for a model named twice, a number that is negative or not finite, or a
    ///   look-alike that is no pair of known models.
    package init(entries: [Entry], lookAlikes: [[String]] = []) throws(GPUTableError) {
        guard entries.count <= Self.entriesMax, lookAlikes.count <= Self.entriesMax else {
            throw GPUTableError("the GPU table has more than \(Self.entriesMax) entries")
        }
        var indexes: [String: Int] = [:]
        for (index, entry) in entries.enumerated() {
            guard !entry.name.isEmpty else { throw GPUTableError("a GPU has no name") }
            guard indexes.updateValue(index, forKey: entry.name) == nil else {
                throw GPUTableError("the GPU \(entry.name) is listed twice")
            }
            let numbers = [
                entry.score, entry.fp16TeraOps, entry.fp32TeraOps, entry.probeGB, entry.int8TeraOps,
            ]
            guard numbers.allSatisfy({ ($0 ?? 0).isFinite && ($0 ?? 0) >= 0 }) else {
                throw GPUTableError("a number of the GPU \(entry.name) is negative or not finite")
            }
        }
        for pair in lookAlikes {
            guard pair.count == 2, pair[0] != pair[1], pair.allSatisfy({ indexes[$0] != nil }) else {
                throw GPUTableError("look-alikes are pairs of listed GPUs: \(pair)")
            }
        }
        self.init(checked: entries, lookAlikes: lookAlikes, indexes: indexes)
    }

    private init(checked entries: [Entry], lookAlikes: [[String]], indexes: [String: Int]) {
        self.entries = entries
        self.lookAlikes = lookAlikes
        self.indexes = indexes
    }

    /// For tables that are written in this module; a test checks that they pass
    /// ``init(entries:lookAlikes:)``.
    init(builtIn entries: [Entry], lookAlikes: [[String]]) {
        let indexes = Dictionary(
            entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.init(checked: entries, lookAlikes: lookAlikes, indexes: indexes)
    }

    /// The model of this name.
    package subscript(_ model: String) -> Entry? { self.indexes[model].map { self.entries[$0] } }

    /// What a model is worth; nil for one that is not in the score table.
    package func score(model: String) -> Double? { self[model]?.score }

    /// The greatest score of the table.
    package var scoreMax: Double { self.entries.compactMap(\.score).max() ?? 0 }

    /// The model whose fingerprint is nearest to what the reference's benchmark measured.
    ///
    /// - Parameters:
    ///   - fp16: measured rate in 10^12 operations a second.
    ///   - fp32: the same for single precision.
    ///   - memoryGB: what its memory probe reported.
    ///   - reported: the driver's name, which decides between look-alikes.
    ///   - deviationMax: a mean relative deviation above this is "unknown". The reference takes any.
    package func identify(
        fp16: Double, fp32: Double, memoryGB: Double, reported: String?, deviationMax: Double = 0.25
    ) -> String? {
        var best: (name: String, deviation: Double)?
        for entry in self.entries {
            guard let entryFP16 = entry.fp16TeraOps, let entryFP32 = entry.fp32TeraOps,
                let entryGB = entry.probeGB,
                entryFP16 > 0, entryFP32 > 0, entryGB > 0
            else { continue }
            let deviation =
                (abs(fp16 - entryFP16) / entryFP16 + abs(fp32 - entryFP32) / entryFP32
                    + abs(memoryGB - entryGB) / entryGB) / 3
            if deviation < best?.deviation ?? .infinity { best = (entry.name, deviation) }
        }
        guard let best, best.deviation <= deviationMax else { return nil }
        if let reported,
            self.lookAlikes.contains(where: { $0 == [best.name, reported] || $0 == [reported, best.name] })
        {
            return reported
        }
        return best.name
    }
}

/// A GPU table that makes no sense.
package struct GPUTableError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong with it.
    package let description: String
    init(_ description: String) { self.description = description }
}
