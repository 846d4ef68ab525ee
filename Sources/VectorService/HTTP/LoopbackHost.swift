/// Names of this machine that only this machine uses.
///
/// A page whose own name was made to resolve to 127.0.0.1 (DNS rebinding) sends that name as `Host`.
enum LoopbackHost {
    /// Whether a `Host` header, with or without a port, names this machine; a missing one does.
    static func isNamed(by authority: String?) -> Bool {
        guard let authority else { return true }
        var host = Substring(authority.lowercased())
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return false }
            return host[host.index(after: host.startIndex)..<end] == "::1"
        }
        if let colon = host.lastIndex(of: ":") { host = host[..<colon] }
        if host == "localhost" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
