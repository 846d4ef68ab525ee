import Glibc
import NIOCore
import Synchronization

/// Writes answers as HTTP/1.1.
enum AnswerBytes {
    /// The whole answer: head, length and body.
    static func buffer(_ message: HTTPFront.Message) -> ByteBuffer {
        let (status, date) = (statusLine(message.status), HTTPDate.now)
        let length = String(message.bodyByteCount ?? message.body.count)
        var count = status.utf8.count + date.utf8.count + length.utf8.count + message.body.count
        for (name, value) in message.fields { count += name.utf8.count + value.utf8.count + 4 }
        count += fixedByteCount
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { target in
            guard let start = target.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
                return 0
            }
            var cursor = Cursor(next: start)
            cursor.append("HTTP/1.1 ")
            cursor.append(status)
            for (name, value) in message.fields where isSafe(value) {
                cursor.append(name)
                cursor.append(": ")
                cursor.append(value)
                cursor.append("\r\n")
            }
            cursor.append("Date: ")
            cursor.append(date)
            cursor.append("\r\nContent-Length: ")
            cursor.append(length)
            cursor.append("\r\n\r\n")
            message.body.withUnsafeBufferPointer { cursor.append($0) }
            return cursor.next - start
        }
        return buffer
    }

    /// More than the bytes of `buffer(_:)` that are always the same.
    private static let fixedByteCount = 64

    /// Where the next bytes of an answer go; there is room for all of them.
    private struct Cursor {
        var next: UnsafeMutablePointer<UInt8>

        mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
            guard let base = bytes.baseAddress else { return }
            next.update(from: base, count: bytes.count)
            next += bytes.count
        }

        mutating func append(_ text: StaticString) {
            append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        }

        mutating func append(_ text: consuming String) {
            text.withUTF8 { append($0) }
        }
    }

    /// Whether a value ends no line: a name of a client may stand in one.
    private static func isSafe(_ value: consuming String) -> Bool {
        value.withUTF8 { $0.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 } }
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
