import ArgumentParser
import Evaluation
import Glibc
import VectorService
import VectorStore

/// `vector-server`: serves a store and administers it.
@main
struct VectorServerTool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vector-server",
        abstract: "Serve and administer a store of embeddings.",
        discussion: """
            Examples:
              vector-server serve --data /srv/vectors
              vector-server create lectures --data /srv/vectors --dimension 1536 \\
                  --partition-by creator_id --attribute video_id:string
              vector-server import lectures --data /srv/vectors --jsonl chunks.jsonl
              vector-server query lectures --data /srv/vectors --vector @question.json -k 5

            Commands speak to the server of the store when one is running, and open the directory
            themselves when none is. Results go to stdout, messages to stderr.

            Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not ready or nothing there, 78 a setting
            that cannot be used.
            """,
        version: StoreService.version,
        subcommands: [
            ServeCommand.self, CreateCommand.self, ListCommand.self, ImportCommand.self,
            QueryCommand.self, GetCommand.self, DeleteCommand.self, RebuildIndexCommand.self,
            RollBackIndexCommand.self, CompactCommand.self, StatsCommand.self, VerifyCommand.self,
            InspectCommand.self, SnapshotCommand.self, RestoreCommand.self, RepairCommand.self,
            SalvageCommand.self,
            TokenCommand.self, ConfigCommand.self, PoolCommand.self, DoctorCommand.self,
        ]
    )

    static func main() async {
        signal(SIGPIPE, SIG_IGN)
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
        switch error {
        case let failure as CommandFailure:
            Terminal.message("vector-server: \(failure.message)")
            Glibc.exit(failure.code)
        case let problem as Problem:
            Terminal.message("vector-server: \(problem.detail) (\(problem.code))")
            Glibc.exit(CommandFailure.code(of: problem))
        case let error as VectorStoreError:
            Terminal.message("vector-server: \(error.message) (\(error.code))")
            Glibc.exit(CommandFailure.code(of: Problem(error)))
        default:
            let code = exitCode(for: error)
            let message = fullMessage(for: error)
            if code == .success {
                print(message)
                Glibc.exit(0)
            }
            Terminal.message(message)
            Glibc.exit(code == .validationFailure ? 2 : 1)
        }
    }
}

/// Why a command ends without its result.
struct CommandFailure: Error {
    /// For the person.
    var message: String
    /// For the shell.
    var code: Int32

    init(message: String, code: Int32 = 1) {
        self.message = message
        self.code = code
    }

    /// Nothing is there, or it cannot answer yet.
    static func notReady(_ message: String) -> CommandFailure {
        CommandFailure(message: message, code: 3)
    }

    /// A file of vectors that cannot be read: what is wrong, where, and both values.
    init(_ error: DatasetError) {
        message = error.description
        code =
            switch error.kind {
            case .notFound: 3
            case .unknownExtension: 2
            default: 1
            }
    }

    /// The exit code of a refused request.
    static func code(of problem: Problem) -> Int32 {
        switch problem.status {
        case 404, 503: 3
        default: 1
        }
    }
}
