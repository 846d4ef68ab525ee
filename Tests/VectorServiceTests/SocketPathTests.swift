import Glibc
import Testing

@testable import VectorService

@Suite struct `Socket paths` {
    /// A directory of mode 0700 that is gone afterwards.
    static func withDirectory(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/vs-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            for name in ["s", "f"] { unlink("\(path)/\(name)") }
            rmdir(path)
        }
        try body(path)
    }

    static func bind(_ path: String, listens: Bool) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if listens { listen(descriptor, 4) }
        return descriptor
    }

    @Test func `107 bytes are accepted and 108 refused`() {
        #expect(throws: Never.self) {
            try UnixSocketPath("/" + String(repeating: "a", count: 106))
        }
        #expect(throws: UnixSocketPath.Refusal.self) {
            try UnixSocketPath("/" + String(repeating: "a", count: 107))
        }
    }

    @Test func `a stale socket is removed and a live one kept`() throws {
        try Self.withDirectory { directory in
            let path = try UnixSocketPath(directory + "/s")
            let live = Self.bind(path.path, listens: true)
            #expect(path.occupant() == .server)
            #expect(throws: UnixSocketPath.Refusal.self) { try path.prepare() }
            #expect(path.occupant() == .server)
            close(live)
            #expect(path.occupant() == .staleSocket)
            try path.prepare()
            #expect(path.occupant() == .nothing)
        }
    }

    @Test func `a file that is no socket is left alone`() throws {
        try Self.withDirectory { directory in
            close(creat(directory + "/f", 0o600))
            let path = try UnixSocketPath(directory + "/f")
            #expect(throws: UnixSocketPath.Refusal.self) { try path.prepare() }
            #expect(path.occupant() == .other)
        }
    }

    @Test func `a directory that everybody may write to is refused`() throws {
        try Self.withDirectory { directory in
            chmod(directory, 0o777)
            let path = try UnixSocketPath(directory + "/s")
            #expect(throws: UnixSocketPath.Refusal.self) { try path.prepare() }
            chmod(directory, 0o700)
            try path.prepare()
        }
    }

    @Test(arguments: ["127.0.0.1:8800", "localhost:0", "[::1]:8800", "127.9.9.9:1"])
    func `loopback is served without tokens only when that is said`(text: String) throws {
        let address = try ListenAddress(text)
        #expect(throws: Never.self) { try address.check(hasTokens: true, insecureLoopback: false) }
        #expect(throws: Never.self) { try address.check(hasTokens: false, insecureLoopback: true) }
        #expect(throws: ListenAddress.Refusal.self) {
            try address.check(hasTokens: false, insecureLoopback: false)
        }
    }

    @Test(arguments: ["0.0.0.0:8800", "192.168.0.1:80", "[::]:80", "[2001:db8::1]:80"])
    func `other addresses are never served without tokens`(text: String) throws {
        let address = try ListenAddress(text)
        #expect(throws: Never.self) { try address.check(hasTokens: true, insecureLoopback: false) }
        #expect(throws: ListenAddress.Refusal.self) {
            try address.check(hasTokens: false, insecureLoopback: true)
        }
    }

    @Test(arguments: [
        "example.org:80", "127.0.0.1", ":80", "127.0.0.1:99999", "127.0.0.1.evil.org:80",
        "127.0.0:80",
    ])
    func `what is no address is refused`(text: String) {
        #expect(throws: ListenAddress.Refusal.self) { try ListenAddress(text) }
    }
}
