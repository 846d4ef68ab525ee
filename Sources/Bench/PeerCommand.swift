import ArgumentParser
import BenchReport
import Evaluation
import Foundation

/// `vector-bench peer`: other index libraries on the same data, judged by the same code.
struct PeerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer",
        abstract:
            "Measure another index library with the same reader, truth and clock as `recall`.",
        discussion: """
            The library runs in a Python process of its own; rows and queries come from the same reader \
            as the store's, recall is judged by the same code, and rounds alternate with the same \
            yardstick. The time is taken in Python around one call a query, and around one call for \
            all. One thread searches. Lines have the fields of `recall --json`.

            Peers: faiss-flat, faiss-ivfflat, faiss-pqfs, faiss-rabitqfs, faiss:FACTORY, hnswlib, \
            usearch, scann, svs.

            With --index the built index is saved in a file, and read from it when it is there: build_s \
            is then that of the build, build_cpu_s its processor time and build_others_s the processor \
            time that all else on the machine took meanwhile. An index that was read also has first_s \
            (pages of the file dropped, read, first query answered) and resident_bytes (by how much the \
            process grew).

            Examples:
              python3 -m venv venv && venv/bin/pip install numpy faiss-cpu hnswlib
              vector-bench peer faiss-ivfflat hnswlib --data data --python venv/bin/python
              vector-bench peer hnswlib --data data --index hnsw.index --python venv/bin/python
            """
    )

    @Argument(help: "The peers.")
    var peers: [String]

    @OptionGroup
    var dataset: DatasetOptions

    @Option(name: .short, help: "Neighbours to find.")
    var k = 10

    @Option(help: "Use only the first queries.")
    var queryLimit: Int?

    @Option(help: "Numbers of lists to visit in place of the peer's own settings (FAISS only).")
    var nprobe: String?

    @Option(help: ArgumentHelp("Save the index here, or read it (one peer).", valueName: "file"))
    var index: String?

    @Option(help: "Threads that build the index.")
    var buildThreads = Machine.coreCount

    @Option(help: "Measured rounds of all queries, at least; the median counts.")
    var rounds = 3

    @Option(help: "Seconds of rounds for each point, at least.")
    var seconds = 2.0

    @Option(help: "The Python that has numpy and the libraries.")
    var python = "python3"

    @Option(help: "The program that drives the libraries.")
    var script = "scripts/peer_worker.py"

    func validate() throws {
        guard k > 0, rounds > 0, seconds >= 0, buildThreads > 0, queryLimit.map({ $0 > 0 }) ?? true
        else {
            throw ValidationError("k, rounds, build-threads and query-limit must be at least 1")
        }
        guard index == nil || peers.count == 1 else {
            throw ValidationError("--index goes with one peer")
        }
        _ = try probes()
    }

    private func probes() throws -> [[String: Double]]? {
        try nprobe.map { text in
            try RecallCommand.Target.lists(text).map { target in
                guard case .lists(let count) = target else { return [:] }
                return ["nprobe": Double(count)]
            }
        }
    }

    func run() throws {
        let files = dataset.files
        let (basePath, queryPath) = (try files.basePath(), try files.queryPath())
        let reader = try VectorFileReader(basePath)
        let queryReader = try VectorFileReader(queryPath)
        let truth = try TruthFile(files.truthPath(), rowCount: reader.count)
        guard queryReader.dimension == reader.dimension, truth.queryCount == queryReader.count,
            truth.k >= k
        else {
            throw BenchError("base, queries and truth do not fit each other, or k is too large")
        }
        let count = min(queryLimit ?? queryReader.count, queryReader.count)
        guard truth.hasNeighbours(ofFirst: count) else { throw BenchError.noTruth }
        let run = PeerRun(
            command: self,
            reader: reader,
            queries: Array(try queryReader.readAll().prefix(count * reader.dimension)),
            truth: truth,
            yardstick: try Yardstick(reader),
            data: try DataIdentity(
                base: basePath,
                queries: queryPath,
                others: [files.truthPath()],
                rows: reader.count,
                dimension: reader.dimension,
                queryCount: count
            ),
            rows: try DataIdentity(
                name: "rows",
                rows: reader.count,
                dimension: reader.dimension,
                queryCount: 0,
                files: [basePath]
            )
        )
        for peer in peers { try run.measure(peer, settings: try probes()) }
    }
}

