/// Every error that the library throws.
///
/// Switch on `code`; show `message`, which says what to do next. Codes may be added in later
/// versions, so a switch needs a default.
public struct VectorStoreError: Error, Sendable, CustomStringConvertible {
    /// A stable slug such as `dimension_mismatch`.
    public struct Code: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
        /// The slug.
        public let rawValue: String

        /// Makes a code from its slug.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The slug.
        public var description: String {
            rawValue
        }

        // Bad input: nothing was changed.
        /// A vector has the wrong number of floats.
        public static let dimensionMismatch = Code(rawValue: "dimension_mismatch")
        /// A vector holds NaN or an infinity.
        public static let vectorNotFinite = Code(rawValue: "vector_not_finite")
        /// A vector has no direction.
        public static let zeroVector = Code(rawValue: "zero_vector")
        /// Two records of one batch share an id.
        public static let duplicateID = Code(rawValue: "duplicate_id")
        /// An id is empty, too long or not of a permitted form.
        public static let invalidID = Code(rawValue: "invalid_id")
        /// A partition is missing, not expected, empty or too long.
        public static let invalidPartition = Code(rawValue: "invalid_partition")
        /// An attribute was not declared.
        public static let unknownAttribute = Code(rawValue: "unknown_attribute")
        /// A value does not have the declared type, or is too long or not finite.
        public static let invalidAttribute = Code(rawValue: "invalid_attribute")
        /// A payload is too large.
        public static let payloadTooLarge = Code(rawValue: "payload_too_large")
        /// A batch has too many records or bytes.
        public static let batchTooLarge = Code(rawValue: "batch_too_large")
        /// A search parameter is out of range.
        public static let invalidQuery = Code(rawValue: "invalid_query")
        /// A filter is too deep, too long or compares with the wrong type.
        public static let invalidFilter = Code(rawValue: "invalid_filter")
        /// A collection's name, dimension or attribute list cannot be used.
        public static let invalidConfiguration = Code(rawValue: "invalid_configuration")
        /// No collection has this name.
        public static let unknownCollection = Code(rawValue: "unknown_collection")
        /// A collection has this name and another configuration.
        public static let collectionExists = Code(rawValue: "collection_exists")
        /// A new index is worse than the one in force, which was kept.
        public static let rebuildRejected = Code(rawValue: "rebuild_rejected")
        /// A record that must exist does not.
        public static let recordNotFound = Code(rawValue: "record_not_found")

        // The state of the store.
        /// Another process, or another handle of this one, has the store open for writing.
        public static let storeLocked = Code(rawValue: "store_locked")
        /// The directory holds something that is not a store.
        public static let notAStore = Code(rawValue: "not_a_store")
        /// A file was written by a newer version of the format.
        public static let formatTooNew = Code(rawValue: "format_too_new")
        /// Bytes on disk cannot be believed.
        public static let corrupt = Code(rawValue: "corrupt")
        /// The operating system refused a call.
        public static let inputOutput = Code(rawValue: "io_error")
        /// The disk is full.
        public static let diskFull = Code(rawValue: "disk_full")
        /// A sync failed earlier: the store refuses writes until it is opened anew.
        public static let storePoisoned = Code(rawValue: "store_poisoned")
        /// The write may or may not have become durable; repeat it after opening the store anew.
        public static let outcomeUnknown = Code(rawValue: "outcome_unknown")
        /// The store is open for reading only.
        public static let readOnly = Code(rawValue: "read_only")
        /// The store was closed.
        public static let closed = Code(rawValue: "closed")
        /// The operation was cancelled.
        public static let cancelled = Code(rawValue: "cancelled")
        /// The same maintenance is running already.
        public static let busy = Code(rawValue: "busy")
    }

    /// What happened, to switch on.
    public var code: Code
    /// What happened and what to do next, for a person.
    public var message: String
    /// The 0-based row of the batch that was refused, if one was.
    public var row: Int?
    /// The field that was refused, if one was.
    public var field: String?
    /// The error below, if there is one.
    public var cause: (any Error)?
    /// Where in the library it was thrown.
    public var place: String

    /// Makes an error.
    public init(
        _ code: Code,
        _ message: String,
        row: Int? = nil,
        field: String? = nil,
        cause: (any Error)? = nil,
        file: StaticString = #fileID,
        line: UInt = #line
    ) {
        self.code = code
        self.message = message
        self.row = row
        self.field = field
        self.cause = cause
        self.place = "\(file):\(line)"
    }

    /// The code and the message.
    public var description: String {
        "\(code): \(message)"
    }
}
