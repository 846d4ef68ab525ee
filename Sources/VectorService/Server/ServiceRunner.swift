// The running server.
//
// - The store is open, and its lock held, before a socket is bound or a stale one removed.
// - On SIGTERM or SIGINT the sockets close first, then requests in flight end, then maintenance is
//   asked to stop, then the store is closed; after the stop timeout the process ends regardless,
//   which recovery covers like any other death.
// - Postgres is no part of being ready: searches are answered while it is away.

import Glibc
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import PostgresPool
import ServiceLifecycle
import UnixSignals
package import VectorStore

/// Serves a store until it is told to stop.
package struct ServiceRunner: Sendable {
    let database: VectorDatabase
    let socket: UnixSocketPath
    let address: ListenAddress?
    let options: ServiceOptions
    let logger: Logger
    let surface: ServiceSurface
    /// Reads the configuration again; nil when there is none to read.
    let reload: ConfigurationReload?
    private let metrics = ServiceMetrics()
    private let notifier = ServiceNotifier()

    /// Makes a runner.
    package init(
        database: VectorDatabase,
        socket: UnixSocketPath,
        address: ListenAddress?,
        options: ServiceOptions = ServiceOptions(),
        logger: Logger,
        surface: ServiceSurface = ServiceSurface(),
        reload: ConfigurationReload? = nil
    ) {
        self.surface = surface
        self.reload = reload
        self.database = database
        self.socket = socket
        self.address = address
        self.options = options
        self.logger = logger
    }

    /// Beside a search a scan gets about a third of a processor, and what is free otherwise (sched(7)).
    private static let recordNiceness: Int32 = 5

    /// Serves until SIGTERM, SIGINT, or SIGHUP when there is no configuration to read again, or until the task's graceful shutdown when it has one, then
    /// closes the store.
    ///
    /// - Precondition: The umask is 0077, so that the socket is never open to others.
    package func run(handlesSignals: Bool = true) async throws {
        if let limit = DescriptorLimit.raise() {
            logger.debug("descriptors", metadata: ["limit": "\(limit)"])
        }
        try socket.prepare()
        let tasks = MaintenanceTasks()
        let threads = WorkerThreads(
            threadCount: options.searchThreadCount ?? System.coreCount,
            queueLength: options.queueLength,
            queueTimeout: options.queueTimeout,
            batchLength: options.batchLength
        )
        let recordThreads = WorkerThreads(
            threadCount: options.recordThreadCount ?? max(1, System.coreCount / 2),
            queueLength: options.queueLength,
            queueTimeout: options.queueTimeout,
            niceness: Self.recordNiceness
        )
        let postgres = options.postgres.map { PostgresConnector($0, options, logger) }
        var observation = options.observation
        observation.storeID = (try? database.statistics().storeID) ?? ""
        let service = StoreService(
            database: database,
            threads: threads,
            recordThreads: recordThreads,
            tasks: tasks,
            logger: logger,
            surface: surface,
            metadata: postgres?.source,
            metrics: metrics,
            observation: observation
        )
        // Services stop in reverse order: the watch first, the store last.
        var services: [any Service] = [
            StoreCloser(
                database: database,
                tasks: tasks,
                threads: [threads, recordThreads],
                ledger: surface.issuer?.ledger,
                logger: logger
            )
        ]
        if let refresher = surface.refresher { services.append(refresher) }
        if let postgres { services.append(postgres) }
        let local = front(service, .socket)
        services.append(application(local, unix: socket))
        var fronts = [local]
        if let address {
            let network = front(service, .network)
            services.append(application(network, address: address))
            fronts.append(network)
        }
        services.append(Watchdog(notifier: notifier, service: service))
        if handlesSignals {
            services.append(
                StopWatch(logger: logger, notifier: notifier, limit: options.stopTimeout)
            )
            if let reload {
                services.append(
                    ReloadWatch(reload: reload, fronts: fronts, notifier: notifier, logger: logger)
                )
            }
        }
        // Where there is nothing to read again, SIGHUP means what it means to any program: its terminal
        // is gone.
        let endings: [UnixSignal] = [.sigterm, .sigint] + (reload == nil ? [.sighup] : [])
        var configuration = ServiceGroupConfiguration(
            services: services,
            gracefulShutdownSignals: handlesSignals ? endings : [],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = options.stopTimeout * 0.7
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            socket.remove()
            await threads.stop()
            await recordThreads.stop()
            try? await database.close()
            throw error
        }
        socket.remove()
        logger.info("stopped")
    }

    private func application(_ front: LiveFront, unix socket: UnixSocketPath) -> any Service {
        let (logger, notifier, access) = (logger, notifier, surface.access)
        return Application(
            responder: HTTPDispatcher(front),
            server: front.server(
                metrics: metrics,
                gate: surface.access.socketUsers.map { PeerGate(users: $0, logger: logger) }
            ),
            configuration: .init(address: .unixDomainSocket(path: socket.path), backlog: 1_024),
            onServerRunning: { channel in
                do {
                    try socket.restrict(mode: access.socketMode, group: access.socketGroup)
                    logger.info("ready", metadata: ["socket": "\(socket.path)"])
                    notifier.ready("serving on \(socket.path)")
                } catch {
                    logger.critical("\(error)")
                    channel.close(mode: .all, promise: nil)
                }
            },
            logger: quiet
        )
    }

    private func application(_ front: LiveFront, address: ListenAddress) -> any Service {
        let logger = logger
        return Application(
            responder: HTTPDispatcher(front),
            server: front.server(metrics: metrics, gate: nil),
            configuration: .init(
                address: .hostname(address.host, port: address.port),
                backlog: 1_024
            ),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? address.port
                logger.info("listening", metadata: ["address": "\(address.host):\(port)"])
            },
            logger: quiet
        )
    }

    private func front(
        _ service: StoreService,
        _ entrance: HTTPDispatcher.Entrance
    ) -> LiveFront {
        LiveFront(HTTPFront(service: service, limits: options.limits, entrance: entrance))
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
    let threads: [WorkerThreads]
    let ledger: TokenLedger?
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        logger.info("closing the store")
        await tasks.stop()
        for threads in threads { await threads.stop() }
        ledger?.close()
        try await database.close()
    }
}

