import Foundation
import Testing

@testable import VectorService

/// Where a service manager listens.
private final class NotifySocket {
    let path = "/tmp/vs-notify-\(UUID().uuidString.prefix(8))"
    private let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)

    init() throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    /// The next message; empty when none comes in time, or none is there if it is not waited for.
    func next(waits: Bool = true) -> String {
        var bytes = [UInt8](repeating: 0, count: 1_024)
        let count = recv(descriptor, &bytes, bytes.count, waits ? 0 : Int32(MSG_DONTWAIT))
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }
}

@Suite(.serialized) struct `A server and what started it` {
    @Test func `the service manager is told ready, alive, reloading and stopping`() throws {
        let manager = try NotifySocket()
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "600000"]
        )
        func next() -> String {
            var message = manager.next()
            while message == "WATCHDOG=1" { message = manager.next() }
            return message
        }
        #expect(manager.next().hasPrefix("READY=1\n"))
        #expect(manager.next() == "WATCHDOG=1" && manager.next() == "WATCHDOG=1")
        kill(server.pid, SIGHUP)
        #expect(next().hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
        #expect(next() == "READY=1")
        // A watchdog that is missed kills: within the time of one there are several.
        #expect(server.stop().code == 0)
        #expect(next().hasPrefix("STOPPING=1"))
    }

    @Test func `a reload does not make a server ready that was not`() async throws {
        let manager = try NotifySocket()
        let notifier = ServiceNotifier(path: manager.path)
        var isDone = false
        await notifier.reloading { isDone = true }
        #expect(isDone && manager.next(waits: false) == "")
        notifier.ready("serving")
        #expect(manager.next() == "READY=1\nSTATUS=serving")
        await notifier.reloading {
            #expect(manager.next().hasPrefix("RELOADING=1\n"))
        }
        #expect(manager.next() == "READY=1")
    }

    @Test func `without a file, a server ends with its terminal`() throws {
        // See ioctl_tty(2): TIOCSPTLCK and TIOCGPTN, which Swift does not import.
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        defer { close(terminal) }
        var (lock, number) = (Int32(0), Int32(0))
        try #require(ioctl(terminal, 0x4004_5431, &lock) == 0)
        try #require(ioctl(terminal, 0x8004_5430, &number) == 0)
        let device = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        try #require(device >= 0)
        let input = FileHandle(fileDescriptor: device, closeOnDealloc: true)
        let directory = try ServerProcess.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let process = Process()
        process.executableURL = ServerProcess.binary
        process.arguments = ["serve", "--data", directory + "/data"]
        process.environment = ServerProcess.clean
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
        let socket = directory + "/data/vector.sock"
        let end = ContinuousClock.now + .seconds(20)
        while (try? HTTPConnection(socket).get("/readyz"))?.status != 200 {
            try #require(process.isRunning && ContinuousClock.now < end)
            Thread.sleep(forTimeInterval: 0.01)
        }
        kill(process.processIdentifier, SIGHUP)
        let limit = ContinuousClock.now + .seconds(10)
        while process.isRunning, ContinuousClock.now < limit {
            Thread.sleep(forTimeInterval: 0.01)
        }
        try #require(!process.isRunning)
        #expect(process.terminationReason == .exit && process.terminationStatus == 0)
        #expect(!FileManager.default.fileExists(atPath: socket))
    }
}
