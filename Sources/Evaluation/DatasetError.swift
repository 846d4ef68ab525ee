/// A data set file that cannot be what its name says, or cannot be read or written.
package struct DatasetError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, to switch on.
    package enum Kind: Sendable {
        /// There is no file of this name.
        case notFound
        /// The operating system refused a call.
        case inputOutput
        /// No format has this extension.
        case unknownExtension
        /// The file ends before bytes that its header promises.
        case truncated
        /// The file has more or other bytes than its header promises.
        case sizeMismatch
        /// The file does not begin as its format does.
        case wrongMagic
        /// The header holds something that this reader does not take.
        case unsupported
        /// The header promises no rows.
        case zeroRows
        /// The header's dimension is 0 or absurdly large.
        case badDimension
        /// Rows times dimension exceeds every file.
        case overflow
        /// A row contradicts the header.
        case badRow
    }

    package var file: String
    package var kind: Kind
    package var message: String
    /// Where in the file, in bytes.
    package var offset: Int?
    /// What the file promises at that place, if it is a number.
    package var expected: Int?
    /// What is there.
    package var found: Int?

    package init(
        _ file: String,
        _ kind: Kind,
        _ message: String,
        at offset: Int? = nil,
        expected: Int? = nil,
        found: Int? = nil
    ) {
        self.file = file
        self.kind = kind
        self.message = message
        self.offset = offset
        self.expected = expected
        self.found = found
    }

    package var description: String {
        var text = file
        if let offset { text += ", offset \(offset)" }
        text += ": \(message)"
        if let expected, let found { text += " (expected \(expected), found \(found))" }
        return text
    }
}
