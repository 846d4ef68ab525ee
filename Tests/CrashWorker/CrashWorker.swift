// A process that is made to be killed: it changes a store as a seed says, and tells through a pipe what
// it is about to do and what was acknowledged.
//
// Arguments: directory, seed, first operation number. Records on standard output, 16 bytes each:
// UInt64 number · UInt8 kind (0 issued, 1 acknowledged) · seven zero bytes.

import Glibc
import TestSupport
import VectorMath
import VectorStore

@main
struct CrashWorker {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let seed = UInt64(arguments[2]),
            let first = UInt64(arguments[3])
        else {
            complain("usage: CrashWorker DIRECTORY SEED FIRST\n")
            exit(2)
        }
        let store = try await VectorDatabase.open(at: arguments[1], options: KillPlan.options)
        let collection = try await store.createCollection(KillPlan.configuration)
        Task.detached { await maintain(collection, seed: seed) }
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<KillPlan.writerCount {
                group.addTask {
                    await write(collection, seed: seed, writer: writer, first: first)
                }
            }
        }
    }

    /// One writer: its own ids, one operation after the other.
    private static func write(
        _ collection: VectorCollection,
        seed: UInt64,
        writer: Int,
        first: UInt64
    ) async {
        var number = first
        while true {
            let operation = KillPlan.operation(seed: seed, writer: writer, number: number)
            report(writer, number, isAcknowledged: false)
            do {
                switch operation {
                case .upsert(let records): try await collection.upsert(records)
                case .delete(let ids): try await collection.delete(ids: ids)
                }
            } catch {
                complain("write failed: \(error)\n")
                exit(3)
            }
            report(writer, number, isAcknowledged: true)
            number += 1
        }
    }

    private static func maintain(_ collection: VectorCollection, seed: UInt64) async {
        var random = SeededRandom(seed: seed ^ 0xA5A5)
        while true {
            do {
                switch Int.random(in: 0..<6, using: &random) {
                case 0, 1, 2: try await collection.flush()
                case 3, 4: try await collection.compact()
                default: try await collection.rebuildIndex()
                }
            } catch {
                complain("maintenance failed: \(error)\n")
                exit(3)
            }
        }
    }

    /// A write of 16 bytes to a pipe is not split; see pipe(7).
    private static func report(_ writer: Int, _ number: UInt64, isAcknowledged: Bool) {
        var bytes = [UInt8](repeating: 0, count: 16)
        withUnsafeBytes(of: number.littleEndian) { source in
            for (index, byte) in source.enumerated() { bytes[index] = byte }
        }
        bytes[8] = isAcknowledged ? 1 : 0
        bytes[9] = UInt8(writer)
        _ = Glibc.write(1, bytes, 16)
    }

    private static func complain(_ text: String) {
        _ = text.withCString { Glibc.write(2, $0, strlen($0)) }
    }
}
