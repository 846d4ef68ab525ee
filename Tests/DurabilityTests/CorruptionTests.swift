import Foundation
import StorageIO
import TestSupport
import Testing
import VectorMath

@testable import VectorStore

@Suite(.serialized) struct `Damaged files` {
    private static let isSoak = ProcessInfo.processInfo.environment["VS_TIER"] == "soak"

    /// Verdicts by region.
    private struct Table: CustomStringConvertible {
        var counts: [CorruptionSweep.Region: [CorruptionSweep.Verdict: Int]] = [:]

        mutating func note(_ region: CorruptionSweep.Region, _ verdict: CorruptionSweep.Verdict) {
            counts[region, default: [:]][verdict, default: 0] += 1
        }

        var description: String {
            CorruptionSweep.Region.allCases.compactMap { region in
                guard let row = counts[region] else { return nil }
                let cells = CorruptionSweep.Verdict.allCases.map { "\($0) \(row[$0] ?? 0)" }
                return "  \(region): " + cells.joined(separator: ", ")
            }
            .joined(separator: "\n")
        }
    }

    /// Damages one file and notes the verdict, or records what was wrong with it.
    ///
    /// - Returns: Whether it was as it should be.
    private func check(
        _ sweep: CorruptionSweep,
        _ path: String,
        _ bytes: [UInt8],
        _ region: CorruptionSweep.Region,
        _ table: inout Table,
        _ what: @autoclosure () -> String
    ) -> Bool {
        do {
            let verdict = try sweep.verdict(path, bytes)
            table.note(region, verdict)
            if verdict != .harmless || region.mayBeHarmless { return true }
            Issue.record("\(path), \(region), \(what()): nobody noticed")
        } catch {
            Issue.record("\(path), \(region), \(what()): \(error)")
        }
        return false
    }

    @Test(.timeLimit(.minutes(60)))
    func `every flipped bit is noticed or changes nothing`() async throws {
        let sweep = try await CorruptionSweep()
        #expect(sweep.files.count >= 8, "kinds of files are missing: \(sweep.files.map(\.path))")
        let seed = UInt64.random(in: 1...1_000_000)
        var random = SeededRandom(seed: seed)
        var table = Table()
        for (path, bytes) in sweep.files {
            for offset in bytes.indices {
                let region = sweep.region(of: path, offset: offset, byteCount: bytes.count)
                let bits: [Int]
                switch (region, Self.isSoak) {
                case (.segmentSections, true): bits = [Int.random(in: 0..<8, using: &random)]
                case (.segmentSections, false) where Int.random(in: 0..<97, using: &random) > 0:
                    continue
                case (.segmentFrame, false) where Int.random(in: 0..<23, using: &random) > 0:
                    continue
                case (.log, false) where Int.random(in: 0..<7, using: &random) > 0: continue
                case (_, true): bits = Array(0..<8)
                default: bits = [Int.random(in: 0..<8, using: &random)]
                }
                for bit in bits {
                    var damaged = bytes
                    damaged[offset] ^= 1 << UInt8(bit)
                    guard
                        check(
                            sweep,
                            path,
                            damaged,
                            region,
                            &table,
                            "bit \(bit) of byte \(offset), seed \(seed)"
                        )
                    else { return }
                }
            }
        }
        print("damage: flipped bits, seed \(seed)\n\(table)")
    }

    /// A cut of the newest log cannot be told from a tail that was never synced.
    ///
    /// The store holds what it held after an earlier write. A cut before a successor is noticed.
    @Test func `a cut log leaves what an earlier write left, or is refused`() async throws {
        let sweep = try await CorruptionSweep()
        let logs = sweep.files.filter { $0.path.hasSuffix(".wal") }
        #expect(logs.count > 1)
        for (index, (path, bytes)) in logs.enumerated() {
            for count in stride(from: 0, to: bytes.count, by: Self.isSoak ? 1 : 13) {
                let disk = sweep.disk.image(.all, seed: 0)
                disk.overwrite(path, with: Array(bytes[..<count]))
                do {
                    let found = try sweep.read(disk)
                    let isPrefix = sweep.history.contains { StoreContents.agree($0, found) }
                    #expect(isPrefix, "\(path) cut to \(count): \(found.count) records")
                    #expect(index == logs.count - 1, "\(path) cut to \(count): nobody noticed")
                } catch let error as VectorStoreError {
                    #expect(error.code == .corrupt, "\(path) cut to \(count): \(error)")
                    #expect(index < logs.count - 1 || count < LogHeaderLayout.byteCount)
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(60)))
    func `every truncation is noticed`() async throws {
        let sweep = try await CorruptionSweep()
        var table = Table()
        for (path, bytes) in sweep.files where !path.hasSuffix(".wal") {
            let stride = Self.isSoak ? 1 : max(1, bytes.count / 60)
            for count in Swift.stride(from: 0, to: bytes.count, by: stride) {
                let region = sweep.region(of: path, offset: count, byteCount: bytes.count)
                let isFine = check(
                    sweep,
                    path,
                    Array(bytes[..<count]),
                    region,
                    &table,
                    "cut to \(count) of \(bytes.count)"
                )
                guard isFine else { return }
            }
        }
        print("damage: truncation\n\(table)")
    }

    @Test func `appended bytes and files of a wrong kind are noticed`() async throws {
        let sweep = try await CorruptionSweep()
        var table = Table()
        for (path, bytes) in sweep.files {
            let region = sweep.region(of: path, offset: 0, byteCount: bytes.count)
            for (other, otherBytes) in sweep.files where other != path {
                _ = check(sweep, path, otherBytes, region, &table, "the bytes of \(other)")
            }
            guard !path.hasSuffix(".wal") else { continue }
            for extra in [[UInt8](repeating: 0, count: 1), [UInt8](repeating: 0xA5, count: 4_096)] {
                _ = check(sweep, path, bytes + extra, region, &table, "\(extra.count) bytes more")
            }
        }
        print("damage: wrong files\n\(table)")
    }
}
