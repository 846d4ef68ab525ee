import Glibc
import VectorMath

/// Takes the time of the phases of one search, for queries that ask for it.
///
/// A class, so that a scan that is under way can end one phase and begin the next.
final class PhaseClock {
    private(set) var profile = SearchProfile()
    private var last = MonotonicTime.now
    private let faults = PhaseClock.faults

    /// Ends a phase: the time since the last one ended counts for it.
    func end(_ phase: WritableKeyPath<SearchProfile, Double>) {
        let now = MonotonicTime.now
        profile[keyPath: phase] += now.microseconds(since: last)
        last = now
    }

    /// The whole, with the page faults since the clock began.
    func finish() -> SearchProfile {
        let now = Self.faults
        profile.minorFaults = now.minor - faults.minor
        profile.majorFaults = now.major - faults.major
        return profile
    }

    /// Of the calling thread so far, by getrusage(2).
    private static var faults: (minor: Int, major: Int) {
        var usage = rusage()
        getrusage(__rusage_who_t(1), &usage)  // RUSAGE_THREAD, which Glibc hides from Swift.
        return (Int(usage.ru_minflt), Int(usage.ru_majflt))
    }
}
