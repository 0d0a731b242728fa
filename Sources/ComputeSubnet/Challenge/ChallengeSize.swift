/// How large a search is: `characters` to the power of `difficulty` candidates.
package struct ChallengeSize: Sendable, Hashable {
    /// Distinct characters, 2 to 10.
    package let characters: Int
    /// Length of the password, 1 to 12.
    package let difficulty: Int

    /// A size; both numbers are brought into their ranges.
    package init(characters: Int = 10, difficulty: Int) {
        self.characters = min(max(characters, 2), 10)
        self.difficulty = min(max(difficulty, 1), 12)
    }

    /// How many candidates there are.
    package var candidates: Double {
        var product = 1.0
        for _ in 0..<self.difficulty { product *= Double(self.characters) }
        return product
    }
}
