import ArgumentParser
import Foundation
import VectorStore

/// The machine and the build that a figure belongs to.
enum Machine {
    static var line: String {
        "\(cpu), \(coreCount) cores, kernels "
            + "\(VectorDatabase.kernelTier), commit \(commit), "
            + Date.now.formatted(.iso8601.year().month().day())
    }

    static var coreCount: Int { ProcessInfo.processInfo.activeProcessorCount }

    static var cpu: String {
        guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else {
            return "unknown processor"
        }
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map {
            $0.trimmingCharacters(in: .whitespaces)
        } ?? "unknown processor"
    }

    /// The commit of the working directory, if it is a checkout.
    static var commit: String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["git", "rev-parse", "--short", "HEAD"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return "unknown" }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(
            in: .whitespacesAndNewlines
        )
        return text.isEmpty ? "unknown" : text
    }

    /// The largest resident set of this process so far, in bytes.
    static var peakResidentByteCount: Int { status("VmHWM:") }

    private static func status(_ key: String) -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) })
        else { return 0 }
        return
            (line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
            ?? 0) * 1_024
    }
}

/// `vector-bench machine`: what every result says of the machine.
struct MachineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "machine",
        abstract: "Print the machine and the build that results name."
    )

    func run() { print(Machine.line) }
}
