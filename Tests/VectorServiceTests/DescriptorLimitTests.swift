import Glibc
import Testing

@testable import VectorService

@Suite struct `The limit of open files` {
    @Test func `it is raised from 1,024 to all that the process may have`() async {
        await #expect(processExitsWith: .success) {
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            var limit = rlimit()
            guard getrlimit(resource, &limit) == 0 else { exit(1) }
            limit.rlim_cur = min(limit.rlim_max, 1_024)
            guard setrlimit(resource, &limit) == 0 else { exit(2) }
            guard DescriptorLimit.raise() == UInt64(limit.rlim_max) else { exit(3) }
            guard getrlimit(resource, &limit) == 0, limit.rlim_cur == limit.rlim_max else {
                exit(4)
            }
            exit(0)
        }
    }
}
