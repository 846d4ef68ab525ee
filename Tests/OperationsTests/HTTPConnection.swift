import Foundation

/// One blocking HTTP/1.1 connection to a unix socket: exactly the bytes a test wants to send.
///
/// Unchecked: one thread at a time.
final class HTTPConnection: @unchecked Sendable {
    struct Answer {
        var status: Int
        var head: String
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }

        func header(_ name: String) -> String? {
            head.split(separator: "\r\n").first {
                $0.lowercased().hasPrefix(name.lowercased() + ":")
            }.map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
        }

        func json() throws -> [String: Any] {
            try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any] ?? [:]
        }
    }

    enum Failure: Error {
        case connect(Int32)
        case closed
        case timeout
        case malformed
    }

    let descriptor: Int32
    private var buffer: [UInt8] = []

    /// Connects; every wait ends after `timeout` seconds.
    init(_ path: String, timeout: Int = 30) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // What is thrown from here runs deinit, which closes; a second close would hit another's file.
        guard result == 0 else { throw Failure.connect(errno) }
    }

    deinit {
        close(descriptor)
    }

    func get(_ path: String) throws -> Answer { try send("GET", path) }

    func send(
        _ method: String,
        _ path: String,
        _ body: String = "",
        headers: [String] = []
    ) throws -> Answer {
        try write(request(method, path, body, headers: headers))
        return try answer()
    }

    func request(
        _ method: String,
        _ path: String,
        _ body: String = "",
        headers: [String] = []
    ) -> String {
        let extra = headers.map { $0 + "\r\n" }.joined()
        let length = method == "GET" ? "" : "content-length: \(body.utf8.count)\r\n"
        return "\(method) \(path) HTTP/1.1\r\nhost: localhost\r\n\(length)\(extra)\r\n\(body)"
    }

    func write(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw errno == EAGAIN ? Failure.timeout : Failure.closed }
            bytes = bytes.dropFirst(count)
        }
    }

    func answer() throws -> Answer {
        let separator = Array("\r\n\r\n".utf8)
        while true {
            if let end = buffer.firstRange(of: separator) {
                let head = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
                let parts = head.split(separator: " ", maxSplits: 2)
                guard parts.count >= 2, let status = Int(parts[1]) else { throw Failure.malformed }
                var answer = Answer(status: status, head: head, body: [])
                if answer.header("transfer-encoding") == "chunked" {
                    buffer.removeFirst(end.upperBound)
                    while let chunk = try chunk() { answer.body += chunk }
                    return answer
                }
                guard let length = answer.header("content-length").flatMap({ Int($0) }) else {
                    throw Failure.malformed
                }
                while buffer.count < end.upperBound + length { try read() }
                answer.body = Array(buffer[end.upperBound..<end.upperBound + length])
                buffer.removeFirst(end.upperBound + length)
                return answer
            }
            try read()
        }
    }

    /// The next chunk of a body (RFC 9112, section 7.1); nil after the last.
    private func chunk() throws -> [UInt8]? {
        let line = Array("\r\n".utf8)
        while true {
            if let end = buffer.firstRange(of: line) {
                let digits = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
                guard let length = Int(digits, radix: 16) else { throw Failure.malformed }
                while buffer.count < end.upperBound + length + line.count { try read() }
                let body = Array(buffer[end.upperBound..<end.upperBound + length])
                buffer.removeFirst(end.upperBound + length + line.count)
                return length > 0 ? body : nil
            }
            try read()
        }
    }

    /// Waits for the other side to close; true when it did in time.
    func isClosed(within seconds: Int) -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            do {
                try read()
            } catch Failure.timeout {
                continue
            } catch {
                return true
            }
        }
        return false
    }

    private func read() throws {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else {
            throw count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)
                ? Failure.timeout : Failure.closed
        }
        buffer += chunk[..<count]
    }
}
