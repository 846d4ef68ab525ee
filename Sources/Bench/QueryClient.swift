import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Asks a server behind a unix socket for the nearest records of a vector.
struct QueryClient {
    /// What `POST /v1/collections/{collection}/query` takes.
    struct Request: Encodable {
        var vector: [Float]
        var partition: String
        var limit: Int
    }

    /// What it answers, as far as the lectures need it.
    struct Response: Decodable {
        var matches: [Match]
    }

    /// One record of the answer.
    struct Match: Decodable {
        struct Attributes: Decodable {
            var videoID: String
            var startSeconds: Double

            enum CodingKeys: String, CodingKey {
                case videoID = "video_id"
                case startSeconds = "start_seconds"
            }
        }

        struct Payload: Decodable {
            var text: String
        }

        var id: String
        var similarity: Double
        var partition: String
        var attributes: Attributes
        var payload: Payload
    }

    let http: HTTPClient
    let socketPath: String
    let collection: String

    /// The `limit` nearest records of `partition`.
    func query(vector: [Float], partition: String, limit: Int) async throws -> [Match] {
        let path = "/v1/collections/\(collection)/query"
        guard let url = URL(httpURLWithSocketPath: socketPath, uri: path) else {
            throw LectureError("\(socketPath): not a usable socket path")
        }
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        let body = try JSONEncoder().encode(
            Request(vector: vector, partition: partition, limit: limit)
        )
        request.body = .bytes(ByteBuffer(bytes: body))
        let response = try await send(request)
        let answer = try await response.body.collect(upTo: 16 << 20)
        guard response.status == .ok else {
            throw LectureError(
                "POST \(path) answered \(response.status.code): \(String(buffer: answer))"
            )
        }
        do {
            return try JSONDecoder().decode(Response.self, from: Data(answer.readableBytesView))
                .matches
        } catch {
            throw LectureError("POST \(path): the answer has another shape: \(error)")
        }
    }

    private func send(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        do {
            return try await http.execute(request, timeout: .seconds(30))
        } catch {
            throw LectureError("no answer from the server at \(socketPath): \(error)")
        }
    }
}
