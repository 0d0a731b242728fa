/// Finds the known key that someone most likely meant.
enum EditDistance {
    /// The candidate nearest to `path`; nil when none is near enough to be worth a hint. Ties go to the first
    /// in alphabetical order, so the answer is always the same.
    ///
    /// A candidate is compared as a whole and, for a key put in the wrong section, by its last part alone.
    static func nearest(to path: String, among candidates: some Sequence<String>) -> String? {
        let wanted = normalised(path)
        let wantedLast = last(wanted)
        var best: (candidate: String, distance: Int)?
        for candidate in candidates.sorted() {
            let whole = between(wanted, candidate)
            let part = between(wantedLast, last(candidate)) + 2
            let distance = min(whole, part)
            if distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(2, wantedLast.count / 2 + 1) else { return nil }
        return best.candidate
    }

    /// The Levenshtein distance: insertions, removals and replacements of characters that turn one into the
    /// other.
    static func between(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8.prefix(lengthMax))
        let right = Array(right.utf8.prefix(lengthMax))
        var row = Array(0...right.count)
        for (leftIndex, leftByte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = leftIndex + 1
            for (rightIndex, rightByte) in right.enumerated() {
                let replaced = diagonal + (leftByte == rightByte ? 0 : 1)
                diagonal = row[rightIndex + 1]
                row[rightIndex + 1] = min(replaced, diagonal + 1, row[rightIndex] + 1)
            }
        }
        return row[right.count]
    }

    /// Longer texts are compared by their beginning; the work is bounded by the square of this.
    private static let lengthMax = 128

    /// `path` in the spelling of the schema: `dataDir` and `data_dir` become `data-dir`.
    private static func normalised(_ path: String) -> String {
        var result = ""
        for character in path.prefix(lengthMax) {
            if character == "_" {
                result.append("-")
            } else if character.isUppercase, let previous = result.last, previous != "-", previous != "." {
                result += "-" + character.lowercased()
            } else {
                result += character.lowercased()
            }
        }
        return result
    }

    private static func last(_ path: String) -> String {
        path.split(separator: ".").last.map(String.init) ?? path
    }
}
