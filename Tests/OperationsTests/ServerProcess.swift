import Foundation
import Testing

/// `vector-server` as its own process on a store of its own, below /tmp for the length of socket paths.
final class ServerProcess: Sendable {
    static let binary: URL = {
        let name = "vector-server"
        let places = [
            Bundle.main.bundleURL.deletingLastPathComponent(),
            URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent(),
        ]
        let found = places.map { $0.appendingPathComponent(name) }
        return found.first { FileManager.default.isExecutableFile(atPath: $0.path) } ?? found[0]
    }()

    let directory: String
    private let process: Process
    private let keepsDirectory: Bool
    private let hasOwnDisk: Bool

    /// The store's directory as others see it.
    var data: String { (hasOwnDisk ? "/proc/\(pid)/root" : "") + directory + "/data" }
    var socket: String { data + "/vector.sock" }
    var pid: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

    var log: String {
        (try? String(contentsOfFile: directory + "/server.log", encoding: .utf8)) ?? ""
    }

    /// Runs a command to its end and returns what it printed, both streams together.
    @discardableResult
    static func run(
        _ arguments: [String],
        environment: [String: String] = [:]
    ) throws -> (code: Int32, text: String) {
        let process = Process()
        process.executableURL = binary
        process.arguments = arguments
        process.environment = clean.merging(environment) { $1 }
        let output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    /// The environment without what would reach into the server.
    static let clean = ProcessInfo.processInfo.environment.filter {
        !$0.key.hasPrefix("VS_") && $0.key != "VECTORSTORE_DATA" && $0.key != "NOTIFY_SOCKET"
    }

    /// Makes a directory for a store and its settings.
    static func makeDirectory() throws -> String {
        let directory = "/tmp/vs-op-" + UUID().uuidString.prefix(8).lowercased()
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        return directory
    }

    /// Makes a file system of so many MiB in a namespace of its own, then runs the rest of the line there.
    private static func ownDisk(_ megabytes: Int, at path: String) -> [String] {
        [
            "-Urm", "sh", "-c",
            "mount -t tmpfs -o size=\(megabytes)m,mode=0700 tmpfs \"$0\" && exec \"$@\"", path,
        ]
    }

    /// Whether this system lets a test have a file system of its own.
    static let canHaveOwnDisk: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        process.arguments = ownDisk(1, at: "/tmp") + ["true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    /// Starts a server and waits until it is ready.
    ///
    /// - Parameter diskMegabytes: The size of a disk that holds the store and nothing else.
    init(
        in directory: String,
        settings: String = "",
        environment: [String: String] = [:],
        keepsDirectory: Bool = false,
        diskMegabytes: Int? = nil
    ) throws {
        self.directory = directory
        self.keepsDirectory = keepsDirectory
        hasOwnDisk = diskMegabytes != nil
        let file = directory + "/vs.yaml"
        try settings.write(toFile: file, atomically: true, encoding: .utf8)
        process = Process()
        process.executableURL = Self.binary
        process.arguments = ["serve", "--data", directory + "/data", "--config", file]
        if let diskMegabytes {
            let path = directory + "/data"
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
            process.arguments =
                Self.ownDisk(diskMegabytes, at: path) + [Self.binary.path]
                + (process.arguments ?? [])
        }
        process.environment = Self.clean.merging(environment) { $1 }
        _ = FileManager.default.createFile(atPath: directory + "/server.log", contents: nil)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle(forWritingAtPath: directory + "/server.log")
        try process.run()
        let end = ContinuousClock.now + .seconds(20)
        while (try? HTTPConnection(socket).get("/readyz"))?.status != 200 {
            guard process.isRunning, ContinuousClock.now < end else {
                throw Failure(description: "the server was not ready: \(log)")
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        if !keepsDirectory { try? FileManager.default.removeItem(atPath: directory) }
    }

    struct Failure: Error, CustomStringConvertible { var description: String }

    /// Sends SIGTERM and waits; returns the exit code and the time it took.
    func stop() -> (code: Int32, took: Duration) {
        let start = ContinuousClock.now
        process.terminate()
        process.waitUntilExit()
        let code = process.terminationReason == .exit ? process.terminationStatus : -1
        return (code, ContinuousClock.now - start)
    }

    /// Makes a collection of 3-dimensional vectors with some records, `c0` to `c{count - 1}`.
    func fill(count: Int, payload: String = "") throws {
        let connection = try HTTPConnection(socket)
        let made = try connection.send(
            "PUT",
            "/v1/collections/lectures",
            #"{"dimension":3,"partition_by":"creator_id","attributes":{"video_id":{"type":"string"}}}"#
        )
        try #require(made.status == 201, "\(made.text)")
        for first in stride(from: 0, to: count, by: 500) {
            let records = (first..<min(count, first + 500)).map { number in
                let angle = Double(number) / Double(count)
                return #"{"id":"c\#(number)","vector":[\#(cos(angle)),\#(sin(angle)),0.1],"#
                    + #""partition":"ada","attributes":{"video_id":"v\#(number % 10)"}"#
                    + (payload.isEmpty ? "}" : #","payload":{"text":"\#(payload)"}}"#)
            }
            let body = #"{"records":[\#(records.joined(separator: ","))]}"#
            let answer = try connection.send("POST", "/v1/collections/lectures/records", body)
            try #require(answer.status == 200, "\(answer.text)")
        }
    }
}
