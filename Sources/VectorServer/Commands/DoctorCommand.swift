import ArgumentParser
import Glibc
import PostgresPool
import VectorService
import VectorStore

/// Looks whether everything is as a server needs it.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look whether settings, store, socket, system and Postgres are in order.",
        discussion: """
            Changes nothing. Exit code 1 when something would keep a server from working, 0 with
            warnings or without.

            Example:
              vector-server doctor --config /etc/vector-server.yaml
            """
    )

    @OptionGroup var location: StoreLocation
    @OptionGroup var options: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let findings = try await findings()
        if output.json {
            Terminal.result(
                json: JSONWriter.text { writer in
                    writer.key("findings")
                    writer.array { writer in
                        for finding in findings {
                            writer.object { writer in
                                writer.member("subject", finding.subject)
                                writer.member("verdict", finding.verdict.rawValue)
                                writer.member("detail", finding.detail)
                            }
                        }
                    }
                }
            )
        } else {
            for finding in findings {
                let mark =
                    switch finding.verdict {
                    case .ok: "ok   "
                    case .warning: "WARN "
                    case .failure: "FAIL "
                    }
                Terminal.result("\(mark) \(finding.subject): \(finding.detail)")
            }
        }
        if findings.contains(where: { $0.verdict == .failure }) { throw ExitCode(1) }
    }

    private func findings() async throws -> [Finding] {
        var findings: [Finding] = []
        let settings: Settings
        let service: ServiceOptions
        do {
            settings = try options.settings(location.flags)
            service = try ServiceOptions(settings)
        } catch let failure as CommandFailure {
            return [Finding("settings", .failure, failure.message)]
        }
        let file = settings.file.map { "from \($0.path)" } ?? "no file"
        findings.append(Finding("settings", .ok, "\(settings.values.count) settings, \(file)"))
        for name in settings.unknownVariables {
            findings.append(Finding("settings", .warning, "\(name) is no setting"))
        }
        findings += system(service)
        do {
            let location = location.resolved(settings)
            findings += try store(location)
        } catch let error as ValidationError {
            findings.append(Finding("store", .failure, error.message))
        }
        if let postgres = service.postgres {
            var configuration = postgres
            configuration.minimumIdleCount = 0
            let pool = PostgresPool(configuration)
            findings += await PostgresExamination(pool: pool, tables: service.tables).findings()
            await pool.close()
        } else {
            findings.append(Finding("postgres", .ok, "none is configured"))
        }
        return findings
    }

    private func system(_ service: ServiceOptions) -> [Finding] {
        var findings = [
            Finding("processor", .ok, "\(VectorDatabase.kernelTier) kernels")
        ]
        let limit = DescriptorLimit.raise() ?? 0
        let needed = UInt64(service.limits.connectionCount) + 256
        findings.append(
            limit >= needed
                ? Finding("descriptors", .ok, "\(limit) allowed")
                : Finding(
                    "descriptors",
                    .warning,
                    "\(limit) allowed, \(needed) needed for limits.connections; raise "
                        + "LimitNOFILE or lower it"
                )
        )
        return findings
    }

    private func store(_ location: StoreLocation) throws -> [Finding] {
        let directory = try location.directory()
        var findings: [Finding] = []
        var information = stat()
        if stat(directory, &information) != 0 {
            findings.append(
                Finding("store", .warning, "\(directory) does not exist; serve would create it")
            )
        } else if information.st_mode & 0o077 != 0 {
            findings.append(
                Finding(
                    "store",
                    .warning,
                    "others may enter \(directory); chmod 0700 keeps its data private"
                )
            )
        } else {
            findings.append(Finding("store", .ok, directory))
        }
        var volume = statvfs()
        if statvfs(directory, &volume) == 0 {
            let free = Double(volume.f_bavail) * Double(volume.f_frsize)
            let text = "\(Terminal.bytes(free)) free"
            findings.append(
                free < Double(1 << 30)
                    ? Finding("disk", .warning, text + "; writes are refused when it is full")
                    : Finding("disk", .ok, text)
            )
        }
        let socket = try location.socketPath()
        switch socket.occupant() {
        case .server: findings.append(Finding("socket", .ok, "a server answers on \(socket.path)"))
        case .nothing, .staleSocket:
            findings.append(Finding("socket", .ok, "no server runs on \(socket.path)"))
        case .other:
            findings.append(
                Finding(
                    "socket",
                    .failure,
                    "\(socket.path) is no socket; remove it, or use --socket"
                )
            )
        }
        return findings
    }
}
