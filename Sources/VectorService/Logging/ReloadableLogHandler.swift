package import Logging
import Synchronization

/// A handler whose level is that of the process, and can change while it runs.
package struct ReloadableLogHandler: LogHandler {
    /// The level of the process.
    package final class Level: Sendable {
        private let level = Mutex(Logger.Level.info)

        /// Changes it for messages from now on.
        package func store(_ new: Logger.Level) { level.withLock { $0 = new } }

        fileprivate var now: Logger.Level { level.withLock { $0 } }
    }

    /// The level of all such handlers.
    package static let level = Level()

    private var base: any LogHandler
    /// A logger that was made stricter stays so.
    private var own: Logger.Level?

    /// Passes on what is of the level or above.
    package init(_ base: any LogHandler) {
        self.base = base
        self.base.logLevel = .trace
    }

    package var logLevel: Logger.Level {
        get { own ?? Self.level.now }
        set { own = newValue }
    }

    package var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    package var metadataProvider: Logger.MetadataProvider? {
        get { base.metadataProvider }
        set { base.metadataProvider = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    package func log(event: LogEvent) { base.log(event: event) }
}
