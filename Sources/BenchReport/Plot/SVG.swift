import Foundation

/// An SVG document that is being written, line by line.
///
/// Colours come from classes, so that one style element holds both themes; there are no scripts and
/// no references to other files.
package struct SVG: Sendable {
    private let width: Double
    private let height: Double
    private let title: String
    private var body: [String] = []

    /// Which end of a text lies at its point.
    package enum Anchor: String, Sendable {
        case start, middle, end
    }

    package init(width: Double, height: Double, title: String) {
        self.width = width
        self.height = height
        self.title = title
    }

    /// `text` with the characters replaced that mean something in XML, and without those that XML
    /// does not know.
    package static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result += " "
            case "\u{0}"..<" ", "\u{FFFE}", "\u{FFFF}": break
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// How wide `text` is at most, roughly: fonts differ between readers.
    package static func width(of text: String, fontSize: Double) -> Double {
        Double(text.count) * fontSize * 0.58
    }

    package mutating func line(
        _ x1: Double,
        _ y1: Double,
        _ x2: Double,
        _ y2: Double,
        style: String
    ) {
        body.append(
            "<line class=\"\(style)\" x1=\"\(Self.digits(x1))\" y1=\"\(Self.digits(y1))\" "
                + "x2=\"\(Self.digits(x2))\" y2=\"\(Self.digits(y2))\"/>"
        )
    }

    package mutating func path(_ points: [(x: Double, y: Double)], style: String) {
        guard points.count > 1 else { return }
        let list = points.map { "\(Self.digits($0.x)),\(Self.digits($0.y))" }
        body.append("<polyline class=\"\(style)\" points=\"\(list.joined(separator: " "))\"/>")
    }

    /// A mark whose shape tells series apart where colours do not.
    package mutating func mark(_ x: Double, _ y: Double, shape: Int, style: String) {
        let corners: [(Double, Double)]
        switch shape % 4 {
        case 1: corners = [(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)]
        case 2: corners = [(0, -4.8), (4.6, 3.6), (-4.6, 3.6)]
        case 3: corners = [(0, -5), (5, 0), (0, 5), (-5, 0)]
        default:
            body.append(
                "<circle class=\"\(style)\" cx=\"\(Self.digits(x))\" cy=\"\(Self.digits(y))\" "
                    + "r=\"4\"/>"
            )
            return
        }
        let list = corners.map { "\(Self.digits(x + $0.0)),\(Self.digits(y + $0.1))" }
        body.append("<polygon class=\"\(style)\" points=\"\(list.joined(separator: " "))\"/>")
    }

    package mutating func text(
        _ text: String,
        x: Double,
        y: Double,
        anchor: Anchor,
        style: String,
        isVertical: Bool = false
    ) {
        let place = "x=\"\(Self.digits(x))\" y=\"\(Self.digits(y))\""
        let turn =
            isVertical
            ? " transform=\"rotate(-90 \(Self.digits(x)) \(Self.digits(y)))\"" : ""
        body.append(
            "<text class=\"\(style)\" \(place) text-anchor=\"\(anchor.rawValue)\"\(turn)>"
                + Self.escaped(text) + "</text>"
        )
    }

    /// The document as text.
    package var document: String {
        let size = "\(Self.digits(width)) \(Self.digits(height))"
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size)" \
            width="\(Self.digits(width))" height="\(Self.digits(height))" role="img">
            <title>\(Self.escaped(title))</title>
            <style>
            \(Theme.styleSheet)
            </style>
            <rect class="page" width="100%" height="100%"/>
            \(body.joined(separator: "\n"))
            </svg>

            """
    }

    /// A coordinate with at most two digits behind the point.
    private static func digits(_ value: Double) -> String {
        Number.plain((value * 100).rounded() / 100)
    }
}
