/// What a new password that a person types must be: the rule, and which part of it a password breaks.
///
/// It has eight characters or more, five of them different; is not a run along the alphabet, the digits or a
/// row of the keyboard; has a letter, or twelve characters; and is not a common word or a name of the
/// wallet's, once or twice, whatever digits and signs stand around it or for its letters. Length is worth
/// more than signs, so signs are not asked for.
package enum PasswordStrength {
    /// The shortest.
    package static let lengthMin = 8
    /// The least number of different characters.
    package static let differentMin = 5
    /// The shortest without a letter.
    package static let letterlessLengthMin = 12

    /// What is wrong with a password, as the end of a sentence; nil where nothing is.
    ///
    /// - Parameter names: names that everybody knows, such as the wallet's.
    package static func weakness(of password: SecretBytes, names: [String] = []) -> String? {
        // The text lives as briefly as Swift lets it.
        let text = password.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        let characters = Array(text.lowercased())
        guard characters.count >= lengthMin else { return "it has fewer than \(lengthMin) characters" }
        guard Set(characters).count >= differentMin else {
            return "it has fewer than \(differentMin) different characters"
        }
        if isRun(characters) { return "it follows the alphabet, the digits or the keyboard" }
        guard characters.count >= letterlessLengthMin || characters.contains(where: \.isLetter) else {
            return "it has no letters and fewer than \(letterlessLengthMin) characters"
        }
        let common = Set(words + names.map { letters(Array($0.lowercased())[...]) }.filter { $0.count > 2 })
        guard
            cores(characters).allSatisfy({ core in
                let half = String(core.prefix(core.count / 2))
                return !common.contains(core) && !(half + half == core && common.contains(half))
            })
        else { return "it is a common word, or a name of the wallet" }
        return nil
    }

    /// The words that a password may be meant as: digits and signs that stand around it are left out or not.
    private static func cores(_ characters: [Character]) -> [String] {
        let isOutside: (Character) -> Bool = { !$0.isLetter }
        let withoutHead = characters.drop(while: isOutside)
        func withoutTail(_ text: ArraySlice<Character>) -> ArraySlice<Character> {
            text.dropLast(text.reversed().prefix(while: isOutside).count)
        }
        return [characters[...], withoutHead, withoutTail(characters[...]), withoutTail(withoutHead)].map(
            letters)
    }

    /// The letters, and those that digits and signs stand for.
    private static func letters(_ text: ArraySlice<Character>) -> String {
        String(text.map { replaced[$0] ?? $0 }.filter(\.isLetter))
    }

    /// Whether nearly every character is the neighbour of the one before it.
    private static func isRun(_ characters: [Character]) -> Bool {
        let steps = zip(characters, characters.dropFirst()).count { first, second in
            rows.contains { row in
                guard let index = row.firstIndex(of: first), let next = row.firstIndex(of: second) else {
                    return false
                }
                return abs(index - next) <= 1
            }
        }
        return steps * 4 >= (characters.count - 1) * 3
    }

    private static let replaced: [Character: Character] = [
        "0": "o", "1": "i", "!": "i", "3": "e", "4": "a", "@": "a", "5": "s", "$": "s", "7": "t",
    ]

    private static let rows = [
        "abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop",
        "yxcvbnm", "azertyuiop", "!@#$%^&*()",
    ].map(Array.init)

    /// The words that lists of leaked passwords begin with, and those of this field.
    private static let words: [String] = [
        "password", "passwort", "passphrase", "passwd", "pass", "secret", "letmein", "welcome", "changeme",
        "admin", "administrator", "root", "user", "login", "test", "testing", "qwerty", "iloveyou", "monkey",
        "dragon", "master", "sunshine", "princess", "football", "baseball", "superman", "batman", "shadow",
        "michael", "jordan", "charlie", "starwars", "whatever", "trustno", "computer", "internet", "freedom",
        "bitcoin", "ethereum", "polkadot", "substrate", "bittensor", "opentensor", "tensor", "tao", "subnet",
        "wallet", "coldkey", "hotkey", "validator", "miner", "crypto", "default",
    ]
}
