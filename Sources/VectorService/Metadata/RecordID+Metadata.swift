package import VectorStore

extension RecordID {
    /// The id as the metadata table has it.
    package var metadataKey: String {
        switch self {
        case .string(let text): text
        case .integer(let number): String(number)
        case .uuid(let uuid): uuid.description
        }
    }
}
