import Foundation

/// Another program, run to its end.
enum Command {
    /// It ended with another code than 0.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Whether `program` is in the path.
    static func exists(_ program: String) -> Bool {
        (try? run("sh", ["-c", "command -v \(program)"])) != nil
    }

    /// Runs `program` and returns its standard output.
    ///
    /// Standard error goes to a file, not a pipe, so that a program that writes much to both is
    /// never stuck on a full pipe.
    static func run(
        _ program: String,
        _ arguments: [String],
        in directory: URL? = nil,
        environment: [String: String] = [:]
    ) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.currentDirectoryURL = directory
        // What git sets for a hook would lead the commands to another repository.
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("GIT_") }
            .merging(environment) { $1 }
        let errors = FileManager.default.temporaryDirectory
            .appendingPathComponent("command-\(UUID().uuidString)")
        try Data().write(to: errors)
        defer { try? FileManager.default.removeItem(at: errors) }
        let output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            let command = ([program] + arguments).joined(separator: " ")
            let details = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
            throw Failure(
                description: "\(command) ended with \(process.terminationStatus)\n\(text)\(details)"
            )
        }
        return text
    }
}
