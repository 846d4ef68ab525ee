import ArgumentParser
import Foundation
import Glibc
import Logging
import VectorService
import VectorStore

/// Runs the server.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve a store over HTTP on a unix socket.",
        discussion: """
            Only the user that runs the server can connect to the socket (mode 0600). Stop it with
            SIGTERM or Ctrl-C: requests in flight end, the store is closed, within ten seconds.

            Example:
              vector-server serve --data /srv/vectors
              curl --unix-socket /srv/vectors/vector.sock http://localhost/v1/stats
            """
    )

    @OptionGroup var location: StoreLocation

    @Option(help: "Listen on this address as well, as in 127.0.0.1:8800; needs tokens.")
    var listen: String?

    @Option(help: "Log messages of this level and above: debug, info, warning, error.")
    var logLevel: String = "info"

    @Option(help: "A file of functions and policies, JSON.")
    var config: String?

    @Flag(help: "Serve a loopback address without tokens: every process here may do anything.")
    var insecureLoopback = false

    /// What the configuration says.
    private func surface(_ logger: Logger) async throws -> ServiceSurface {
        guard let config else { return ServiceSurface() }
        do {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: config)))
            let settings = try SurfaceSettings(try JSONScanner.parse(bytes, vectorKey: nil))
            return try await ServiceSurface(
                settings,
                stateFile: try location.directory() + ".tokens",
                logger: logger
            )
        } catch {
            throw CommandFailure(message: "\(config): \(error)")
        }
    }

    func run() async throws {
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw ValidationError("Unknown log level '\(logLevel)'.")
        }
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let logger = Logger(label: "vector-server")
        let surface = try await surface(logger)
        let address = try listen.map { (text) throws -> ListenAddress in
            do {
                let address = try ListenAddress(text)
                try address.check(hasTokens: surface.hasTokens, insecureLoopback: insecureLoopback)
                return address
            } catch let refusal as ListenAddress.Refusal {
                throw ValidationError(refusal.description)
            }
        }
        let directory = try location.directory()
        let socket = try location.socketPath()
        // Nothing this process creates is open to others, not even for the moment between
        // creating and chmod(2).
        umask(0o077)
        if socket.isAnswering {
            throw CommandFailure(message: "\(socket.path) is taken: a server answers on it")
        }
        let database = try await VectorDatabase.open(at: directory)
        let recovery = try database.statistics().recovery
        logger.info(
            "opened",
            metadata: [
                "data": "\(directory)", "was_clean": "\(recovery.wasClean)",
                "replayed": "\(recovery.replayedOperationCount)",
                "kernels": "\(VectorDatabase.kernelTier)",
            ]
        )
        let runner = ServiceRunner(
            database: database,
            socket: socket,
            address: address,
            logger: logger,
            surface: surface
        )
        do {
            try await runner.run()
        } catch let refusal as UnixSocketPath.Refusal {
            try? await database.close()
            throw CommandFailure(message: refusal.description)
        } catch {
            throw CommandFailure(message: "the server stopped: \(error)")
        }
    }
}
