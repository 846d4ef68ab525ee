package import VectorStore

/// A request that was not fulfilled, as `application/problem+json` (RFC 9457) tells it.
package struct Problem: Error, Sendable, Equatable {
    /// The HTTP status code.
    package var status: Int
    /// A stable slug to switch on.
    package var code: String
    /// What happened and what to do next, for a person.
    package var detail: String
    /// The 0-based record of the batch that was refused, if one was.
    package var row: Int?
    /// The field that was refused, if one was.
    package var field: String?
    /// Seconds after which a repetition makes sense, if it does.
    package var retryAfterSeconds: Int?
    /// The methods a path knows, when the request used another.
    package var allowedMethods: String?

    /// Makes a problem.
    package init(
        status: Int,
        code: String,
        detail: String,
        row: Int? = nil,
        field: String? = nil,
        retryAfterSeconds: Int? = nil
    ) {
        self.status = status
        self.code = code
        self.detail = detail
        self.row = row
        self.field = field
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// A request that does not mean anything here.
    package static func invalidRequest(_ detail: String, field: String? = nil) -> Problem {
        Problem(status: 400, code: "invalid_request", detail: detail, field: field)
    }

    /// A body that is not JSON.
    package static func invalidJSON(_ error: JSONError) -> Problem {
        Problem(status: 400, code: "invalid_json", detail: "the body is not valid JSON: \(error)")
    }

    /// A body above the limit of its route.
    package static func bodyTooLarge(limit: Int) -> Problem {
        Problem(
            status: 413,
            code: "body_too_large",
            detail: "the body has more than \(limit) bytes; send it in smaller parts"
        )
    }

    /// Too many requests are waiting.
    package static let overloaded = Problem(
        status: 503,
        code: "overloaded",
        detail: "too many requests are waiting; repeat it later",
        retryAfterSeconds: 1
    )

    /// The server is on its way out.
    package static let stopping = Problem(
        status: 503,
        code: "closed",
        detail: "the server is stopping; repeat the request later",
        retryAfterSeconds: 5
    )

    /// The rows of Postgres that a query must have cannot be read.
    package static func metadataUnavailable(_ failure: MetadataFailure) -> Problem {
        Problem(
            status: 503,
            code: "metadata_unavailable",
            detail: "the metadata of the matches cannot be read now; repeat the query later, or "
                + "without require_metadata",
            retryAfterSeconds: failure.isTransient ? 1 : 60
        )
    }

    /// Translates an error of the engine.
    package init(_ error: VectorStoreError) {
        self.init(
            status: Self.status(of: error.code),
            code: error.code.rawValue,
            detail: error.message,
            row: error.row,
            field: error.field
        )
        if status == 503 { retryAfterSeconds = 5 }
    }

    /// Translates any error.
    package init(_ error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let error as VectorStoreError: self.init(error)
        case let error as JSONError: self = .invalidJSON(error)
        case is CancellationError:
            self.init(status: 503, code: "cancelled", detail: "the request was cancelled")
        default:
            // What went wrong inside is for the log, not for the client.
            self.init(status: 500, code: "internal_error", detail: "an unexpected error occurred")
        }
    }

    /// The status of an engine's error code; codes of later versions are faults of the server.
    package static func status(of code: VectorStoreError.Code) -> Int {
        switch code {
        case .dimensionMismatch, .vectorNotFinite, .zeroVector, .duplicateID, .invalidID,
            .invalidPartition, .unknownAttribute, .invalidAttribute, .invalidQuery, .invalidFilter,
            .invalidConfiguration:
            400
        case .unknownCollection, .recordNotFound: 404
        case .readOnly: 403
        case .collectionExists, .busy, .cancelled, .rebuildRejected: 409
        case .payloadTooLarge, .batchTooLarge: 413
        case .diskFull: 507
        case .storePoisoned, .outcomeUnknown, .closed, .storeLocked: 503
        default: 500
        }
    }

    /// The name of the status.
    package var title: String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 429: "Too Many Requests"
        case 503: "Service Unavailable"
        case 507: "Insufficient Storage"
        default: "Internal Server Error"
        }
    }

    /// The problem as JSON.
    package func encoded(instance: String, requestID: String) -> [UInt8] {
        JSONWriter.text { writer in
            writer.member("type", "about:blank")
            writer.member("title", title)
            writer.member("status", status)
            writer.member("detail", detail)
            writer.member("instance", instance)
            writer.member("code", code)
            if let row { writer.member("row", row) }
            if let field { writer.member("field", field) }
            writer.member("request_id", requestID)
        }
    }

    /// Reads a problem that a server sent.
    package init(status: Int, answer: JSONNode?) {
        self.init(
            status: status,
            code: answer?["code"]?.text ?? "http_\(status)",
            detail: answer?["detail"]?.text ?? "the server answered with status \(status)",
            row: answer?["row"]?.integer,
            field: answer?["field"]?.text
        )
    }
}
