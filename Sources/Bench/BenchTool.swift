import ArgumentParser
import Dispatch
import Foundation
import Glibc
import VectorStore

/// `vector-bench`: measures recall, latency and write rates, and makes data to measure with.
struct BenchTool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vector-bench",
        abstract: "Measure recall, latency and write rates of the vector store.",
        discussion: """
            Examples:
              vector-bench generate --count 100000 --dimension 384 --out data
              vector-bench recall --base data/base.fbin --queries data/query.fbin \
            --truth data/gt100.ibin
              vector-bench filtered --base data/base.fbin --queries data/query.fbin
              vector-bench ingest --dimension 384 --batch 1,10,100,1000
              vector-bench load --socket run/vector.sock --data fixtures/lectures --users 1000
              vector-bench compare before.jsonl after.jsonl --threshold "qps_one ratio>=0.9"
              vector-bench plot after.jsonl --out pictures

            Results go to stdout, messages and progress to stderr.

            Exit codes: 0 done, 1 it failed or a check found something wrong, 2 wrong usage.
            """,
        subcommands: [
            RecallCommand.self, FilteredCommand.self, PeerCommand.self, GenerateCommand.self,
            ExpandCommand.self, IngestCommand.self, BuildCommand.self, LecturesCommand.self,
            LatencyCommand.self, LoadCommand.self, FlatCommand.self, FirstCommand.self,
            StreamCommand.self, DriftCommand.self, CompareCommand.self, PlotCommand.self,
            PgvectorCommand.self, InstructionsCommand.self, MachineCommand.self,
        ]
    )

    static func runCommand() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            leave(error)
        }
    }

    private static func leave(_ error: any Error) -> Never {
        if let error = error as? VectorStoreError {
            message("vector-bench: \(error.message) (\(error.code))")
            Glibc.exit(1)
        }
        let code = exitCode(for: error)
        let text = fullMessage(for: error)
        if code == .success {
            print(text)
            Glibc.exit(0)
        }
        if !text.isEmpty { message(text) }
        Glibc.exit(code == .validationFailure ? 2 : 1)
    }

    private static func message(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}

/// The program: the main thread waits while the command runs on others.
///
/// An asynchronous main would wait in sigsuspend(2) with a mask that valgrind 3.19 stumbles over.
@main
enum Program {
    static func main() {
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            await BenchTool.runCommand()
            done.signal()
        }
        done.wait()
    }
}
