import Evaluation
import VectorService

/// Sends the lines of a file to a collection, batch by batch.
///
/// - A batch is in the store as a whole before the state says so.
/// - A line that is refused ends the import and is named; what was acknowledged before stays.
struct Importer {
    /// A batch is sent before its body grows past this.
    static let maximumBodyBytes = 8 << 20

    let client: any StoreClient
    let collection: CollectionName
    let jsonl: String
    let vectors: VectorFileReader?
    let batchCount: Int
    let translator: LineTranslator
    let statePath: String
    /// Where the metadata goes; nil leaves it in the payload.
    var metadata: MetadataWriter?
    /// Whether the metadata table is made when there is none.
    var createsTable = false

    /// A line as the store and as Postgres take it.
    struct Translated {
        var record: [UInt8]
        var row: [UInt8]
    }

    /// Imports from where `state` says.
    ///
    /// - Returns: The lines read and the records sent by this call.
    func run(from state: ImportState) async throws -> (lines: Int, records: Int) {
        var state = state
        let file = try InputFile(jsonl, offset: state.offset)
        let total = Double(max(1, file.byteCount))
        guard state.offset <= file.byteCount else {
            throw CommandFailure(
                message: "\(jsonl) is shorter than what was imported of it; delete \(statePath) "
                    + "to import it from the beginning"
            )
        }
        var progress = ProgressDisplay(
            "import \(collection.text)",
            startFraction: Double(state.offset) / total
        )
        let start = ContinuousClock.now
        var sent = 0
        var lineNumber = state.lineCount
        do {
            var isDone = false
            while !isDone {
                var records: [Translated] = []
                var lines: [Int] = []
                var byteCount = 0
                while records.count < batchCount, byteCount < Self.maximumBodyBytes {
                    guard let line = try file.nextLine() else {
                        isDone = true
                        break
                    }
                    lineNumber += 1
                    if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
                    // What the batch holds already is sent before the bad line ends the import.
                    guard let record = try await translated(line, lineNumber, records, lines) else {
                        continue
                    }
                    records.append(record)
                    lines.append(lineNumber)
                    byteCount += record.record.count
                }
                if !records.isEmpty {
                    try await send(records, lines: lines)
                    sent += records.count
                }
                state.lineCount = lineNumber
                state.offset = file.offset
                state.tail = try ImportState.tail(of: jsonl, before: file.offset)
                try state.save(statePath)
                let rate = Double(sent) / ((ContinuousClock.now - start) / .seconds(1))
                progress.update(
                    fraction: Double(state.offset) / total,
                    detail: "\(sent) records, \(Terminal.decimals(rate, 0))/s"
                )
            }
        } catch {
            progress.interrupt()
            throw error
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let rate = Terminal.decimals(Double(sent) / max(seconds, 0.001), 0)
        progress.finish("\(sent) records in \(Terminal.decimals(seconds, 1)) s (\(rate)/s)")
        ImportState.remove(statePath)
        return (lineNumber, sent)
    }

    private func translated(
        _ line: [UInt8],
        _ number: Int,
        _ records: [Translated],
        _ lines: [Int]
    ) async throws -> Translated? {
        do {
            var vector: [Float]?
            if let vectors {
                guard number <= vectors.count else {
                    throw LineTranslator.Refusal(
                        description: "the file of vectors has \(vectors.count) rows only"
                    )
                }
                vector = try vectors.row(number - 1)
            }
            var writer = JSONWriter()
            try translator.append(line, vector: vector, to: &writer)
            var row = JSONWriter()
            try translator.appendMetadata(line, to: &row)
            return Translated(record: writer.bytes, row: row.bytes)
        } catch {
            if !records.isEmpty { try await send(records, lines: lines) }
            if error is CommandFailure { throw error }
            if let error = error as? DatasetError { throw CommandFailure(error) }
            throw CommandFailure(message: "\(jsonl):\(number): \(error)")
        }
    }

    /// Sends the rows first: a record that can be found always has its row.
    private func send(_ records: [Translated], lines: [Int]) async throws {
        if let metadata { try await write(records.map(\.row), to: metadata, lines: lines) }
        let body = JSONWriter.text { writer in
            writer.key("records")
            writer.array { for record in records { $0.embed(record.record) } }
        }
        do {
            _ = try await client.send("POST", collection.path("records"), body: body)
        } catch let problem as Problem {
            guard let row = problem.row, lines.indices.contains(row) else { throw problem }
            // The batch is atomic: what is before the bad line goes in by itself.
            if row > 0 {
                try await send(Array(records[..<row]), lines: Array(lines[..<row]))
            }
            throw CommandFailure(
                message: "\(jsonl):\(lines[row]): \(problem.detail) (\(problem.code))"
            )
        }
    }

    private func write(_ rows: [[UInt8]], to metadata: MetadataWriter, lines: [Int]) async throws {
        var writer = JSONWriter()
        writer.array { for row in rows { $0.embed(row) } }
        do {
            if createsTable, let first = rows.first {
                try await metadata.createTable(like: try JSONScanner.parse(first, vectorKey: nil))
            }
            try await metadata.upsert(writer.bytes)
        } catch {
            let place =
                lines.first == lines.last ? "\(lines[0])" : "\(lines[0])-\(lines[lines.count - 1])"
            throw CommandFailure(
                message: "\(jsonl):\(place): the metadata was not written: \(error)"
            )
        }
    }
}
