/// One request, wherever it came from: a socket, or a command in the same process.
package struct ServiceRequest: Sendable {
    /// The method in upper case.
    package var method: String
    /// The path, without parameters.
    package var path: String
    /// The parameters of the address, decoded, in order.
    package var parameters: [(name: String, value: String)]
    /// The type of the body, in lower case and without its parameters.
    package var contentType: String?
    /// The header fields.
    package var headers: RequestHeaders
    /// The body.
    package var body: [UInt8]
    /// What the log and a problem call this request.
    package var id: String
    /// What its path and method mean, once that is known.
    var route: Route?
    /// Who asks; a command in the same process holds the store and may do anything.
    package var principal: Principal

    /// Describes a request.
    package init(
        method: String,
        path: String,
        parameters: [(name: String, value: String)] = [],
        contentType: String? = nil,
        body: [UInt8] = [],
        id: String = "local"
    ) {
        self.init(
            method: method,
            path: path,
            parameters: parameters,
            contentType: contentType,
            body: body,
            id: id,
            headers: RequestHeaders(),
            route: nil,
            principal: .service
        )
    }

    /// Describes a request that came with a head.
    init(
        method: String,
        path: String,
        parameters: [(name: String, value: String)],
        contentType: String?,
        body: [UInt8],
        id: String,
        headers: RequestHeaders,
        route: Route?,
        principal: Principal
    ) {
        self.method = method
        self.path = path
        self.parameters = parameters
        self.contentType = contentType
        self.headers = headers
        self.body = body
        self.id = id
        self.route = route
        self.principal = principal
    }

    /// The most bytes of the body of a request to a place; nil for the functions of `/rest/v1`.
    static func bodyLimit(of route: Route?) -> Int { route?.bodyLimit ?? Route.functionBodyLimit }
}

/// Writes a body piece by piece, for as long as the client reads.
package typealias BodyStream =
    @Sendable (_ write: ([UInt8]) async throws -> Void) async throws -> Void

/// The answer to a request.
package struct ServiceAnswer: Sendable {
    /// The HTTP status code.
    package var status: Int
    /// The body, JSON or empty.
    package var body: [UInt8]
    /// The type of the body, when it is neither JSON nor a problem.
    package var contentType: String?
    /// Further header fields.
    package var headers: [(name: String, value: String)] = []
    /// Gives the body piece by piece, in place of `body`; nil when it is whole.
    package var stream: BodyStream?
    /// Whether the body is a problem.
    package var problem: Problem?

    /// Makes an answer.
    package init(status: Int = 200, body: [UInt8]) {
        self.status = status
        self.body = body
    }

    /// Makes the answer to a request that was not fulfilled.
    package init(_ problem: Problem, instance: String, requestID: String) {
        status = problem.status
        body = problem.encoded(instance: instance, requestID: requestID)
        self.problem = problem
    }
}
