import ArgumentParser
import Glibc
import Logging
import Synchronization
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
    @OptionGroup var options: ConfigurationOptions

    @Option(help: "Listen on this address as well, as in 127.0.0.1:8800; needs tokens.")
    var listen: String?

    @Option(help: "Log messages of this level and above: debug, info, warning, error.")
    var logLevel: String?

    @Flag(help: "Serve a loopback address without tokens: every process here may do anything.")
    var insecureLoopback = false

    /// What the server offers beside its store, as the file has it.
    private func surface(
        _ settings: Settings,
        directory: String,
        _ logger: Logger
    ) async throws -> ServiceSurface {
        guard let file = settings.file else { return ServiceSurface() }
        do throws(ConfigurationProblem) {
            return try await ServiceSurface(
                try SurfaceSettings(file.root.json),
                stateFile: TokenLedger.path(besides: directory),
                logger: logger
            )
        } catch {
            throw CommandFailure(file.error(file.root.nearest(error.place), error.reason))
        }
    }

    func run() async throws {
        var flags = location.flags
        flags["listen"] = listen
        flags["log.level"] = logLevel
        let settings = try options.settings(flags)
        let service = try ServiceOptions(settings)
        let logger = Self.logger(settings)
        for name in settings.unknownVariables {
            logger.warning(
                "a variable of the environment is no setting",
                metadata: ["name": "\(name)"]
            )
        }
        let location = location.resolved(settings)
        let directory = try location.directory()
        let socket = try location.socketPath()
        // Nothing this process creates is open to others, not even for the moment between
        // creating and chmod(2).
        umask(0o077)
        if socket.isAnswering {
            throw CommandFailure(message: "\(socket.path) is taken: a server answers on it")
        }
        let surface = try await surface(settings, directory: directory, logger)
        let address = try settings.text("listen").map { (text) throws -> ListenAddress in
            do {
                let address = try ListenAddress(text)
                try address.check(hasTokens: surface.hasTokens, insecureLoopback: insecureLoopback)
                return address
            } catch let refusal as ListenAddress.Refusal {
                throw CommandFailure(Settings.error(settings.value("listen"), refusal.description))
            }
        }
        let database = try await VectorDatabase.open(
            at: directory,
            options: settings.storeOptions
        )
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
            options: service,
            logger: logger,
            surface: surface,
            // Without a file and with a terminal, SIGHUP says that the terminal is gone.
            reload: settings.file == nil && isatty(STDIN_FILENO) != 0
                ? nil : reloader(settings, flags, tables: service.tables)
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

    /// Reads the configuration again as it was read first, and says what changed.
    private func reloader(
        _ settings: Settings,
        _ flags: [String: String?],
        tables: [MetadataTable]
    ) -> ConfigurationReload {
        let (options, command) = (options, self)
        let inForce = Mutex(settings)
        return {
            let new = try options.settings(flags)
            let service = try ServiceOptions(new)
            let taken = ReloadedConfiguration.settings.union(ReloadedConfiguration.sections)
            let changed = new.changed(since: inForce.withLock { $0 })
            let applied = changed.filter(taken.contains)
            let surface = try command.sections(new) { (surface) throws(ConfigurationProblem) in
                try surface.checkReload(tables: service.tables, inForce: tables, changed: changed)
            }
            ReloadableLogHandler.level.store(Self.level(new))
            inForce.withLock { $0 = new }
            return ReloadedConfiguration(
                options: service,
                surface: surface,
                applied: applied,
                // What the process began with is what it runs with.
                refused: new.changed(since: settings).filter { !taken.contains($0) }
            )
        }
    }

    /// The sections that can change; tokens are left alone.
    private func sections(
        _ settings: Settings,
        check: (ServiceSurface) throws(ConfigurationProblem) -> Void
    ) throws -> ServiceSurface {
        guard let file = settings.file else { return ServiceSurface() }
        do throws(ConfigurationProblem) {
            let surface = try ServiceSurface(sections: try SurfaceSettings(file.root.json))
            try check(surface)
            return surface
        } catch {
            throw CommandFailure(file.error(file.root.nearest(error.place), error.reason))
        }
    }

    private static func level(_ settings: Settings) -> Logger.Level {
        settings.text("log.level").flatMap(Logger.Level.init(rawValue:)) ?? .info
    }

    private static func logger(_ settings: Settings) -> Logger {
        ReloadableLogHandler.level.store(level(settings))
        let isJSON = settings.text("log.format") == "json"
        LoggingSystem.bootstrap { label in
            ReloadableLogHandler(
                isJSON
                    ? JSONLogHandler(label: label, level: .trace)
                    : StreamLogHandler.standardError(label: label)
            )
        }
        return Logger(label: "vector-server")
    }
}
