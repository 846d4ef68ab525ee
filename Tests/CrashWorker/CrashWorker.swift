// A process that is made to be killed: it changes a store as a seed says, and tells through a pipe what
// it is about to do and what was acknowledged.
//
// Arguments: directory, seed, first operation number; or "fill", directory, seed, rounds, for the life
// of a store on a small disk. Records on standard output, 16 bytes each:
// UInt64 number · UInt8 kind (0 issued, 1 acknowledged) · seven zero bytes.

import Glibc
import StorageIO
import TestSupport
import VectorMath
import VectorStore

@main
struct CrashWorker {
    static func main() async throws {
        let arguments = CommandLine.arguments
        if arguments.count == 5, arguments[1] == "fill" {
            return await fill(
                arguments[2],
                seed: UInt64(arguments[3]) ?? 0,
                rounds: Int(arguments[4]) ?? 1
            )
        }
        guard arguments.count == 4 || arguments.count == 6, let seed = UInt64(arguments[2]),
            let first = UInt64(arguments[3])
        else {
            complain("usage: CrashWorker DIRECTORY SEED FIRST [POINT PASSES]\n")
            exit(2)
        }
        var fileSystem: any FileSystem = PosixFileSystem()
        var killing: KillPointFileSystem?
        if arguments.count == 6 {
            guard let point = KillPoint(rawValue: arguments[4]), let passes = Int(arguments[5])
            else {
                complain("no such point: \(arguments[4])\n")
                exit(2)
            }
            let made = KillPointFileSystem(root: arguments[1], dyingAt: point, passCount: passes)
            killing = made
            fileSystem = made
        }
        let store = try VectorDatabase.open(
            at: arguments[1],
            options: KillPlan.options,
            fileSystem: fileSystem
        )
        let collection = try await store.createCollection(KillPlan.configuration)
        killing?.noteOpen()
        // The point was not met: what would be written now is nobody's business.
        if arguments.count == 6, KillPoint(rawValue: arguments[4])?.isInRecovery == true { exit(4) }
        Task.detached { await maintain(store, collection, seed: seed, directory: arguments[1]) }
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<KillPlan.writerCount {
                group.addTask {
                    await write(collection, seed: seed, writer: writer, first: first)
                }
            }
        }
    }

    /// Rounds of a full disk on the file system of a directory, which is small.
    private static func fill(_ directory: String, seed: UInt64, rounds: Int) async {
        let path = directory + "/filler"
        var life = FullDiskLife(
            root: directory + "/data",
            fileSystem: PosixFileSystem(),
            seed: seed
        ) { isFull in
            guard isFull else {
                unlink(path)
                return
            }
            let file = Glibc.open(path, O_CREAT | O_WRONLY, 0o600)
            defer { Glibc.close(file) }
            for size in [65_536, 4_096] {
                let bytes = [UInt8](repeating: 1, count: size)
                while Glibc.write(file, bytes, size) == size {}
            }
        }
        do {
            print("seed \(seed), \(try await life.run(rounds: rounds))")
        } catch {
            complain("\(error)\n")
            exit(1)
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

    /// All that changes files, over and over.
    private static func maintain(
        _ store: VectorDatabase,
        _ collection: VectorCollection,
        seed: UInt64,
        directory: String
    ) async {
        var random = SeededRandom(seed: seed ^ 0xA5A5)
        var copies = 0
        while true {
            do {
                switch Int.random(in: 0..<8, using: &random) {
                case 0, 1, 2: try await collection.flush()
                case 3, 4: try await collection.compact()
                case 5:
                    copies += 1
                    try await store.snapshot(to: KillPlan.copy(of: directory, number: copies))
                default: try await collection.rebuildIndex()
                }
            } catch let error where error.code == .rebuildRejected {
                // A few hundred random rows: which index is better is chance.
                continue
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
