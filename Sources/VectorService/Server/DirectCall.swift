import NIOCore

/// A query that came, before it is known who asks.
struct DirectQuestion: Sendable {
    let head: RequestHead
    let body: [UInt8]
    /// What the log and the answer call it.
    let id: String
    /// What it is answered with, from its beginning to its end.
    let front: HTTPFront
    let start: ContinuousClock.Instant
    /// The address that it came from.
    let peer: @Sendable () -> String?
    /// Takes the answer, on the loop.
    let finish: @Sendable (DirectAnswer) -> Void

    /// Finds out who asks.
    ///
    /// - Parameter verifiesTokens: Whether there is time to look at a signature; `TokenRefusal.unverified`
    ///   is thrown when there is not and one has to be looked at.
    func call(verifiesTokens: Bool) throws -> DirectCall {
        var (request, _) = try front.request(
            head,
            id: id,
            verifiesTokens: verifiesTokens,
            peer: peer
        )
        request.body = body
        front.service.began(request)
        return DirectCall(request, to: self)
    }

    /// The answer to a query that never reached the service, counted and logged.
    func refusal(_ error: any Error) -> DirectAnswer {
        let answer = front.refusal(error, path: head.path, id: id)
        front.service.metrics.refused(method: head.method, status: answer.status)
        front.log(head, status: answer.status, id: id, since: start)
        return DirectAnswer(front.message(answer, to: head, id: id))
    }
}

/// One query on its way.
///
/// A class, because it is handed on from the loop to a thread and back.
final class DirectCall: Sendable {
    let request: ServiceRequest
    let head: RequestHead
    let front: HTTPFront
    let start: ContinuousClock.Instant
    let finish: @Sendable (DirectAnswer) -> Void

    init(_ request: ServiceRequest, to question: DirectQuestion) {
        self.request = request
        head = question.head
        front = question.front
        start = question.start
        finish = question.finish
    }

    /// The bytes of an answer, counted and logged.
    func answer(_ answer: ServiceAnswer) -> DirectAnswer {
        front.service.ended(request, answer, since: start)
        let message = front.message(answer, to: head, id: request.id)
        front.log(head, status: message.status, id: request.id, since: start)
        return DirectAnswer(message)
    }
}

/// An answer as the socket takes it, made where the query was: the loop copies none that threads made.
struct DirectAnswer: Sendable {
    let bytes: ByteBuffer
    /// Whether the connection ends with it.
    let closes: Bool

    init(_ message: HTTPFront.Message) {
        bytes = AnswerBytes.buffer(message)
        closes = message.closes
    }
}
