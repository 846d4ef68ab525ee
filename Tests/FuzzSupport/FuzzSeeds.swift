import StorageIO
import TestSupport

@testable import VectorStore

extension FuzzTarget {
    /// Well-formed inputs, so that fuzzing begins behind the first checks.
    package var seeds: [[UInt8]] {
        switch self {
        case .logPayload: Self.payloads
        case .logFile: Self.logFiles
        case .manifest: Self.manifests
        case .tombstones: Self.tombstoneFiles
        case .centroids: Self.centroidFiles
        case .segment: Self.patches
        case .json, .filter, .query, .records, .text: Self.texts.map { Array($0.utf8) }
        }
    }

    private static let row = StoredRow(
        id: .string("a"),
        partition: "t",
        vector: [1, 0, 0],
        attributes: [.int64(3), nil, .string("x"), .bool(true)],
        payload: [123, 125]
    )

    private static var operations: [LogOperation] {
        [
            LogOperation(collection: 1, change: .upsert(row)),
            LogOperation(collection: 1, change: .delete(.integer(7))),
            LogOperation(collection: 2, change: .delete(.string("gone"))),
        ]
    }

    private static var payloads: [[UInt8]] {
        let single = operations.map { operation in
            var writer = ByteWriter()
            operation.encode(into: &writer)
            return writer.bytes
        }
        return single + [single.flatMap { $0 }]
    }

    /// Frames as `FileTargets.logFile` takes them.
    private static var logFiles: [[UInt8]] {
        func frame(_ type: UInt8, lsn: UInt64, count: UInt32, _ payload: [UInt8]) -> [UInt8] {
            var writer = ByteWriter()
            writer.write(UInt32(1))
            writer.write(UInt32(payload.count))
            writer.write(UInt64(4_096))
            writer.write(lsn)
            writer.write(count)
            writer.write(type)
            writer.write(UInt8(0))
            writer.write(UInt16(0))
            writer.write(UInt64(4_096))
            return writer.bytes + payload
        }
        func known(lsn: UInt64) -> [UInt8] {
            var writer = ByteWriter()
            KnownWrite(
                collection: 1,
                id: WriteID(RecordUUID(high: 1, low: 2)),
                receipt: WriteReceipt(lsn: lsn, count: 1)
            ).encode(into: &writer)
            return frame(LogFrameType.knownWrites.rawValue, lsn: 1, count: 0, writer.bytes)
        }
        let first = frame(1, lsn: 1, count: 1, payloads[0])
        let second = frame(1, lsn: 2, count: 2, payloads[1] + payloads[2])
        return [
            first, first + second, first + frame(3, lsn: 2, count: 0, []) + second,
            first + frame(2, lsn: 2, count: 0, []), first + frame(0x85, lsn: 2, count: 0, [1, 2]),
            frame(1, lsn: 9, count: 1, payloads[0]), known(lsn: 0) + known(lsn: 1) + first,
        ]
    }

    private static var manifests: [[UInt8]] {
        var manifest = Manifest(storeUUID: FuzzStore.uuid, number: 5, previousNumber: 4)
        var results = [manifest]
        manifest.logFiles = [.init(sequence: 1, firstLSN: 1), .init(sequence: 2, firstLSN: 9)]
        manifest.collections = [
            .init(
                id: 1,
                configuration: CollectionConfiguration(
                    name: "c",
                    dimension: 4,
                    partitionKey: "tenant",
                    attributes: [AttributeDeclaration("group", .int64)]
                ),
                indexGeneration: 2
            )
        ]
        results.append(manifest)
        manifest.segments = [
            .init(
                collectionID: 1,
                indexGeneration: 2,
                description: SegmentDescription(
                    segmentID: 3,
                    byteCount: 8_192,
                    rowCount: 4,
                    lsnMin: 1,
                    lsnMax: 4,
                    footerCRC: 5
                ),
                tombstones: TombstoneFileEntry(lsn: 9, byteCount: 80, checksum: 1, count: 1)
            )
        ]
        manifest.centroidSets = [
            CentroidFileEntry(generation: 2, collectionID: 1, byteCount: 100, checksum: 3)
        ]
        results.append(manifest)
        manifest.collections.append(
            .init(
                id: 2,
                configuration: CollectionConfiguration(name: "plain", dimension: 16_000),
                indexGeneration: 0
            )
        )
        results.append(manifest)
        return results.map { Array($0.encoded.dropFirst(ManifestLayout.number).dropLast(4)) }
    }

