import NIOCore

/// A connection that asked a query.
protocol DirectAsker: AnyObject, Sendable {
    /// The address that it comes from.
    var address: String? { get }

    /// Takes the answer, on the loop.
    func finish(_ answer: DirectAnswer)
}

/// A query that came, before it is known who asks.
///
/// A class, because the call that comes of it keeps it.
final class DirectQuestion: Sendable {
    let head: RequestHead
    let body: [UInt8]
    /// What the log and the answer call it.
    let id: String
    /// What it is answered with, from its beginning to its end.
    let front: HTTPFront
    let start: ContinuousClock.Instant
    /// Who takes the answer.
    let asker: any DirectAsker

    init(
        head: RequestHead,
        body: [UInt8],
        id: String,
        front: HTTPFront,
        start: ContinuousClock.Instant,
        asker: any DirectAsker
    ) {
        self.head = head
        self.body = body
        self.id = id
        self.front = front
        self.start = start
        self.asker = asker
    }

    /// Finds out who asks.
    ///
    /// - Parameter verifiesTokens: Whether there is time to look at a signature; `TokenRefusal.unverified`
    ///   is thrown when there is not and one has to be looked at.
    func call(verifiesTokens: Bool) throws -> DirectCall {
        let request = try front.request(
            head,
            body: body,
            id: id,
            verifiesTokens: verifiesTokens,
            peer: { asker.address }
        )
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
    private let question: DirectQuestion

    var front: HTTPFront { question.front }

    init(_ request: consuming ServiceRequest, to question: DirectQuestion) {
        self.request = request
        self.question = question
    }

    /// Takes the answer, on the loop.
    func finish(_ answer: DirectAnswer) { question.asker.finish(answer) }

    /// The bytes of an answer that was made now, counted and logged.
    func answer(
        _ answer: ServiceAnswer,
        now: ContinuousClock.Instant = .now
    ) -> DirectAnswer {
        let question = question
        let front = question.front
        front.service.ended(request, answer, took: now - question.start)
        let message = front.message(answer, to: question.head, id: question.id)
        front.log(question.head, status: message.status, id: question.id, since: question.start)
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
