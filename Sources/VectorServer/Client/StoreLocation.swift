import ArgumentParser
import Glibc
import VectorService
import VectorStore

/// Where a store is: the options that every administrative command shares.
struct StoreLocation: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The store's directory. Default: $VECTORSTORE_DATA.",
            valueName: "directory"
        )
    )
    var data: String?

    @Option(
        help: ArgumentHelp(
            "The server's socket. Default: vector.sock in the store's directory.",
            valueName: "path"
        )
    )
    var socket: String?

    /// What the options say of the settings.
    var flags: [String: String?] { ["data": data, "socket": socket] }

    /// The location that settings name, where the options do not.
    func resolved(_ settings: Settings) -> StoreLocation {
        var location = self
        location.data = data ?? settings.text("data")
        location.socket = socket ?? settings.text("socket")
        return location
    }

    /// The directory, from the option or the environment.
    func directory() throws -> String {
        if let data, !data.isEmpty { return data }
        for name in ["VECTORSTORE_DATA", "VS_DATA"] {
            if let data = Terminal.environment(name), !data.isEmpty { return data }
        }
        throw ValidationError("Give the store's directory with --data or in $VECTORSTORE_DATA.")
    }

    /// The socket, whether or not anything is there.
    func socketPath() throws -> UnixSocketPath {
        do {
            return try UnixSocketPath(
                try socket ?? Terminal.environment("VS_SOCKET") ?? (directory() + "/vector.sock")
            )
        } catch let refusal as UnixSocketPath.Refusal {
            throw CommandFailure(message: refusal.description)
        }
    }

    /// Whether a server answers for this store.
    ///
    /// A default path too long for a socket has none.
    func hasServer() throws -> Bool {
        if socket == nil, try directory().utf8.count + 12 > UnixSocketPath.maximumByteCount {
            return false
        }
        return try socketPath().isAnswering
    }

    /// The server when one answers, else the directory.
    func client(createIfMissing: Bool = false) async throws -> any StoreClient {
        if try hasServer() { return SocketStoreClient(socket: try socketPath()) }
        if data == nil, let socket, Terminal.environment("VECTORSTORE_DATA") == nil {
            throw CommandFailure.notReady("no server answers on \(socket)")
        }
        let directory = try directory()
        if !createIfMissing, access(directory, F_OK) != 0 {
            throw CommandFailure.notReady("there is no store at \(directory)")
        }
        return try await LocalStoreClient(path: directory, createIfMissing: createIfMissing)
    }

    /// Runs `body` with a client and lets go of the store whatever happens.
    func withClient<Value>(
        createIfMissing: Bool = false,
        _ body: (any StoreClient) async throws -> Value
    ) async throws -> Value {
        let client = try await client(createIfMissing: createIfMissing)
        let value: Value
        do {
            value = try await body(client)
        } catch {
            try? await client.close()
            throw error
        }
        try await client.close()
        return value
    }
}

/// How results are written.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Write the result as JSON.")
    var json = false
}

/// The name of a collection, checked before it becomes part of a path.
struct CollectionName: ExpressibleByArgument {
    let text: String

    init?(argument: String) {
        let isPlain = argument.utf8.allSatisfy(ConfigurationCheck.isNameByte)
        guard !argument.isEmpty, isPlain else { return nil }
        text = argument
    }

    /// The path of the collection, or of something in it.
    func path(_ action: String = "") -> String {
        "/v1/collections/\(text)" + (action.isEmpty ? "" : "/\(action)")
    }
}
