import Foundation
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

extension ProcessorTime {
    /// Seconds that everything on the machine had processors, the hypervisor's other guests left out.
    static var machineSeconds: Double {
        guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
            let line = text.split(separator: "\n").first
        else { return 0 }
        // user, nice, system, idle, iowait, irq, softirq, steal: see proc(5).
        let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        guard ticks.count == 8 else { return 0 }
        let busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]
        return busy / Double(sysconf(Int32(_SC_CLK_TCK)))
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
