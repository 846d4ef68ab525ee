import Foundation

/// One of the package's programs, started by a test and ended by its process id alone.
final class Program {
    private let process = Process()
    private let output: URL
    private let errors: URL

    /// The directory that the test's own binary was built into.
    private static let directory: URL = {
        let beside = Bundle.main.bundleURL.deletingLastPathComponent()
        let isThere = FileManager.default.isExecutableFile(
            atPath: beside.appendingPathComponent("vector-bench").path
        )
        return isThere
            ? beside : URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    }()

    /// The repository's files.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Starts `name` in the repository's directory.
    init(_ name: String, _ arguments: [String], in scratch: Scratch) throws {
        let stem = scratch.path + "/" + UUID().uuidString
        output = URL(fileURLWithPath: stem + ".out")
        errors = URL(fileURLWithPath: stem + ".err")
        for file in [output, errors] { try Data().write(to: file) }
        process.executableURL = Self.directory.appendingPathComponent(name)
        process.arguments = arguments
        process.currentDirectoryURL = Self.root
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
    }

    deinit { if process.isRunning { end(SIGKILL) } }

    var standardOutput: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }
    var standardError: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }
    var isRunning: Bool { process.isRunning }

    /// Sends a signal and waits for the end.
    func end(_ signal: Int32) {
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
    }

    /// The exit code; nil, and the program killed, when it takes longer than `seconds`.
    func wait(seconds: Double) -> Int32? {
        let deadline = Date.now.addingTimeInterval(seconds)
        while process.isRunning, Date.now < deadline { usleep(20_000) }
        guard !process.isRunning else {
            end(SIGKILL)
            return nil
        }
        return process.terminationStatus
    }

    /// Runs `name` to its end; an unexpected code fails with what it wrote.
    @discardableResult
    static func run(
        _ name: String,
        _ arguments: [String],
        in scratch: Scratch,
        expecting code: Int32 = 0,
        seconds: Double = 60
    ) throws -> String {
        let program = try Program(name, arguments, in: scratch)
        let found = program.wait(seconds: seconds)
        guard found == code else {
            throw ProgramError(
                description: "\(name) \(arguments.joined(separator: " ")) ended with "
                    + "\(found.map(String.init) ?? "no end"), expected \(code)\n"
                    + program.standardOutput + program.standardError
            )
        }
        return program.standardOutput
    }
}

/// A program that did not end as it should.
struct ProgramError: Error, CustomStringConvertible {
    var description: String
}

/// A short directory below /tmp, removed with its owner; a socket's path has at most 107 bytes.
final class Scratch {
    let path: String

    init() throws {
        path = "/tmp/vb-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
