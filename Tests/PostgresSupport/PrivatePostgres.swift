import Foundation

/// A Postgres of the tests' own, on a Unix socket in a temporary directory.
///
/// A shell script runs it and reads commands from a pipe: when the tests end, however they end, the pipe
/// closes, the script stops the server and removes the directory.
package final class PrivatePostgres: Sendable {
    package let directory: String
    /// The port on 127.0.0.1, with TLS and SCRAM, when asked for.
    package let port: Int?
    // Started once, then only asked whether it runs; the pipe is written under `lock`.
    private let process = Process()
    private let commands = Pipe()
    private let lock = NSLock()

    /// The directory of `initdb` and `postgres`; nil when none is installed.
    package static let binaries: String? = {
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

    package static let missing =
        "no Postgres found: install the package postgresql or set VS_POSTGRES_BIN"

    package var url: String {
        "postgresql:///postgres?host=\(directory)&user=tester" + (port.map { "&port=\($0)" } ?? "")
    }

    /// Through TLS, with the password.
    package var secureURL: String {
        "postgresql://secured:s3cret@127.0.0.1:\(port ?? 0)/postgres?sslmode=require"
    }

    /// What the server logged so far.
    package var log: String {
        (try? String(contentsOfFile: directory + "/server.log", encoding: .utf8)) ?? ""
    }

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - settings: What `postgres -c` takes, as in `log_statement=all`.
    ///   - isSecure: Whether it listens on 127.0.0.1 too, with TLS and passwords by SCRAM.
    package init(settings: [String] = [], isSecure: Bool = false) throws {
        guard let binaries = Self.binaries else { throw Failure(Self.missing) }
        directory = "/tmp/vs-pg-" + UUID().uuidString.prefix(8).lowercased()
        port = isSecure ? Int.random(in: 20_000..<30_000) : nil
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments =
            ["-c", Self.script, "bash", binaries, directory, port.map(String.init) ?? ""]
            + settings.flatMap { ["-c", $0] }
        process.standardInput = commands
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        try start()
    }

    deinit {
        end()
    }

    /// Runs a statement with psql and returns what it prints, bare.
    @discardableResult
    package func execute(_ sql: String) throws -> String {
        let psql = Process()
        psql.executableURL = URL(fileURLWithPath: (Self.binaries ?? "") + "/psql")
        psql.arguments = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]
        let (output, errors) = (Pipe(), Pipe())
        psql.standardOutput = output
        psql.standardError = errors
        try psql.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let problem = errors.fileHandleForReading.readDataToEndOfFile()
        psql.waitUntilExit()
        guard psql.terminationStatus == 0 else {
            throw Failure(String(decoding: problem, as: UTF8.self))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Stops the server and removes its directory.
    package func end() {
        try? commands.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Stops the server as a crash would, and returns when it is gone.
    package func stop() throws { try send("stop", done: "stopped") }

    /// Kills the first process with SIGKILL; the others notice and end.
    package func kill() throws { try send("kill", done: "killed") }

    /// Stops all its processes where they stand (SIGSTOP).
    package func freeze() throws { try send("freeze", done: "frozen") }

    /// Lets them go on (SIGCONT).
    package func thaw() throws { try send("thaw", done: "thawed") }

    /// Starts the server, and returns when it accepts connections.
    package func start() throws { try send("start", done: "started") }

    package struct Failure: Error, CustomStringConvertible {
        package var description: String
        init(_ description: String) { self.description = description }
    }

    private func send(_ command: String, done: String) throws {
        lock.lock()
        defer { lock.unlock() }
        let mark = directory + "/" + done
        try? FileManager.default.removeItem(atPath: mark)
        try commands.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            if FileManager.default.fileExists(atPath: mark) { return }
            guard process.isRunning else { throw Failure("Postgres did not \(command): \(log)") }
            Thread.sleep(forTimeInterval: 0.01)
        }
        throw Failure("Postgres did not \(command) within a minute: \(log)")
    }

    private static let script = """
        bin="$1" dir="$2" port="$3"
        shift 3
        as_user=()
        mkdir -m 700 "$dir"
        if [ "$(id -u)" = 0 ]; then
            chown nobody "$dir"
            as_user=(setpriv --reuid="$(id -u nobody)" --clear-groups)
        fi
        cd "$dir"
        all() { echo "$pid" $(cat "/proc/$pid/task/$pid/children" 2>/dev/null); }
        stop() {
            [ -n "$pid" ] || return
            kill -CONT $(all) 2>/dev/null
            kill -QUIT "$pid" && wait "$pid"
            pid=
        }
        trap 'stop; cd /; rm -rf "$dir"' EXIT
        trap 'exit 1' TERM INT
        "${as_user[@]}" "$bin/initdb" -D "$dir/data" -U tester --auth=trust -N -E UTF8 \\
            --locale=C >"$dir/initdb.log" 2>&1 || exit 1
        listen=(-h '')
        if [ -n "$port" ]; then
            "${as_user[@]}" openssl req -new -x509 -days 2 -nodes -subj /CN=localhost \\
                -out "$dir/data/server.crt" -keyout "$dir/data/server.key" >>"$dir/initdb.log" 2>&1
            chmod 600 "$dir/data/server.key"
            printf 'local all all trust\\nhostssl all all 127.0.0.1/32 scram-sha-256\\n' \\
                >"$dir/data/pg_hba.conf"
            listen=(-h 127.0.0.1 -p "$port" -c ssl=on)
        fi
        launch() {
            "${as_user[@]}" "$bin/postgres" -D "$dir/data" -k "$dir" "${listen[@]}" -F \\
                -c max_connections=20 "$@" >>"$dir/server.log" 2>&1 </dev/null &
            pid=$!
            until "$bin/pg_isready" -q -h "$dir" ${port:+-p "$port"}; do
                kill -0 "$pid" 2>/dev/null || return 1
                sleep 0.02
            done
        }
        while read -r command; do
            case "$command" in
            start)
                # After a kill the last processes of the old server may need a moment to end.
                for attempt in 1 2 3 4 5 6 7 8 9 10; do launch "$@" && break; sleep 0.2; done
                kill -0 "$pid" || exit 1
                if [ -n "$port" ]; then
                    "$bin/psql" -q -h "$dir" -p "$port" -U tester postgres -c \\
                        "create role secured login password 's3cret'" >>"$dir/initdb.log" 2>&1
                fi
                touch "$dir/started" ;;
            stop) stop; touch "$dir/stopped" ;;
            kill) kill -KILL "$pid"; wait "$pid"; pid=; touch "$dir/killed" ;;
            freeze) frozen="$(all)"; kill -STOP $frozen; touch "$dir/frozen" ;;
            thaw) kill -CONT $frozen $(all) 2>/dev/null; touch "$dir/thawed" ;;
            esac
        done
        """
}