/// The measurement of one peer after the other.
private struct PeerRun {
    let command: PeerCommand
    let reader: VectorFileReader
    let queries: [Float]
    let truth: TruthFile
    let yardstick: Yardstick
    let data: DataIdentity
    /// Of the rows alone.
    let rows: DataIdentity

    func measure(_ peer: String, settings: [[String: Double]]?) throws {
        let before = yardstick.rate(threads: command.buildThreads, seconds: 0.25)
        let (worker, index) = try PeerWorker.start(
            peer,
            python: command.python,
            script: command.script,
            rows: PeerWorker.Rows(reader),
            queries: queries,
            k: command.k,
            threads: command.buildThreads,
            index: command.index,
            data: rows.digest
        )
        let after = yardstick.rate(threads: command.buildThreads, seconds: 0.25)
        for params in settings ?? index.sweep {
            var line = try point(worker, params)
            line.peer = peer
            line.build = index.build
            line.buildSeconds = index.buildSeconds
            line.buildProcessorSeconds = index.processorSeconds
            line.buildOthersSeconds = index.othersSeconds
            if index.loadSeconds == nil {
                line.buildRelative = index.processorSeconds * (before + after) / 2
            }
            line.firstSeconds = index.firstSeconds
            line.residentBytes = index.residentBytes
            line.bytes = index.bytes
            line.bytesPerVector = Double(index.bytes) / Double(reader.count)
            line.data = data
            print(line.line)
            fflush(nil)  // A sweep takes minutes; its lines are of use as they come.
        }
    }

    private func point(_ worker: PeerWorker, _ params: [String: Double]) throws -> BenchPoint {
        let first = try worker.run(params, isBatch: false, passes: 1)
        let passes = max(1, min(200, Int((0.03 / first.time.seconds).rounded(.up))))
        let count = Double(first.found.count)
        var (one, batch): ([Double], [Double]) = ([], [])
        var (oneRelative, batchRelative): ([Double], [Double]) = ([], [])
        var latencies: [Float] = []
        var speeds = [yardstick.rate()]
        let start = ContinuousClock.now
        repeat {
            for isBatch in [false, true] {
                let answers = try worker.run(params, isBatch: isBatch, passes: passes)
                let time = answers.time
                latencies += answers.latencies
                let speed = speeds[speeds.count - 1]
                speeds.append(yardstick.rate())
                let queries = count * Double(passes)
                let rate = queries / time.seconds
                let relative =
                    queries / time.processorSeconds / ((speed + speeds[speeds.count - 1]) / 2)
                if isBatch {
                    batch.append(rate)
                    batchRelative.append(relative)
                } else {
                    one.append(rate)
                    oneRelative.append(relative)
                }
            }
        } while one.count < command.rounds || elapsed(since: start) < command.seconds
        return line(params, first.found) { line in
            line.qpsOne = Percentile.median(of: one)
            line.qpsBatch = Percentile.median(of: batch)
            line.yardstick = Percentile.median(of: speeds)
            line.qpsOneRelative = Percentile.median(of: oneRelative)
            line.qpsBatchRelative = Percentile.median(of: batchRelative)
            line.rounds = one.count
            line.spread = ((one.max() ?? 0) - (one.min() ?? 0)) / Percentile.median(of: one)
            let sorted = latencies.map(Double.init).sorted()
            line.p50 = Percentile.nearestRank(50, of: sorted)
            line.p95 = Percentile.nearestRank(95, of: sorted)
            line.p99 = Percentile.nearestRank(99, of: sorted)
        }
    }

    private func line(
        _ params: [String: Double],
        _ found: [[Int]],
        _ fill: (inout BenchPoint) -> Void
    ) -> BenchPoint {
        let recalls = Measurement.depths(command.k).map { depth in
            (depth, Recall.mean(depth, found: found, truth: truth) ?? 0)
        }
        var line = BenchPoint(
            build: "",
            params: params,
            recall10: recalls.first { $0.0 == 10 }?.1,
            recalls: Dictionary(uniqueKeysWithValues: recalls.map { ("\($0.0)", $0.1) }),
            qpsOne: 0,
            bytes: 0,
            k: command.k,
            threads: 1,
            machine: Machine.line
        )
        fill(&line)
        return line
    }
}
