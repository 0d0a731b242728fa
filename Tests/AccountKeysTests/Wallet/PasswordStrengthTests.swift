internal import Testing

@testable internal import AccountKeys

/// What a person may choose as a new password.
@Suite struct PasswordStrengthTests {
    private func weakness(_ text: String, names: [String] = ["alice", "default"]) -> String? {
        PasswordStrength.weakness(of: SecretBytes(Array(text.utf8)), names: names)
    }

    @Test(arguments: [
        ("aK9-xyz", "fewer than 8 characters"), ("", "fewer than 8 characters"),
        ("äöüßéáè", "fewer than 8 characters"), ("aaaabbbbcccc", "different characters"),
        ("AaAaBbBbCcCc", "different characters"), ("abcdefgh", "alphabet"), ("87654321", "alphabet"),
        ("qwertyuiop", "keyboard"), ("qwertasdfg", "keyboard"), ("zyxwvutsrq", "alphabet"),
        ("1980-05-17", "no letters"), ("19800517", "no letters"), ("password", "common word"),
        ("P4$$w0rd!", "common word"), ("Password2026!", "common word"), ("2026password", "common word"),
        ("$ecret$ecret", "common word"), ("passwordpassword", "common word"), ("bittensor1", "common word"),
        ("--Bittensor--", "common word"), ("alice-2026", "common word"), ("Al1ce!!!!", "common word"),
    ])
    func whatIsEasyToGuessIsNamed(_ password: String, _ reason: String) {
        #expect(self.weakness(password)?.contains(reason) == true, "\(self.weakness(password) ?? "nothing")")
    }

    @Test(arguments: [
        "correct horse battery", "tr0ub4dor", "kS9!fj2m", "91#82$73&04%", "correct-Horse7-battery",
        "пароль-длинный", "alicewonderland", "wheelbarrow", "xk7qzv0p",
    ])
    func whatIsNotIsTaken(_ password: String) {
        #expect(self.weakness(password) == nil)
    }

    @Test func namesCountOnlyWhereTheyAreThePassword() {
        #expect(self.weakness("treasury", names: ["treasury"]) != nil)
        #expect(self.weakness("treasury", names: []) == nil)
        // A name of two letters is in half of all words.
        #expect(self.weakness("w1w1-kfzu", names: ["w", "h1"]) == nil)
    }
}
