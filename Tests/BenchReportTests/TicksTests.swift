import Foundation
import Testing

@testable import BenchReport

@Suite struct `Ticks and scales` {
    @Test(arguments: [
        (0.0, 1.0, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.93, 0.998, 6, [0.92, 0.94, 0.96, 0.98, 1.0]),
        (3, 47, 5, [0, 10, 20, 30, 40, 50]),
        (-7, 12, 4, [-10, -5, 0, 5, 10, 15]),
    ])
    func `linear ticks are nice numbers that enclose the range`(
        low: Double,
        high: Double,
        count: Int,
        expected: [Double]
    ) {
        #expect(Ticks.linear(low...high, count: count) == expected)
    }

    @Test func `a range of one value has that value in the middle`() {
        #expect(Ticks.linear(5...5, count: 4) == [0, 5, 10])
        #expect(Ticks.linear(0...0, count: 4) == [-1, 0, 1])
    }

    @Test(arguments: [
        (1.0, 1_000_000.0, [1.0, 10, 100, 1_000, 10_000, 100_000, 1_000_000]),
        (110, 4_847, [100, 200, 500, 1_000, 2_000, 5_000]),
        (203, 283, [200, 500]),
        (0.01, 100, [0.01, 0.1, 1, 10, 100]),
    ])
    func `logarithmic ticks are decades, and finer in a short range`(
        low: Double,
        high: Double,
        expected: [Double]
    ) {
        let ticks = Ticks.logarithmic(low...high)
        #expect(ticks.count == expected.count, "\(ticks)")
        for (found, wanted) in zip(ticks, expected) {
            #expect(abs(found / wanted - 1) < 1e-9, "\(ticks)")
        }
    }

    @Test func `a logarithmic axis puts equal ratios at equal distances`() {
        let axis = Axis(title: "QPS", kind: .logarithmic, values: [10, 1_000])
        #expect(axis.position(10) == 0)
        #expect(abs(axis.position(100) - 0.5) < 1e-12)
        #expect(abs(axis.position(1_000) - 1) < 1e-12)
        #expect(axis.position(0) == 0, "what has no logarithm lies at the start")
    }

    @Test func `a linear axis stops at its limit`() {
        let axis = Axis(title: "recall", kind: .linear, values: [0.913, 1], limit: 1)
        #expect(axis.domain.upperBound == 1)
        #expect(axis.position(1) == 1)
        #expect(axis.ticks.allSatisfy { $0.value <= 1 })
        #expect(axis.position(0.913) > 0)
    }

    @Test func `an axis of recall gives equal room to each tenth of what is missed`() {
        let axis = Axis(title: "recall", kind: .recall, values: [0.91, 0.97, 0.9951])
        #expect(axis.ticks.map(\.value) == [0.9, 0.95, 0.98, 0.99, 0.995, 0.998])
        #expect(axis.position(0.9) == 0 && axis.position(0.998) == 1)
        let wide = Axis(title: "recall", kind: .recall, values: [0.9, 1])
        #expect(wide.ticks.last?.label == "≥ 0.9995")
        #expect(wide.position(1) == 1, "what has no logarithm lies at the end")
        let steps = [0.9, 0.99, 0.999].map { -log10(1 - $0) }
        #expect(abs(steps[2] - 2 * steps[1] + steps[0]) < 1e-9)
        let (one, two) = (wide.position(0.95), wide.position(0.995))
        #expect(abs((two - one) - wide.position(0.99)) < 1e-9)
        for values in [[0.3], [1], [0.9995], [0, 1]] {
            let axis = Axis(title: "", kind: .recall, values: values)
            #expect(axis.ticks.count > 1, "\(values)")
            for value in values { #expect((0...1).contains(axis.position(value)), "\(values)") }
        }
    }

    @Test func `every value of an axis lies between its ends`() {
        for kind in [Axis.Kind.linear, .logarithmic] {
            let values = [0.07, 3, 18, 411.5]
            let axis = Axis(title: "", kind: kind, values: values)
            for value in values {
                #expect((0...1).contains(axis.position(value)), "\(kind) \(value)")
            }
        }
    }

    @Test func `categories lie in order, none on the frame`() {
        let axis = Axis(title: "", kind: .categories(["p50", "p99"]), values: [])
        #expect(axis.ticks.map(\.label) == ["p50", "p99"])
        #expect(axis.position(0) > 0 && axis.position(0) < axis.position(1))
        #expect(axis.position(1) < 1)
    }

    @Test(arguments: [
        (0.95, "0.95"), (5_000, "5000"), (10_000, "10k"), (1_500_000, "1.5M"), (2e9, "2G"),
    ])
    func `labels of an axis are short`(value: Double, label: String) {
        #expect(Number.short(value) == label)
    }

    @Test(arguments: [
        (0.0, "0"), (1_234_567, "1,234,567"), (999.6, "1,000"), (42.25, "42.2"), (0.9625, "0.9625"),
    ])
    func `figures of a table have as many digits as mean something`(value: Double, text: String) {
        #expect(Number.readable(value) == text)
    }
}
