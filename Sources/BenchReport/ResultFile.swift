package import Foundation

/// The lines of one result file, in order.
///
/// A line that occurs again with the same point is another run of it: three runs of a sweep are
/// written by appending three times to one file.
package struct ResultFile: Sendable {
    /// The file's name without its extension.
    package var name: String
    package var lines: [ResultLine]

    package init(name: String, lines: [ResultLine]) {
        self.name = name
        self.lines = lines
    }

    /// The lines in `bytes`, the contents of the file at `path`.
    ///
    /// - Throws: For a line that is not JSON or has a field of another type, with its number.
    package init(name: String, path: String, bytes: Data) throws(ReportError) {
        self.name = name
        lines = []
        if let whole = try? JSONSerialization.jsonObject(with: bytes), whole is [String: Any] {
            lines = try Self.lines(in: bytes, place: path)
            return
        }
        for (index, line) in bytes.split(
            separator: UInt8(ascii: "\n"),
            omittingEmptySubsequences: false
        ).enumerated() {
            guard line.contains(where: { $0 > 32 }), line.first != UInt8(ascii: "#") else {
                continue
            }
            lines += try Self.lines(in: Data(line), place: "\(path), line \(index + 1)")
        }
        guard !lines.isEmpty else { throw ReportError("\(path) holds no result") }
    }

    /// The results in one JSON object.
    private static func lines(in object: Data, place: String) throws(ReportError) -> [ResultLine] {
        do {
            return try JSONDecoder().decode(ResultObject.self, from: object).lines
        } catch {
            throw ReportError("\(place): \(explain(error))")
        }
    }

    private static func explain(_ error: any Error) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return path.isEmpty ? "" : "`\(path)`: "
        }
        switch error as? DecodingError {
        case .keyNotFound(let key, _): return "`\(key.stringValue)` is missing"
        case .typeMismatch(let type, let context): return place(context) + "is not of type \(type)"
        case .valueNotFound(let type, let context): return place(context) + "is null, not \(type)"
        case .dataCorrupted(let context):
            return place(context)
                + (context.codingPath.isEmpty ? "not a JSON object" : context.debugDescription)
        default: return "\(error)"
        }
    }
}

/// Why a report cannot be made; the text says what to do next.
package struct ReportError: Error, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}
