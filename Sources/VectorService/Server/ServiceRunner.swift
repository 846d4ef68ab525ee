// The running server.
//
// - The store is open, and its lock held, before a socket is bound or a stale one removed.
// - On SIGTERM or SIGINT the sockets close first, then requests in flight end, then maintenance is
//   asked to stop, then the store is closed; after `maximumStopSeconds` the process ends regardless,
//   which recovery covers like any other death.

import Glibc
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals
package import VectorStore

/// Serves a store until it is told to stop.
package struct ServiceRunner: Sendable {
    /// How long a graceful stop may take.
    package static let maximumStopSeconds = 10

    let database: VectorDatabase
    let socket: UnixSocketPath
    let address: ListenAddress?
    let logger: Logger
    let surface: ServiceSurface

    /// Makes a runner.
    package init(
        database: VectorDatabase,
        socket: UnixSocketPath,
        address: ListenAddress?,
        logger: Logger,
        surface: ServiceSurface = ServiceSurface()
    ) {
        self.surface = surface
        self.database = database
        self.socket = socket
        self.address = address
        self.logger = logger
    }

    /// Serves until SIGTERM or SIGINT, or until the task's graceful shutdown when it has one, then
    /// closes the store.
    ///
    /// - Precondition: The umask is 0077, so that the socket is never open to others.
    package func run(handlesSignals: Bool = true) async throws {
        if let limit = DescriptorLimit.raise() {
            logger.debug("descriptors", metadata: ["limit": "\(limit)"])
        }
        try socket.prepare()
        let tasks = MaintenanceTasks()
        let threads = WorkerThreads(threadCount: System.coreCount)
        let service = StoreService(
            database: database,
            threads: threads,
            tasks: tasks,
            logger: logger,
            surface: surface
        )
        // Services stop in reverse order: the watch first, the store last.
        var services: [any Service] = [
            StoreCloser(
                database: database,
                tasks: tasks,
                threads: threads,
                ledger: surface.issuer?.ledger,
                logger: logger
            )
        ]
        if let refresher = surface.refresher { services.append(refresher) }
        services.append(application(service, unix: socket))
        if let address { services.append(application(service, address: address)) }
        if handlesSignals { services.append(StopWatch(logger: logger)) }
        var configuration = ServiceGroupConfiguration(
            services: services,
            gracefulShutdownSignals: handlesSignals ? [.sigterm, .sigint] : [],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(Self.maximumStopSeconds - 3)
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            socket.remove()
            await threads.stop()
            try? await database.close()
            throw error
        }
        socket.remove()
        logger.info("stopped")
    }

    private func application(_ service: StoreService, unix socket: UnixSocketPath) -> any Service {
        let logger = logger
        let access = surface.access
        let gate: @Sendable () -> [any RemovableChannelHandler] = {
            access.socketUsers.map { [PeerGate(users: $0, logger: logger)] } ?? []
        }
        return Application(
            responder: HTTPDispatcher(service: service, entrance: .socket),
            server: HTTPLimits().server(gate: gate),
            configuration: .init(address: .unixDomainSocket(path: socket.path)),
            onServerRunning: { channel in
                do {
                    try socket.restrict(mode: access.socketMode, group: access.socketGroup)
                    logger.info("ready", metadata: ["socket": "\(socket.path)"])
                } catch {
                    logger.critical("\(error)")
                    channel.close(mode: .all, promise: nil)
                }
            },
            logger: quiet
        )
    }

    private func application(_ service: StoreService, address: ListenAddress) -> any Service {
        let logger = logger
        return Application(
            responder: HTTPDispatcher(service: service, entrance: .network),
            server: HTTPLimits().server(gate: { [] }),
            configuration: .init(address: .hostname(address.host, port: address.port)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? address.port
                logger.info("listening", metadata: ["address": "\(address.host):\(port)"])
            },
            logger: quiet
        )
    }

    /// The HTTP server repeats what is logged here.
    private var quiet: Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}

/// Closes the store when everything else has stopped.
private struct StoreCloser: Service {
    let database: VectorDatabase
    let tasks: MaintenanceTasks
    let threads: WorkerThreads
    let ledger: TokenLedger?
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        logger.info("closing the store")
        await tasks.stop()
        await threads.stop()
        ledger?.close()
        try await database.close()
    }
}

/// Ends the process when a graceful stop takes too long.
private struct StopWatch: Service {
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        logger.info("stopping", metadata: ["limit_s": "\(ServiceRunner.maximumStopSeconds)"])
        let logger = logger
        Task.detached {
            try? await Task.sleep(for: .seconds(ServiceRunner.maximumStopSeconds))
            logger.critical("the stop took too long; ending at once")
            _exit(1)
        }
    }
}
