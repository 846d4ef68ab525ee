import Foundation

/// A Postgres of the tests' own, on a Unix socket in a temporary directory.
///
/// A shell script runs it and reads commands from a pipe: when the tests end, however they end, the pipe
/// closes, the script stops the server and removes the directory.
final class PrivatePostgres {
    let directory: String
    private let process = Process()
    private let commands = Pipe()

    /// The directory of `initdb` and `postgres`; nil when none is installed.
    static let binaries: String? = {
        var places: [String] = []
        if let given = ProcessInfo.processInfo.environment["VS_POSTGRES_BIN"] { places = [given] }
        let packaged = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: packaged)) ?? []
        places += versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
            .map { "\(packaged)/\($0)/bin" }
        places += (ProcessInfo.processInfo.environment["PATH"] ?? "")
            .split(separator: ":").map(String.init)
        return places.first { FileManager.default.isExecutableFile(atPath: $0 + "/initdb") }
    }()

    static let missing = "no Postgres found: install the package postgresql or set VS_POSTGRES_BIN"

    var url: String { "postgresql:///postgres?host=\(directory)&user=tester" }

    init() throws {
        guard let binaries = Self.binaries else { throw Failure(Self.missing) }
        directory = "/tmp/vs-pg-" + UUID().uuidString.prefix(8).lowercased()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", Self.script, "bash", binaries, directory]
        process.standardInput = commands
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        try send("start", done: "started")
    }

    /// Stops the server and removes its directory.
    func end() {
        try? commands.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Stops the server as a crash would, and returns when it is gone.
    func stop() throws { try send("stop", done: "stopped") }

    func start() throws { try send("start", done: "started") }

    struct Failure: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    private func send(_ command: String, done: String) throws {
        let mark = directory + "/" + done
        try? FileManager.default.removeItem(atPath: mark)
        try commands.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            if FileManager.default.fileExists(atPath: mark) { return }
            guard process.isRunning else { throw Failure("Postgres did not \(command)") }
            Thread.sleep(forTimeInterval: 0.02)
        }
        throw Failure("Postgres did not \(command) within a minute")
    }

    private static let script = """
        bin="$1" dir="$2"
        as_user=()
        mkdir -m 700 "$dir"
        if [ "$(id -u)" = 0 ]; then
            chown nobody "$dir"
            as_user=(setpriv --reuid="$(id -u nobody)" --clear-groups)
        fi
        cd "$dir"
        stop() { [ -n "$pid" ] && kill -QUIT "$pid" && wait "$pid"; pid=; }
        trap 'stop; cd /; rm -rf "$dir"' EXIT
        trap 'exit 1' TERM INT
        "${as_user[@]}" "$bin/initdb" -D "$dir/data" -U tester --auth=trust -N -E UTF8 \\
            --locale=C >"$dir/initdb.log" 2>&1 || exit 1
        while read -r command; do
            case "$command" in
            start)
                "${as_user[@]}" "$bin/postgres" -D "$dir/data" -k "$dir" -h '' -F \\
                    -c max_connections=20 >>"$dir/server.log" 2>&1 </dev/null &
                pid=$!
                until "$bin/pg_isready" -q -h "$dir"; do
                    kill -0 "$pid" || exit 1
                    sleep 0.05
                done
                touch "$dir/started" ;;
            stop) stop; touch "$dir/stopped" ;;
            esac
        done
        """
}
