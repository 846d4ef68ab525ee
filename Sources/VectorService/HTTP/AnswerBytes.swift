import Glibc
import NIOCore
import Synchronization

/// Writes answers as HTTP/1.1.
enum AnswerBytes {
    /// The whole answer: head, length and body.
    static func buffer(_ message: HTTPFront.Message) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 384 + message.body.count)
        buffer.writeString("HTTP/1.1 ")
        buffer.writeString(statusLine(message.status))
        for (name, value) in message.fields where isSafe(value) {
            buffer.writeString(name)
            buffer.writeStaticString(": ")
            buffer.writeString(value)
            buffer.writeStaticString("\r\n")
        }
        buffer.writeStaticString("Date: ")
        buffer.writeString(HTTPDate.now)
        buffer.writeStaticString("\r\nContent-Length: ")
        buffer.writeString(String(message.bodyByteCount ?? message.body.count))
        buffer.writeStaticString("\r\n\r\n")
        buffer.writeBytes(message.body)
        return buffer
    }

    /// Whether a value ends no line: a name of a client may stand in one.
    private static func isSafe(_ value: String) -> Bool {
        value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }

    private static func statusLine(_ status: Int) -> String {
        switch status {
        case 200: "200 OK\r\n"
        case 206: "206 Partial Content\r\n"
        case 400: "400 Bad Request\r\n"
        case 401: "401 Unauthorized\r\n"
        case 403: "403 Forbidden\r\n"
        case 404: "404 Not Found\r\n"
        case 405: "405 Method Not Allowed\r\n"
        case 406: "406 Not Acceptable\r\n"
        case 409: "409 Conflict\r\n"
        case 413: "413 Content Too Large\r\n"
        case 415: "415 Unsupported Media Type\r\n"
        case 416: "416 Range Not Satisfiable\r\n"
        case 429: "429 Too Many Requests\r\n"
        case 500: "500 Internal Server Error\r\n"
        case 503: "503 Service Unavailable\r\n"
        default: "\(status) \r\n"
        }
    }
}

/// The time as `Date` has it, made once a second.
enum HTTPDate {
    private static let last = Mutex<(second: Int, text: String)>((0, ""))

    static var now: String {
        let second = time(nil)
        return last.withLock { last in
            if last.second != second { last = (second, text(second)) }
            return last.text
        }
    }

    /// - Source: RFC 9110, section 5.6.7 (IMF-fixdate).
    static func text(_ second: Int) -> String {
        var (second, parts) = (second, tm())
        gmtime_r(&second, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) "
            + "\(parts.tm_year + 1_900) \(two(parts.tm_hour)):\(two(parts.tm_min)):"
            + "\(two(parts.tm_sec)) GMT"
    }
}
