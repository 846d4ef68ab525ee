import Testing

@testable import VectorService

@Suite struct `Metadata cache` {
    private func row(_ text: String) -> MetadataRow {
        MetadataRow(columns: ["title"], values: [Array("\"\(text)\"".utf8)])
    }

    private func key(_ id: String, table: Int = 0) -> MetadataCache.Key {
        .init(table: table, id: id)
    }

    private func cache(_ byteCount: Int = 1 << 20) -> MetadataCache {
        var cache = MetadataCache(maximumByteCount: byteCount)
        for (id, name) in [("c1", "videos:7:c1"), ("c2", "videos:7:c2"), ("c3", "videos:71:c3")] {
            cache.keep(row(id), name: name, for: key(id), until: .seconds(60))
        }
        return cache
    }

    @Test func `a row is found until its time is over, and not in another table`() {
        var cache = cache()
        #expect(cache.find(key("c1"), now: .seconds(59)) == .row(row("c1")))
        #expect(cache.find(key("c1", table: 1), now: .zero) == nil)
        #expect(cache.find(key("c1"), now: .seconds(60)) == nil)
        #expect(cache.count == 2 && cache.counters.expired == 1)
        #expect(cache.counters.hits == 1 && cache.counters.misses == 2)
    }

    @Test func `a missing row is remembered for its own time`() {
        var cache = cache()
        cache.keep(nil, name: "", for: key("c9"), until: .seconds(5))
        #expect(cache.find(key("c9"), now: .seconds(4)) == .missing)
        #expect(cache.find(key("c9"), now: .seconds(5)) == nil)
    }

    @Test(arguments: [
        ("videos:7:*", ["c1", "c2"]), ("videos:7:c1", ["c1"]), ("videos:7*", ["c1", "c2", "c3"]),
        ("videos:*", ["c1", "c2", "c3"]), ("*", ["c1", "c2", "c3"]), ("videos:8:*", []),
        ("videos:7", []), ("vid*", ["c1", "c2", "c3"]), ("", []),
    ])
    func `a pattern forgets the rows whose names match`(pattern: String, doomed: [String]) {
        var cache = cache()
        #expect(cache.forget(pattern) == doomed.count)
        for id in ["c1", "c2", "c3"] {
            #expect((cache.find(key(id), now: .zero) == nil) == doomed.contains(id), "\(id)")
        }
    }

    @Test func `every pattern forgets that rows are missing`() {
        var cache = cache()
        cache.keep(nil, name: "", for: key("c9"), until: .seconds(60))
        #expect(cache.forget("videos:7:c9") == 1)
        #expect(cache.find(key("c9"), now: .zero) == nil)
    }

    @Test func `the rows used longest ago make room, and the bound holds`() {
        var cache = MetadataCache(maximumByteCount: 3_000)
        for number in 0..<100 {
            cache.keep(
                row("\(number)"),
                name: "v:\(number)",
                for: key("\(number)"),
                until: .seconds(9)
            )
            #expect(cache.byteCount <= 3_000)
            // The first row is used all the time.
            #expect(cache.find(key("0"), now: .zero) != nil)
        }
        #expect(cache.find(key("99"), now: .zero) != nil)
        #expect(cache.find(key("1"), now: .zero) == nil)
        #expect(cache.counters.evicted > 80)
        _ = cache.forget("*")
        #expect(cache.byteCount == 0 && cache.count == 0)
    }

    @Test func `a cache of no bytes keeps nothing, and a row larger than all evicts nobody`() {
        var none = MetadataCache(maximumByteCount: 0)
        none.keep(row("x"), name: "x", for: key("x"), until: .seconds(9))
        #expect(none.count == 0)
        var small = MetadataCache(maximumByteCount: 1_000)
        small.keep(row("x"), name: "x", for: key("x"), until: .seconds(9))
        small.keep(
            row(String(repeating: "y", count: 2_000)),
            name: "y",
            for: key("y"),
            until: .seconds(9)
        )
        #expect(small.find(key("x"), now: .zero) != nil && small.count == 1)
    }

    @Test func `ten thousand random steps agree with a plain dictionary`() {
        let seed: UInt64 = 7
        var random = Numbers(seed)
        var cache = MetadataCache(maximumByteCount: 1 << 30)
        var model: [String: (name: String, expires: Duration)] = [:]
        for step in 0..<10_000 {
            let now = Duration.milliseconds(step)
            let (video, chunk) = (random.below(9), random.below(30))
            let id = "\(video)-\(chunk)"
            switch random.below(10) {
            case 0..<5:
                let expires = now + .milliseconds(random.below(500) + 1)
                cache.keep(row(id), name: "videos:\(video):\(id)", for: key(id), until: expires)
                model[id] = ("videos:\(video):\(id)", expires)
            case 5..<9:
                let isKnown = model[id].map { $0.expires > now } ?? false
                #expect((cache.find(key(id), now: now) != nil) == isKnown, "step \(step)")
                if !isKnown { model[id] = nil }
            default:
                _ = cache.forget("videos:\(video):*")
                model = model.filter { !$0.value.name.hasPrefix("videos:\(video):") }
            }
            #expect(cache.count == model.count, "step \(step), seed \(seed)")
        }
    }
}

/// SplitMix64, so that a failure can be repeated.
struct Numbers: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
