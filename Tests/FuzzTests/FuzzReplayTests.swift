import Foundation
import FuzzSupport
import Testing
import VectorMath

/// What fuzzing found worth keeping is run again, and so are seeded changes of it.
@Suite struct `Untrusted bytes` {
    private static let isSoak = ProcessInfo.processInfo.environment["VS_TIER"] == "soak"

    private static var fixtures: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("fixtures/fuzz").path
    }

    private static func corpus(_ target: FuzzTarget) throws -> [[UInt8]] {
        let directory = fixtures + "/" + target.rawValue
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory).sorted()) ?? []
        return try target.seeds
            + names.map {
                [UInt8](try Data(contentsOf: URL(fileURLWithPath: directory + "/" + $0)))
            }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `every kept input is answered`(_ target: FuzzTarget) throws {
        let corpus = try Self.corpus(target)
        #expect(corpus.count > 3, "the corpus of \(target) is gone")
        for input in corpus { target.run(input) }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `changed inputs are answered`(_ target: FuzzTarget) throws {
        let corpus = try Self.corpus(target)
        var random = SeededRandom(seed: 5)
        for round in 0..<(Self.isSoak ? 50_000 : 400) {
            var input = corpus[Int.random(in: 0..<corpus.count, using: &random)]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                switch Int.random(in: 0..<4, using: &random) {
                case 0 where !input.isEmpty:
                    let place = Int.random(in: 0..<input.count, using: &random)
                    input[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1 where !input.isEmpty:
                    input.removeLast(Int.random(in: 1...input.count, using: &random))
                case 2: input.append(UInt8.random(in: 0...255, using: &random))
                default:
                    let other = corpus[Int.random(in: 0..<corpus.count, using: &random)]
                    input += other.prefix(Int.random(in: 0...64, using: &random))
                }
            }
            _ = round
            target.run(input)
        }
    }
}
