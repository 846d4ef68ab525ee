/// What the header `Prefer` asks for.
///
/// - Source: RFC 7240; PostgREST, "Prefer Header".
struct RestPreferences: Sendable, Equatable {
    /// How the total is counted; here each way is exact.
    var count: String?
    /// `strict` or `lenient`.
    var handling: String?
    /// The preferences that are not known.
    var unknown: [String] = []

    /// Whether the total is wanted.
    var wantsCount: Bool { count != nil }

    /// Reads the values of the header.
    init(_ values: [String]) throws(RestError) {
        for item in values.flatMap({ $0.split(separator: ",") }) {
            let text = item.filter { $0 != " " && $0 != "\t" }
            switch text {
            case "count=exact", "count=planned", "count=estimated":
                count = count ?? String(text.dropFirst("count=".count))
            case "handling=strict", "handling=lenient":
                handling = handling ?? String(text.dropFirst("handling=".count))
            // These concern writes, and transactions that were not asked to be rolled back.
            case "return=representation", "return=minimal", "return=headers-only",
                "resolution=merge-duplicates", "resolution=ignore-duplicates",
                "missing=default", "missing=null", "tx=commit", "":
                break
            case "params=single-object", "params=multiple-objects", "tx=rollback":
                throw .unsupported("the preference \(text)")
            default:
                if text.hasPrefix("max-affected=") || text.hasPrefix("timezone=") { break }
                unknown.append(text)
            }
        }
        if handling == "strict", !unknown.isEmpty {
            throw RestError(
                400,
                "PGRST122",
                "Invalid preferences given with handling=strict",
                details: "Invalid preferences: \(unknown.joined(separator: ", "))"
            )
        }
    }

    /// The header `Preference-Applied`; nil when nothing was applied.
    var applied: String? {
        let items = [count.map { "count=\($0)" }, handling.map { "handling=\($0)" }]
        let given = items.compactMap { $0 }
        return given.isEmpty ? nil : given.joined(separator: ", ")
    }
}

/// The form of an answer, from the header `Accept`.
enum RestMediaType: Sendable, Equatable {
    case json
    case array(stripsNulls: Bool)
    case object(stripsNulls: Bool)
    case csv

    /// Whether members that are null are left out.
    var stripsNulls: Bool {
        switch self {
        case .array(let strips), .object(let strips): strips
        case .json, .csv: false
        }
    }

    /// The value of `Content-Type`.
    var contentType: String {
        switch self {
        case .json: "application/json; charset=utf-8"
        case .array(let strips):
            "application/vnd.pgrst.array+json\(strips ? ";nulls=stripped" : ""); charset=utf-8"
        case .object(let strips):
            "application/vnd.pgrst.object+json\(strips ? ";nulls=stripped" : ""); charset=utf-8"
        case .csv: "text/csv; charset=utf-8"
        }
    }

    /// Chooses the first of the accepted types, the most wanted first, that is known.
    init(accept: String?) throws(RestError) {
        guard let accept, !accept.isEmpty else {
            self = .json
            return
        }
        var wanted: [(quality: Double, type: RestMediaType)] = []
        for item in accept.split(separator: ",") {
            let parts = item.split(separator: ";").map { part in
                part.filter { $0 != " " && $0 != "\t" }.lowercased()
            }
            var quality = 1.0
            for part in parts.dropFirst() where part.hasPrefix("q=") {
                quality = Double(part.dropFirst(2)) ?? 0
            }
            let strips = parts.contains("nulls=stripped")
            let type: RestMediaType? =
                switch parts.first {
                case "*/*", "application/*", "application/json": .json
                case "application/vnd.pgrst.array+json", "application/vnd.pgrst.array":
                    .array(stripsNulls: strips)
                case "application/vnd.pgrst.object+json", "application/vnd.pgrst.object":
                    .object(stripsNulls: strips)
                case "text/csv": .csv
                default: nil
                }
            if let type, quality > 0 { wanted.append((quality, type)) }
        }
        // The sort is stable in effect: of equal qualities the first one given wins.
        guard let best = wanted.map(\.quality).max(),
            let choice = wanted.first(where: { $0.quality == best })
        else {
            throw RestError(
                406,
                "PGRST107",
                "None of these media types are available: \(accept)"
            )
        }
        self = choice.type
    }
}
