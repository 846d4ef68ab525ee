import CVectorKernels

/// A point on the clock that the kernels read, CLOCK_MONOTONIC of clock_gettime(2).
package struct MonotonicTime: Sendable, Hashable, Comparable {
    package var nanoseconds: UInt64

    package static var now: MonotonicTime {
        MonotonicTime(nanoseconds: vk_monotonic_nanoseconds())
    }

    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The point that is `duration` later; without end for a duration beyond the clock's range.
    package func advanced(by duration: Duration) -> MonotonicTime {
        let parts = duration.components
        guard parts.seconds >= 0, parts.seconds < 1 << 32 else {
            return MonotonicTime(nanoseconds: parts.seconds < 0 ? nanoseconds : .max)
        }
        let added =
            UInt64(parts.seconds) * 1_000_000_000
            + UInt64(max(0, parts.attoseconds) / 1_000_000_000)
        return MonotonicTime(nanoseconds: nanoseconds + added)
    }

    /// Microseconds since an earlier point.
    package func microseconds(since earlier: MonotonicTime) -> Double {
        Double(nanoseconds &- earlier.nanoseconds) / 1_000
    }
}
