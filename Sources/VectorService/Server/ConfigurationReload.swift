// A new configuration for a running server.
//
// - It is read as at the start: one that could not be started with changes nothing.
// - What can change between two requests does; every change of anything else is named, and waits for a
//   restart.

import Logging
import ServiceLifecycle
import UnixSignals

/// Reads the configuration again.
package typealias ConfigurationReload = @Sendable () async throws -> ReloadedConfiguration

/// What a configuration says now.
package struct ReloadedConfiguration: Sendable {
    /// The settings.
    package var options: ServiceOptions
    /// The sections.
    package var surface: ServiceSurface
    /// The names of what changed and is in force now.
    package var applied: [String]
    /// The names of what changed and needs a restart.
    package var refused: [String]

    /// Takes what was read.
    package init(
        options: ServiceOptions,
        surface: ServiceSurface,
        applied: [String],
        refused: [String]
    ) {
        self.options = options
        self.surface = surface
        self.applied = applied
        self.refused = refused
    }

    /// The settings that can change while the server runs.
    package static let settings: Set<String> = [
        "log.level", "log.requests", "log.slow_query", "limits.connections",
        "limits.header_timeout", "limits.body_timeout", "limits.drain_timeout",
        "limits.idle_timeout", "limits.queue_length", "limits.queue_timeout",
        "limits.batch_length", "limits.loop_budget",
    ]

    /// The sections that can.
    package static let sections: Set<String> = ["rest", "functions", "policies", "upstream"]
}

/// Reads the configuration again at every SIGHUP.
struct ReloadWatch: Service {
    let reload: ConfigurationReload
    let fronts: [LiveFront]
    let notifier: ServiceNotifier
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            await notifier.reloading {
                do {
                    apply(try await reload())
                } catch {
                    logger.error(
                        "the configuration is not taken; the old one stays in force",
                        metadata: ["error": "\(error)"]
                    )
                }
            }
        }
    }

    private func apply(_ new: ReloadedConfiguration) {
        for front in fronts {
            front.change { surface, observation, limits in
                limits = new.options.limits
                let storeID = observation.storeID
                observation = new.options.observation
                observation.storeID = storeID
                surface.rest = new.surface.rest
                surface.policies = new.surface.policies
                surface.upstream = new.surface.upstream
            }
        }
        if let service = fronts.first?.current.service {
            for threads in [service.threads, service.recordThreads] {
                threads.limit(
                    queueLength: new.options.queueLength,
                    queueTimeout: new.options.queueTimeout,
                    batchLength: new.options.batchLength
                )
            }
        }
        let applied = new.applied.isEmpty ? "nothing" : new.applied.joined(separator: ", ")
        logger.info("read the configuration again", metadata: ["changed": "\(applied)"])
        if !new.refused.isEmpty {
            logger.warning(
                "these changes need a restart",
                metadata: ["settings": "\(new.refused.joined(separator: ", "))"]
            )
        }
    }
}

extension ServiceSurface {
    /// Refuses an edit of which one half would be in force and the other not.
    ///
    /// - Parameters:
    ///   - tables: The tables of the new configuration.
    ///   - inForce: Those that the server has for as long as it runs.
    ///   - changed: The names of what changed.
    package func checkReload(
        tables: [MetadataTable],
        inForce: [MetadataTable],
        changed: [String]
    ) throws(ConfigurationProblem) {
        for name in rest.functions.functions.keys.sorted() {
            for function in rest.functions.functions[name] ?? [] {
                func gives(_ tables: [MetadataTable], _ column: String) -> Bool {
                    tables.contains {
                        $0.collection == function.collection && $0.columns.contains(column)
                    }
                }
                for column in function.columns {
                    guard case .metadata(let column) = column.source else { continue }
                    if gives(tables, column), !gives(inForce, column) {
                        throw ConfigurationProblem(
                            "functions.\(name).returns",
                            "reads postgres.\(column), which metadata.collections gives "
                                + "\(function.collection) after a restart"
                        )
                    }
                }
            }
        }
        let live = ["functions", "policies"].filter(changed.contains)
        if let waiting = ["tokens", "access"].first(where: changed.contains), !live.isEmpty {
            throw ConfigurationProblem(
                waiting,
                "changed together with \(live.joined(separator: " and ")), and needs a restart; "
                    + "restart, or change one after the other"
            )
        }
    }
}
