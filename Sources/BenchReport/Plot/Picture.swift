/// A picture of measurements: a title, a legend, and panels one below the other.
package struct Picture: Sendable {
    /// Points that belong together.
    package struct Series: Sendable {
        package var name: String
        package var points: [(x: Double, y: Double)]

        package init(name: String, points: [(x: Double, y: Double)]) {
            self.name = name
            self.points = points
        }
    }

    /// One pair of axes.
    package struct Panel: Sendable {
        package var x: Axis
        package var y: Axis
        package var series: [Series]

        package init(x: Axis, y: Axis, series: [Series]) {
            self.x = x
            self.y = y
            self.series = series
        }
    }

    package var title: String
    /// What was measured, on what, and which way is better.
    package var subtitle: String
    package var panels: [Panel]

    package init(title: String, subtitle: String, panels: [Panel]) {
        self.title = title
        self.subtitle = subtitle
        self.panels = panels
    }

    private static let width = 760.0
    private static let margin = 20.0
    private static let legendRowHeight = 20.0
    private static let left = 76.0
    private static let right = 28.0

    /// The names of the legend in the order of their colours.
    private var names: [String] {
        var names: [String] = []
        for series in panels.flatMap(\.series) where !names.contains(series.name) {
            names.append(series.name)
        }
        return names
    }

    /// The picture as an SVG document.
    package var svg: String {
        let legend = legendPlaces()
        let subtitles = Self.wrapped(subtitle, width: Self.width - 2 * Self.margin)
        let legendTop = 44 + 16 * Double(subtitles.count)
        let top = legendTop + Double((legend.last?.row ?? -1) + 1) * Self.legendRowHeight
        let panelHeight = panels.count == 1 ? 360.0 : 260.0
        var svg = SVG(
            width: Self.width,
            height: top + panelHeight * Double(panels.count),
            title: title
        )
        svg.text(title, x: Self.margin, y: 30, anchor: .start, style: "title")
        for (index, line) in subtitles.enumerated() {
            svg.text(
                line,
                x: Self.margin,
                y: 50 + 16 * Double(index),
                anchor: .start,
                style: "quiet"
            )
        }
        for (index, place) in legend.enumerated() {
            let y = legendTop + Double(place.row) * Self.legendRowHeight + 10
            svg.path([(place.x, y), (place.x + 24, y)], style: "line \(Self.style(index))")
            svg.mark(place.x + 12, y, shape: Self.shape(index), style: "mark \(Self.style(index))")
            svg.text(place.name, x: place.x + 30, y: y + 4, anchor: .start, style: "label")
        }
        for (index, panel) in panels.enumerated() {
            draw(panel, top: top + Double(index) * panelHeight, height: panelHeight, into: &svg)
        }
        return svg.document
    }

    /// Shapes move on when the colours start again, so that no two of 32 series look alike.
    private static func shape(_ index: Int) -> Int { index + index / Theme.seriesCount }

    private static func style(_ index: Int) -> String { "s\(index % Theme.seriesCount)" }

    /// Where each name of the legend goes: rows above the panels, where no data is.
    private func legendPlaces() -> [(name: String, x: Double, row: Int)] {
        var places: [(String, Double, Int)] = []
        var (x, row) = (Self.margin, 0)
        for name in names {
            let width = 30 + SVG.width(of: name, fontSize: Theme.fontSize) + 18
            if x > Self.margin, x + width > Self.width - Self.margin {
                (x, row) = (Self.margin, row + 1)
            }
            places.append((name, x, row))
            x += width
        }
        return places
    }

    /// `text` in lines that fit into `width`.
    package static func wrapped(_ text: String, width: Double) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            let longer = lines.last.map { $0 + " " + word }
            if let longer, SVG.width(of: longer, fontSize: Theme.fontSize) <= width {
                lines[lines.count - 1] = longer
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }

    private func draw(_ panel: Panel, top: Double, height: Double, into svg: inout SVG) {
        let (x0, x1) = (Self.left, Self.width - Self.right)
        let (y0, y1) = (top + height - 52, top + 14)
        func x(_ value: Double) -> Double { x0 + panel.x.position(value) * (x1 - x0) }
        func y(_ value: Double) -> Double { y0 + panel.y.position(value) * (y1 - y0) }

        for tick in panel.y.ticks {
            svg.line(x0, y(tick.value), x1, y(tick.value), style: "grid")
            svg.text(tick.label, x: x0 - 8, y: y(tick.value) + 4, anchor: .end, style: "quiet")
        }
        for tick in panel.x.ticks {
            svg.line(x(tick.value), y0, x(tick.value), y1, style: "grid")
            svg.text(tick.label, x: x(tick.value), y: y0 + 18, anchor: .middle, style: "quiet")
        }
        svg.line(x0, y0, x1, y0, style: "frame")
        svg.line(x0, y0, x0, y1, style: "frame")
        svg.text(panel.x.title, x: (x0 + x1) / 2, y: y0 + 38, anchor: .middle, style: "label")
        svg.text(
            panel.y.title,
            x: 20,
            y: (y0 + y1) / 2,
            anchor: .middle,
            style: "label",
            isVertical: true
        )
        let names = names
        for series in panel.series {
            let index = names.firstIndex(of: series.name) ?? 0
            let points = series.points.map { (x($0.x), y($0.y)) }
            svg.path(points, style: "line \(Self.style(index))")
            for point in points {
                svg.mark(
                    point.0,
                    point.1,
                    shape: Self.shape(index),
                    style: "mark \(Self.style(index))"
                )
            }
        }
    }
}
