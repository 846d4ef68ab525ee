/// Writes metrics in Prometheus' text format, version 0.0.4.
struct PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Names and values of one sample's labels.
    typealias Labels = [(name: String, value: String)]

    private(set) var text = ""

    /// Begins a metric: all its samples must follow before the next one.
    mutating func metric(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func sample(_ name: String, _ labels: Labels, _ value: Double) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
            text += "{\(pairs.joined(separator: ","))}"
        }
        text += " \(Self.number(value))\n"
    }

    /// A metric with one sample.
    mutating func single(_ name: String, _ type: String, _ help: String, _ value: Double) {
        metric(name, type, help)
        sample(name, value)
    }

    mutating func sample(_ name: String, _ value: Double) {
        sample(name, [], value)
    }

    /// The samples of a histogram: how many values were no larger than each bound, sum and count.
    mutating func histogram(_ name: String, _ labels: Labels, _ counts: BucketCounts) {
        var total: UInt64 = 0
        for (index, count) in counts.counts.enumerated() {
            total += count
            let bound = index < counts.bounds.count ? Self.number(counts.bounds[index]) : "+Inf"
            sample("\(name)_bucket", labels + [(name: "le", value: bound)], Double(total))
        }
        sample("\(name)_sum", labels, counts.sum)
        sample("\(name)_count", labels, Double(total))
    }

    private static func number(_ value: Double) -> String {
        if let integer = Int64(exactly: value) { return String(integer) }
        return value.isNaN ? "NaN" : value == .infinity ? "+Inf" : "\(value)"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            .replacing("\n", with: "\\n")
    }
}
