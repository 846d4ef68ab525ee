/// A bound that a load run must keep, as in `p95<3s`, `chat.p99<=250ms`, `errors<1%`, `rate>900`.
package struct LoadThreshold: Equatable, Sendable {
    /// What is bounded.
    package enum Measure: Equatable, Sendable {
        /// A percentile of the latencies of all requests, in milliseconds; one that failed is slower
        /// than every bound.
        case percentile(Double)
        /// The share of the requests that failed, 0 to 1.
        case errors
        /// Answers a second.
        case rate
    }

    /// Which side of the bound is good.
    package enum Comparison: String, Sendable {
        case below = "<"
        case atMost = "<="
        case above = ">"
        case atLeast = ">="

        func holds(_ value: Double, _ bound: Double) -> Bool {
            switch self {
            case .below: value < bound
            case .atMost: value <= bound
            case .above: value > bound
            case .atLeast: value >= bound
            }
        }
    }

    /// A threshold and what the run made of it.
    package struct Verdict: Equatable, Sendable, Encodable {
        package var threshold: String
        /// In milliseconds, as a share, or a second; nil when there was nothing to measure, or when the
        /// percentile is that of a failed request.
        package var value: Double?
        package var met: Bool
    }

    /// As it was written.
    package let text: String
    /// The operation it is about; nil for all of them.
    package let operation: String?
    package let measure: Measure
    package let comparison: Comparison
    /// In milliseconds, as a share, or a second.
    package let bound: Double

    /// Reads a threshold; nil when it is not one.
    package init?(_ text: String) {
        let plain = text.filter { $0 != " " }
        guard let sign = plain.firstIndex(where: { $0 == "<" || $0 == ">" }) else { return nil }
        var tail = plain[plain.index(after: sign)...]
        var symbol = String(plain[sign])
        if tail.first == "=" {
            symbol += "="
            tail = tail.dropFirst()
        }
        guard let comparison = Comparison(rawValue: symbol) else { return nil }
        let subject = plain[..<sign]
        // `p99.9` has a dot of its own; `chat.p99.9` has two, and the name ends where a measure follows.
        let split =
            Self.measure(subject) != nil
            ? nil
            : subject.indices.first {
                subject[$0] == "." && Self.measure(subject[subject.index(after: $0)...]) != nil
            }
        let name = split.map { String(subject[..<$0]) }
        let rest = split.map { subject[subject.index(after: $0)...] } ?? subject
        guard let measure = Self.measure(rest), name != "",
            let bound = Self.bound(tail, of: measure)
        else { return nil }
        self.text = text
        operation = name
        self.measure = measure
        self.comparison = comparison
        self.bound = bound
    }

    private static func measure(_ text: Substring) -> Measure? {
        switch text {
        case "errors": return .errors
        case "rate": return .rate
        case "max": return .percentile(100)
        default:
            guard text.first == "p", let value = number(text.dropFirst()), value <= 100 else {
                return nil
            }
            return .percentile(value)
        }
    }

    private static func bound(_ text: Substring, of measure: Measure) -> Double? {
        switch measure {
        case .percentile:
            for (unit, scale) in [("ms", 1.0), ("us", 0.001), ("µs", 0.001), ("s", 1_000.0)]
            where text.hasSuffix(unit) {
                return number(text.dropLast(unit.count)).map { $0 * scale }
            }
            return nil
        case .errors:
            guard text.last == "%" else { return nil }
            return number(text.dropLast()).map { $0 / 100 }
        case .rate:
            return number(text.hasSuffix("/s") ? text.dropLast(2) : text)
        }
    }

    /// A plain decimal number; not `inf`, not `0x10`, not `1e3`.
    private static func number(_ text: Substring) -> Double? {
        guard text.first?.isNumber == true, text.allSatisfy({ "0123456789.".contains($0) }) else {
            return nil
        }
        return Double(text)
    }

    /// What the run makes of it; without requests a threshold is not met, nor is one of a percentile
    /// that falls on a failed request.
    package func verdict(_ tally: LoadTally, seconds: Double) -> Verdict {
        let value: Double?
        if let total = operation == nil ? tally.total : tally.operations[operation ?? ""],
            total.requests > 0
        {
            switch measure {
            case .percentile(let percentile):
                value = total.latencies.microseconds(
                    percentile: percentile,
                    failures: total.failedRequests
                ).map { $0 / 1_000 }
            case .errors: value = Double(total.errorCount) / Double(total.requests)
            case .rate: value = seconds > 0 ? Double(total.latencies.count) / seconds : nil
            }
        } else {
            value = nil
        }
        let met = value.map { comparison.holds($0, bound) } ?? false
        return Verdict(threshold: text, value: value, met: met)
    }
}
