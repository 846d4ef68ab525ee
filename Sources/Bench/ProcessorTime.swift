import Glibc

/// The time that processors spent on this process, all of its threads together.
///
/// Beside the clock on the wall it leaves out the time in which other programs had the processor, which is
/// what differs most between two runs of the same thing.
enum ProcessorTime {
    /// Seconds since the process began.
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

/// How long something took, by the clock on the wall and by that of the processors.
struct TimeTaken {
    var seconds = 0.0
    var processorSeconds = 0.0

    static func += (total: inout TimeTaken, part: TimeTaken) {
        total.seconds += part.seconds
        total.processorSeconds += part.processorSeconds
    }
}
