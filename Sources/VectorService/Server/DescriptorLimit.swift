import Glibc

/// How many files and connections this process may have open.
package enum DescriptorLimit {
    /// Raises the soft limit to the hard one and returns it; nil when the system refuses.
    ///
    /// The usual soft limit is 1,024, kept low for programs that use select(2). A connection is a
    /// descriptor, so the limit would end a server at its 1,000th user. See getrlimit(2).
    package static func raise() -> UInt64? {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return nil }
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(resource, &limit) == 0 else { return nil }
        return UInt64(limit.rlim_cur)
    }
}
