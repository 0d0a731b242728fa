/// The words of a text, as the generator of the training text counts them: the longest runs of ASCII letters,
/// in lower case.
func words(_ text: String) -> [String] {
    text.lowercased().split { !("a"..."z").contains($0) }.map(String.init)
}
