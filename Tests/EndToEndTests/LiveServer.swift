import Foundation
import Testing

/// `vector-server` as its own process, asked with curl.
final class LiveServer: Sendable {
    /// An answer of the server.
    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: String

        /// A member of a JSON body.
        subscript(_ key: String) -> Any? {
            let value = try? JSONSerialization.jsonObject(with: Data(body.utf8))
            return (value as? [String: Any])?[key]
        }

        /// The rows of a JSON body that is an array.
        var rows: [[String: Any]] {
            let value = try? JSONSerialization.jsonObject(with: Data(body.utf8))
            return value as? [[String: Any]] ?? []
        }
    }

    /// The program, beside the tests.
    static let binary: String = {
        let places = [
            Bundle.main.bundleURL.deletingLastPathComponent(),
            URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent(),
        ]
        let found = places.map { $0.appendingPathComponent("vector-server").path }
        return found.first { FileManager.default.isExecutableFile(atPath: $0) } ?? found[0]
    }()

    let directory: String
    private let process: Process

    var socket: String { directory + "/data/vector.sock" }
    var log: String { (try? String(contentsOfFile: directory + "/log", encoding: .utf8)) ?? "" }

    /// Makes a directory of mode 0700 with a short path.
    static func makeDirectory() throws -> String {
        let directory = "/tmp/vs-live-" + UUID().uuidString.prefix(8).lowercased()
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        return directory
    }

    /// Writes a file that only the owner reads.
    static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    /// Starts a server and waits until it says that it is ready.
    init(configuration: String, in directory: String, arguments: [String] = []) throws {
        self.directory = directory
        try Self.write(configuration, to: directory + "/config.yaml")
        FileManager.default.createFile(atPath: directory + "/log", contents: nil)
        process = Process()
        process.executableURL = URL(fileURLWithPath: Self.binary)
        process.arguments =
            ["serve", "--data", directory + "/data", "--config", directory + "/config.yaml"]
            + arguments
        process.environment = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("VS_") && $0.key != "VECTORSTORE_DATA"
        }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle(forWritingAtPath: directory + "/log")
        try process.run()
        let end = ContinuousClock.now + .seconds(20)
        while !log.contains(" ready") {
            guard process.isRunning, ContinuousClock.now < end else {
                throw Command.Failure(description: "the server was not ready: \(log)")
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// Ends the server; returns its exit code.
    @discardableResult
    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }

    deinit {
        if process.isRunning { stop() }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Asks the server through its socket, or at an address.
    func ask(
        _ method: String,
        _ path: String,
        _ body: String? = nil,
        bytes: Data? = nil,
        headers: [String] = [],
        at address: String? = nil
    ) throws -> Answer {
        let file = directory + "/body-" + UUID().uuidString
        let head = file + ".head"
        defer {
            try? FileManager.default.removeItem(atPath: file)
            try? FileManager.default.removeItem(atPath: head)
        }
        var arguments = ["--silent", "--show-error", "--max-time", "30", "--dump-header", head]
        arguments += method == "HEAD" ? ["--head"] : ["--request", method]
        if address == nil { arguments += ["--unix-socket", socket] }
        if let data = bytes ?? body.map({ Data($0.utf8) }) {
            try data.write(to: URL(fileURLWithPath: file))
            arguments += ["--data-binary", "@" + file]
            let type = bytes == nil ? "application/json" : "application/octet-stream"
            arguments += ["--header", "content-type: \(type)"]
        }
        for header in headers { arguments += ["--header", header] }
        arguments.append("http://" + (address ?? "localhost") + path)
        let output = try Command.run("curl", arguments)
        let lines = try String(contentsOfFile: head, encoding: .utf8).split(separator: "\r\n")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].lowercased()] =
                line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return Answer(status: status, headers: fields, body: method == "HEAD" ? "" : output)
    }

    /// Runs the program to its end.
    static func run(
        _ arguments: [String],
        input: String = ""
    ) throws -> (code: Int32, output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = arguments
        let (standardInput, output, errors) = (Pipe(), Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(),
            as: UTF8.self
        )
        let problems = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(),
            as: UTF8.self
        )
        process.waitUntilExit()
        return (process.terminationStatus, text, problems)
    }
}
