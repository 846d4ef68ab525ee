import Foundation

/// The time of day.
enum WallClock {
    /// Seconds since 1970.
    static var seconds: Double {
        Date().timeIntervalSince1970
    }
}