/// The pool and the listener, closed after the last request.
private struct PostgresConnector: Service {
    let pool: PostgresPool
    let source: MetadataSource
    let listener: PostgresListener?
    let logger: Logger

    init(_ configuration: PoolConfiguration, _ options: ServiceOptions, _ logger: Logger) {
        var configuration = configuration
        configuration.onLeak = { place in
            logger.warning(
                "a Postgres connection is held too long",
                metadata: ["place": "\(place)"]
            )
        }
        pool = PostgresPool(configuration)
        let source = MetadataSource(
            tables: options.tables,
            pool: pool,
            options: options.metadata,
            logger: logger
        )
        self.source = source
        self.logger = logger
        listener = options.channel.map { channel in
            PostgresListener(
                url: options.listenURL ?? configuration.url,
                channel: channel,
                connectTimeout: configuration.connectTimeout
            ) { event in
                switch event {
                case .connected:
                    // What was notified while nobody listened is not known.
                    source.forget("*")
                    logger.debug("listening for changes", metadata: ["channel": "\(channel)"])
                case .notification(let pattern): source.forget(pattern)
                case .disconnected(let reason):
                    logger.debug("not listening for changes", metadata: ["reason": "\(reason)"])
                }
            }
        }
    }

    func run() async throws {
        try? await gracefulShutdown()
        listener?.stop()
        // A server that does not answer must not hold up the end: the process ends without it.
        let pool = pool
        Task.detached { await pool.close() }
        let end = ContinuousClock.now + .seconds(1)
        while !pool.isDrained, ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// Tells the service manager now and then that requests are still answered.
private struct Watchdog: Service {
    let notifier: ServiceNotifier
    let service: StoreService

    func run() async throws {
        guard let interval = notifier.watchdogInterval else {
            try? await gracefulShutdown()
            return
        }
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: interval / 3)
                // A busy server refuses, which is an answer; a stuck one gives none.
                _ = try? await service.threads.run {}
                if (try? service.database.statistics()) != nil { notifier.send("WATCHDOG=1") }
            }
        }
    }
}

/// Ends the process when a graceful stop takes too long.
private struct StopWatch: Service {
    let logger: Logger
    let notifier: ServiceNotifier
    let limit: Duration

    func run() async throws {
        try? await gracefulShutdown()
        notifier.send("STOPPING=1\nSTATUS=answering what is in flight")
        logger.info("stopping", metadata: ["limit_s": "\(limit / .seconds(1))"])
        let (logger, limit) = (logger, limit)
        Task.detached {
            try? await Task.sleep(for: limit)
            logger.critical("the stop took too long; ending at once")
            _exit(1)
        }
    }
}
