import Synchronization

/// A progress display that another thread may update.
final class ProgressBox: Sendable {
    private let display: Mutex<ProgressDisplay>

    init(_ display: sending ProgressDisplay) {
        self.display = Mutex(display)
    }

    func update(_ fraction: Double) {
        display.withLock { $0.update(fraction: fraction, detail: "") }
    }
}