    private static func written(
        _ write: (SimulatedFileSystem) throws -> Void
    ) -> [UInt8] {
        let disk = SimulatedFileSystem()
        do {
            try disk.createDirectory(FuzzStore.directory)
            try write(disk)
        } catch {
            preconditionFailure("a seed cannot be written: \(error)")
        }
        let bytes = disk.filePaths.first.flatMap { disk.bytes(of: $0) } ?? []
        return Array(bytes.dropLast(4))
    }

    private static var tombstoneFiles: [[UInt8]] {
        [[1], [0, 5, 99], Array(0..<64), []].map { (hidden: [Int]) in
            written { disk in
                var set = TombstoneSet(rowCount: 100)
                for ordinal in hidden { set.insert(ordinal) }
                _ = try TombstoneFile.write(
                    set,
                    rowCount: 100,
                    segmentID: 3,
                    lsn: 9,
                    storeUUID: FuzzStore.uuid,
                    directory: FuzzStore.directory,
                    fileSystem: disk
                )
            }
        }
    }

    private static var centroidFiles: [[UInt8]] {
        let unit: [Float] = [1, 0, 0, 0]
        return [1, 2, 3, 16].map { nlist in
            written { disk in
                var curves: [RecallCurve.Curve] = []
                if nlist > 1 {
                    curves.append(
                        RecallCurve.Curve(
                            k: 10,
                            points: [
                                .init(nprobe: 1, recall: 0.5),
                                .init(nprobe: UInt32(nlist), recall: 1),
                            ]
                        )
                    )
                }
                let table = { (partition: String?) in
                    CentroidTable(
                        partition: partition,
                        nlist: nlist,
                        centroids: Array(repeatElement(unit, count: nlist).joined()),
                        trainedRowCount: 90,
                        calibration: RecallCurve(nlist: nlist, curves: curves)
                    )
                }
                _ = try CentroidFile.write(
                    CentroidSet(
                        generation: 2,
                        collectionID: 1,
                        dimension: 4,
                        seed: 6,
                        tables: nlist == 3 ? [table(nil), table("a"), table("b")] : [table(nil)]
                    ),
                    storeUUID: FuzzStore.uuid,
                    directory: FuzzStore.directory,
                    fileSystem: disk
                )
            }
        }
    }

    /// No patch, and patches in the head, in the middle and at the end.
    private static var patches: [[UInt8]] {
        [
            [], [0, 0x10, 0, 0, 2, 1, 2, 3], [40, 0, 0, 0, 0, 9, 0, 0],
            [0, 0x30, 0, 0, 1, 255, 255, 0, 8, 0x30, 0, 0, 0, 128, 0, 0],
            [0xF8, 0x7F, 0, 0, 2, 7, 7, 7],
        ]
    }

    private static let texts = [
        "{}", "[]", "null", "-0.5e-3", #""é😀\u00e9\ud83d\ude00""#,
        #"{"vector":[0.1,-2,3e5],"limit":5,"partition":"a","recall":0.9,"include":["payload"]}"#,
        #"{"vector":"[1,2,3]","filter":{"group":1},"min_similarity":0.7}"#,
        #"{"vector":"AACAPwAAAEAAAEBA","explain":true}"#,
        #"{"id":{"uuid":"00112233-4455-6677-8899-aabbccddeeff"}}"#,
        #"{"group":{"gte":1,"lt":9},"name":{"in":["x","y"]}}"#,
        #"{"and":[{"group":1},{"or":[{"flag":true},{"not":{"weight":{"gt":0.5}}}]}]}"#,
        #"{"records":[{"id":1,"vector":[1,2,3],"partition":"a","attributes":{"group":4,"name":"n"},"payload":{"t":1}}]}"#,
        #"{"id":"x","vector":[1,2,3],"partition":"a"}"# + "\n"
            + #"{"id":2,"vector":[3,2,1],"partition":"b"}"#,
        #"{"updates":[{"id":1,"attributes":{"group":null},"payload":null,"new_id":2}]}"#,
        "[1, 2.5, -3e-2]", "00112233-4455-6677-8899-aabbccddeeff", "1.2.3",
    ]
}
