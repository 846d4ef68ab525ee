/// The colours of a picture, for light and for dark pages.
enum Theme {
    /// Colours that colour-blind readers can tell apart, after Okabe and Ito; (light, dark).
    private static let series: [(light: String, dark: String)] = [
        ("#0060a8", "#58a6ff"), ("#c24e00", "#ff9b54"), ("#00795a", "#3fc79a"),
        ("#9a3d7a", "#e58cc5"), ("#8a6a00", "#e3c04a"), ("#4b5563", "#b1bac4"),
        ("#007f9e", "#56d4ee"), ("#a40e26", "#ff7b89"),
    ]

    /// How many series have a colour of their own.
    static var seriesCount: Int { series.count }

    static let fontSize = 12.0

    static var styleSheet: String {
        """
        text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; \
        font-size: 12px; }
        .title { font-size: 16px; font-weight: 600; }
        .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
        .grid, .frame { stroke-width: 1; }
        .mark { stroke-width: 1; }
        \(rules(light))
        @media (prefers-color-scheme: dark) {
        \(rules(dark))
        }
        """
    }

    /// The colours of one kind of page.
    private struct Palette {
        var page: String
        var ink: String
        var quiet: String
        var grid: String
        var frame: String
        var series: [String]
    }

    private static var light: Palette {
        Palette(
            page: "#ffffff",
            ink: "#1f2328",
            quiet: "#59636e",
            grid: "#e4e8ec",
            frame: "#8c959f",
            series: series.map(\.light)
        )
    }

    private static var dark: Palette {
        Palette(
            page: "#0d1117",
            ink: "#e6edf3",
            quiet: "#9198a1",
            grid: "#262c36",
            frame: "#656c76",
            series: series.map(\.dark)
        )
    }

    private static func rules(_ palette: Palette) -> String {
        var lines = [
            ".page { fill: \(palette.page); }", "text { fill: \(palette.ink); }",
            ".quiet { fill: \(palette.quiet); }",
            ".grid { stroke: \(palette.grid); }", ".frame { stroke: \(palette.frame); }",
            ".mark { stroke: \(palette.page); }",
        ]
        for (index, colour) in palette.series.enumerated() {
            lines.append(
                ".line.s\(index) { stroke: \(colour); } .mark.s\(index) { fill: \(colour); }"
            )
        }
        return lines.joined(separator: "\n")
    }
}
