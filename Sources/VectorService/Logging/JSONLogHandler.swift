import Glibc
package import Logging

/// Writes each message as one JSON object on a line of standard error.
package struct JSONLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let write: @Sendable ([UInt8]) -> Void

    /// Makes a handler.
    ///
    /// - Parameter write: Takes a line with its end; by default it goes to standard error.
    package init(
        label: String,
        level: Logger.Level,
        write: @escaping @Sendable ([UInt8]) -> Void = JSONLogHandler.writeToStandardError
    ) {
        self.label = label
        self.write = write
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() {
            all.merge(provided) { _, new in new }
        }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        var line = JSONWriter.text { writer in
            writer.member("ts", Self.now())
            writer.member("level", event.level.rawValue)
            writer.member("logger", label)
            writer.member("msg", "\(event.message)")
            for (key, value) in all.sorted(by: { $0.key < $1.key }) where !Self.taken.contains(key)
            {
                writer.key(named: key)
                Self.write(value, to: &writer)
            }
        }
        line.append(UInt8(ascii: "\n"))
        write(line)
    }

    private static let taken: Set<String> = ["ts", "level", "logger", "msg"]

    private static func write(_ value: Logger.Metadata.Value, to writer: inout JSONWriter) {
        switch value {
        case .string(let text): writer.value(text)
        case .stringConvertible(let value):
            switch value {
            case let number as Int: writer.value(number)
            case let number as Double: writer.value(number)
            case let flag as Bool: writer.value(flag)
            default: writer.value(value.description)
            }
        case .array(let values): writer.array { for value in values { write(value, to: &$0) } }
        case .dictionary(let members):
            writer.object { writer in
                for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                    writer.key(named: key)
                    write(value, to: &writer)
                }
            }
        }
    }

    /// UTC with milliseconds, as RFC 3339 has it.
    private static func now() -> String {
        let time = WallClock.seconds
        var seconds = time_t(time)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let milliseconds = String(1_000 + Int(time * 1_000) % 1_000).dropFirst()
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T"
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(milliseconds)Z"
    }

    /// One call of write(2) for a line, so that lines of several threads do not mix.
    @Sendable package static func writeToStandardError(_ line: [UInt8]) {
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
            }
            guard count > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
