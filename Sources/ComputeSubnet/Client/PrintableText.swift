/// Text of others, as a terminal may be shown it.
package enum PrintableText {
    /// The text with a question mark for each control character: what stands in an answer must not move a
    /// cursor or retitle a window.
    package static func of(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
                        .unassigned:
                        "?"
                    default: scalar
                    }
                }))
    }
}
