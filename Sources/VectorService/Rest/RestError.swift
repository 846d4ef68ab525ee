/// A refusal on `/rest/v1`, in the four keys that PostgREST's clients read.
///
/// - Source: PostgREST, "Errors"; PostgreSQL, appendix A, for the five-character codes.
package struct RestError: Error, Sendable, Equatable {
    /// The HTTP status code.
    package var status: Int
    /// PostgREST's code, or PostgreSQL's.
    package var code: String
    /// What happened.
    package var message: String
    /// More about it.
    package var details: String?
    /// What to do.
    package var hint: String?
    /// Seconds after which a repetition makes sense, if it does.
    package var retryAfterSeconds: Int?
    /// The methods that the path takes, when it does not take the one it was asked with.
    package var allowedMethods: String?

    /// Makes an error.
    package init(
        _ status: Int,
        _ code: String,
        _ message: String,
        details: String? = nil,
        hint: String? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.hint = hint
    }

    /// The body: always these four keys, in PostgREST's order.
    package var encoded: [UInt8] {
        JSONWriter.text { writer in
            writer.member("code", code)
            writer.key("details")
            if let details { writer.value(details) } else { writer.null() }
            writer.key("hint")
            if let hint { writer.value(hint) } else { writer.null() }
            writer.member("message", message)
        }
    }

    // MARK: Requests

    /// A part of the address that does not read as what it should be.
    static func unreadable(_ part: String, _ text: String, _ details: String) -> RestError {
        RestError(400, "PGRST100", "\"failed to parse \(part) (\(text))\"", details: details)
    }

    /// Something that PostgREST can do and this server cannot.
    static func unsupported(_ feature: String) -> RestError {
        RestError(400, "PGRST127", "Feature not implemented", details: feature)
    }

    /// A body that is not JSON, or of a type that is not read.
    static func invalidBody(_ message: String, details: String? = nil) -> RestError {
        RestError(400, "PGRST102", message, details: details)
    }

    /// A method that a path does not take.
    static func methodNotAllowed(_ method: String) -> RestError {
        var error = RestError(405, "PGRST101", "Cannot use the \(method) method on RPC")
        error.allowedMethods = functionMethods
        return error
    }

    /// The methods that functions take (RFC 9110, section 10.2.1).
    static let functionMethods = "OPTIONS,GET,HEAD,POST"

    /// A column that the function does not return.
    static func unknownColumn(_ column: String, of function: String) -> RestError {
        RestError(400, "42703", "column \(function).\(column) does not exist")
    }

    /// A value that is not of the type of what it is compared with or given for.
    static func invalidText(_ text: String, type: String) -> RestError {
        RestError(400, "22P02", "invalid input syntax for type \(type): \"\(text)\"")
    }

    // MARK: Permission

    /// Somebody may not call a function.
    static func denied(_ function: String, isAnonymous: Bool) -> RestError {
        RestError(
            isAnonymous ? 401 : 403,
            "42501",
            "permission denied for function \(function)"
        )
    }

    // MARK: The service

    /// Translates what the service and the engine throw.
    init(_ error: any Error) {
        switch error {
        case let error as RestError: self = error
        default: self.init(problem: Problem(error))
        }
    }

    private init(problem: Problem) {
        switch problem.code {
        case "dimension_mismatch":
            self.init(400, "22000", problem.detail)
        case "vector_not_finite":
            self.init(400, "22P02", problem.detail)
        case "zero_vector":
            self.init(400, "22000", problem.detail)
        case "unknown_collection":
            self.init(404, "42P01", problem.detail)
        case "overloaded", "busy":
            self.init(503, "53300", problem.detail)
        case "cancelled", "deadline_exceeded":
            self.init(500, "57014", "canceling statement due to statement timeout")
        default:
            switch problem.status {
            case 400: self.init(400, "22023", problem.detail)
            case 413: self.init(413, "PGRST102", problem.detail)
            case 503: self.init(503, "PGRST000", problem.detail)
            case 507: self.init(507, "53100", problem.detail)
            default: self.init(500, "XX000", problem.detail)
            }
        }
        retryAfterSeconds = problem.retryAfterSeconds
    }
}
