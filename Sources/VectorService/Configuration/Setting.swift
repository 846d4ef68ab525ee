/// One thing that can be set: by a flag, in the environment, in the file, or not at all.
package struct Setting: Sendable {
    /// What a value may be.
    package enum Kind: Sendable {
        /// Any text.
        case text
        /// One of these words.
        case choice([String])
        /// A whole number.
        case integer(ClosedRange<Int>)
        /// `true` or `false`.
        case flag
        /// `250ms`, `30s`, `15m`, `12h`, `7d`.
        case duration(ClosedRange<Duration>)
        /// `4096`, `16KiB`, `64MiB`, `2GiB`.
        case bytes(ClosedRange<Int>)
    }

    /// The name in the file; in the environment it is `VS_` and the name in capitals.
    package var key: String
    /// What a value may be.
    package var kind: Kind
    /// What holds when nobody sets it; empty when nothing does.
    package var defaultText: String
    /// What it does, in a line.
    package var help: String
    /// Whether its value is never shown.
    package var isSecret = false

    /// The name in the environment.
    package var environmentName: String {
        "VS_" + key.uppercased().replacing(".", with: "_")
    }

    /// What a value may be, for people.
    package var expectation: String {
        switch kind {
        case .text: "text"
        case .choice(let words): words.joined(separator: ", ")
        case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .flag: "true or false"
        case .duration(let range):
            "\(Self.text(range.lowerBound)) to \(Self.text(range.upperBound)), as in 30s"
        case .bytes(let range):
            "\(Self.text(bytes: range.lowerBound)) to \(Self.text(bytes: range.upperBound)), "
                + "as in 64MiB"
        }
    }

    /// Why a text is no value of this setting; nil when it is one.
    func objection(to text: String) -> String? {
        let isFine =
            switch kind {
            case .text: true
            case .choice(let words): words.contains(text)
            case .integer(let range): Int(text).map(range.contains) ?? false
            case .flag: Self.flag(text) != nil
            case .duration(let range): Self.duration(text).map(range.contains) ?? false
            case .bytes(let range): Self.bytes(text).map(range.contains) ?? false
            }
        if isFine { return nil }
        return "must be \(expectation), not \"\(isSecret ? "…" : text)\""
    }

    // MARK: Texts and values

    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }

    private static let durationUnits: [(suffix: String, milliseconds: Double)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    static func duration(_ text: String) -> Duration? {
        for unit in durationUnits where text.hasSuffix(unit.suffix) {
            guard let number = Double(text.dropLast(unit.suffix.count)), number.isFinite,
                number >= 0, number * unit.milliseconds < 1e15
            else { continue }
            return .milliseconds(Int64((number * unit.milliseconds).rounded()))
        }
        return nil
    }

    static func text(_ duration: Duration) -> String {
        let milliseconds = duration / .milliseconds(1)
        for unit in durationUnits.reversed()
        where milliseconds >= unit.milliseconds
            && milliseconds.truncatingRemainder(dividingBy: unit.milliseconds) == 0
        {
            return "\(Int(milliseconds / unit.milliseconds))\(unit.suffix)"
        }
        return "\(Int(milliseconds))ms"
    }

    private static let byteUnits: [(suffix: String, count: Int)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1),
    ]

    static func bytes(_ text: String) -> Int? {
        for unit in byteUnits where text.hasSuffix(unit.suffix) {
            guard let number = Int(text.dropLast(unit.suffix.count)), number >= 0 else { continue }
            let (product, overflows) = number.multipliedReportingOverflow(by: unit.count)
            return overflows ? nil : product
        }
        return nil
    }

    static func text(bytes count: Int) -> String {
        for unit in byteUnits.dropLast().reversed()
        where count >= unit.count && count.isMultiple(of: unit.count) {
            return "\(count / unit.count)\(unit.suffix)"
        }
        return "\(count)"
    }
}
