/// The bounds of solving challenges.
package struct ChallengeLimits: Sendable, Hashable {
    /// Challenges that wait for their turn; more are refused at once.
    package var queueLengthMax = 16
    /// From reception to the answer, whatever the caller allows.
    package var runTimeMax: Duration = .seconds(30)
    /// Less time than this is not worth a start: refused as too late.
    package var runTimeMin: Duration = .seconds(1)
    /// The longest password searched for.
    package var difficultyMax = 12
    /// The most distinct characters of a charset.
    package var charactersMax = 10
    /// What is read of a child's standard output, and of its standard error.
    package var outputBytesMax = 64 << 10
    /// How much of a child's standard error goes into an answer, in characters.
    package var errorCharactersMax = 512
    /// How long the first build of hashcat's kernels may take.
    package var warmUpTimeMax: Duration = .seconds(300)

    /// The defaults.
    package init() {}
}
