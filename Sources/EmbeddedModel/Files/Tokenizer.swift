/// Byte-level byte-pair encoding: text to token ids and back.
///
/// Ids 0 to 255 are the 256 bytes, so that every prompt can be written. Id 256 + n is merge n: two earlier
/// ids joined. The id after the last merge is the end token, which stands before and after a document and has
/// no text. tokenizer.json is `{"format": "subnet-byte-bpe/1", "end_token_id": 256 + m, "merges": [[a, b],
/// ...]}` with m merges.
///
/// - Limits: ``ModelLimits/tokenizerBytesMax``, ``ModelLimits/vocabularyMax``; a token has at most 32 bytes.
package struct Tokenizer: Sendable {
    /// Bytes of the longest token, and of the longest piece within which tokens are joined.
    package static let tokenBytesMax = 32
    /// The one format there is.
    package static let format = "subnet-byte-bpe/1"

    /// The bytes of each id; none for the end token.
    private let texts: [[UInt8]]
    /// Merge number by its two ids, the first in the upper half.
    private let ranks: [UInt64: Int]

    /// The token before and after each document.
    package var endToken: Int { self.texts.count - 1 }
    /// Number of ids.
    package var vocabulary: Int { self.texts.count }

    private struct File: Decodable {
        var format: String
        var end_token_id: Int
        var merges: [[Int]]
    }

    /// Reads tokenizer.json.
    ///
    /// - Throws: ``ModelError/Code/fileTooLarge``, ``ModelError/Code/malformedTokenizer``,
    ///   ``ModelError/Code/unsupported`` for another format.
    package init(json: [UInt8], limits: ModelLimits = ModelLimits()) throws(ModelError) {
        try ModelFile.check(size: json.count, bytesMax: limits.tokenizerBytesMax, name: "tokenizer.json")
        let file = try ModelFile.decode(
            File.self, from: json, name: "tokenizer.json", code: .malformedTokenizer)
        guard file.format == Self.format else {
            throw ModelError(.unsupported, "tokenizer.json has format \(file.format.debugDescription)")
        }
        guard file.merges.count + 257 <= limits.vocabularyMax else {
            throw Self.malformed("has \(file.merges.count) merges")
        }
        guard file.end_token_id == 256 + file.merges.count else {
            throw Self.malformed("has end token \(file.end_token_id), not the id after its last merge")
        }
        var texts = (0...255).map { [UInt8($0)] }
        var ranks: [UInt64: Int] = [:]
        for (rank, merge) in file.merges.enumerated() {
            guard merge.count == 2, merge.allSatisfy({ (0..<texts.count).contains($0) }) else {
                throw Self.malformed("has a merge \(rank) that is not made of two earlier ids")
            }
            let text = texts[merge[0]] + texts[merge[1]]
            guard text.count <= Self.tokenBytesMax else {
                throw Self.malformed("has a merge \(rank) of more than \(Self.tokenBytesMax) bytes")
            }
            guard ranks.updateValue(rank, forKey: Self.key(merge[0], merge[1])) == nil else {
                throw Self.malformed("has merge \(rank) twice")
            }
            texts.append(text)
        }
        texts.append([])
        self.texts = texts
        self.ranks = ranks
    }

    /// The bytes of token `id`; nil when there is no such token. A character may be split over two tokens.
    package func bytes(of id: Int) -> [UInt8]? {
        self.texts.indices.contains(id) ? self.texts[id] : nil
    }

    /// The bytes of `ids`, one after the other; unknown ids have none.
    package func decode(_ ids: [Int]) -> [UInt8] {
        ids.flatMap { self.bytes(of: $0) ?? [] }
    }

    /// The ids of `text`, which may be any bytes. Takes time in proportion to the number of bytes.
    package func encode(_ text: [UInt8]) -> [Int] {
        var ids: [Int] = []
        var start = 0
        while start < text.count {
            let end = Self.pieceEnd(text, from: start)
            self.encode(piece: text[start..<end], into: &ids)
            start = end
        }
        return ids
    }

    /// Where the piece that begins at `start` ends: an optional space, then either a run of letters (ASCII
    /// letters and all bytes from 128 on) or one other byte that is not a space; 32 bytes at most.
    private static func pieceEnd(_ text: [UInt8], from start: Int) -> Int {
        var end = text[start] == UInt8(ascii: " ") ? start + 1 : start
        guard end < text.count else { return end }
        guard self.isLetter(text[end]) else { return text[end] == UInt8(ascii: " ") ? end : end + 1 }
        while end < text.count, end - start < self.tokenBytesMax, self.isLetter(text[end]) { end += 1 }
        return end
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        byte >= 128 || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// Joins the pair with the lowest merge number, leftmost first, until no pair has a merge.
    private func encode(piece: ArraySlice<UInt8>, into output: inout [Int]) {
        var ids = piece.map { Int($0) }
        while ids.count > 1 {
            var best = Int.max
            var bestIndex = 0
            for index in 1..<ids.count {
                if let rank = self.ranks[Self.key(ids[index - 1], ids[index])], rank < best {
                    best = rank
                    bestIndex = index
                }
            }
            guard best < Int.max else { break }
            ids[bestIndex - 1] = 256 + best
            ids.remove(at: bestIndex)
        }
        output += ids
    }

    private static func key(_ left: Int, _ right: Int) -> UInt64 { UInt64(left) << 32 | UInt64(right) }

    private static func malformed(_ what: String) -> ModelError {
        ModelError(.malformedTokenizer, "tokenizer.json \(what)")
    }
}
