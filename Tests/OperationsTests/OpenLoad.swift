import Dispatch
import Foundation

/// Many keep-alive connections driven by one thread, so that the measuring itself takes little.
///
/// A closed load asks again as soon as it is answered; an open one asks at a rate, on whichever
/// connection is free, and counts from the moment it meant to.
final class OpenLoad {
    struct Outcome {
        /// Milliseconds by status.
        var milliseconds: [Int: [Double]] = [:]
        /// Connections that the server closed.
        var closed = 0
        /// Requests that had no answer some seconds after the end.
        var unanswered = 0
        /// Requests that found no connection free; they were not sent.
        var withheld = 0
        var seconds = 0.0

        var answered: Int { milliseconds.values.reduce(0) { $0 + $1.count } }

        /// A percentile of one status, or of all.
        func percentile(_ share: Double, status: Int? = nil) -> Double {
            let values =
                (status.map { milliseconds[$0] ?? [] } ?? milliseconds.values.flatMap { $0 })
                .sorted()
            return values.isEmpty
                ? 0 : values[min(values.count - 1, Int(share * Double(values.count)))]
        }
    }

    struct Failure: Error, CustomStringConvertible { var description: String }

    private struct Client {
        var descriptor: Int32
        var start: Double?
        var received: [UInt8] = []
    }

    private let requests: [[UInt8]]
    private var clients: [Client] = []
    private var free: [Int] = []
    private var number = 0

    /// Opens the connections.
    init(_ path: String, connections: Int, requests: [[UInt8]]) throws {
        self.requests = requests
        for index in 0..<connections {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            clients.append(Client(descriptor: descriptor))
            guard result == 0 else { throw Failure(description: "connect: \(errno)") }
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            free.append(index)
        }
    }

    deinit {
        for client in clients where client.descriptor >= 0 { close(client.descriptor) }
    }

    private static var now: Double {
        Double(DispatchTime.now().uptimeNanoseconds) * 1e-9
    }

    /// Asks for some seconds.
    ///
    /// - Parameter rate: Requests a second; nil asks again at once.
    func run(rate: Double?, seconds: Double) -> Outcome {
        var outcome = Outcome()
        let start = Self.now
        let end = start + seconds
        var next = start
        var waiting = clients.map {
            pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0)
        }
        if rate == nil { while let client = free.popLast() { send(client, at: Self.now) } }
        while true {
            var now = Self.now
            if let rate {
                while next <= now, next < end {
                    if let client = free.popLast() {
                        send(client, at: next)
                    } else {
                        outcome.withheld += 1
                    }
                    next += 1 / rate
                }
            }
            let isBusy = clients.contains { $0.descriptor >= 0 && $0.start != nil }
            if now >= end, !isBusy || now >= end + 5 { break }
            let wait: Int32 = rate == nil || now >= end ? 100 : next - now > 0.001 ? 1 : 0
            // A descriptor below zero is passed over.
            for client in clients.indices {
                let isWaiting = clients[client].start != nil
                waiting[client].fd = isWaiting ? clients[client].descriptor : -1
                waiting[client].revents = 0
            }
            guard poll(&waiting, nfds_t(waiting.count), wait) > 0 else { continue }
            now = Self.now
            for client in clients.indices where waiting[client].revents != 0 {
                guard let status = receive(client) else { continue }
                if status == 0 {
                    outcome.closed += 1
                    continue
                }
                let began = clients[client].start ?? now
                outcome.milliseconds[status, default: []].append((now - began) * 1_000)
                clients[client].start = nil
                if rate == nil, now < end {
                    send(client, at: now)
                } else {
                    free.append(client)
                }
            }
        }
        outcome.seconds = min(seconds, Self.now - start)
        for index in clients.indices where clients[index].start != nil {
            if clients[index].descriptor >= 0 { outcome.unanswered += 1 }
        }
        return outcome
    }

    private func send(_ client: Int, at moment: Double) {
        let request = requests[number % requests.count]
        number += 1
        clients[client].start = moment
        // Requests are small enough for an empty socket to take them whole.
        let sent = request.withUnsafeBytes {
            Glibc.send(clients[client].descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if sent != request.count { drop(client) }
    }

    private func drop(_ client: Int) {
        close(clients[client].descriptor)
        clients[client].descriptor = -1
    }

    /// The status of a complete answer, 0 when the connection is over, nil when there is more to come.
    private func receive(_ client: Int) -> Int? {
        guard clients[client].descriptor >= 0 else { return nil }
        var chunk = [UInt8](repeating: 0, count: 16_384)
        let count = recv(clients[client].descriptor, &chunk, chunk.count, 0)
        if count < 0, errno == EAGAIN { return nil }
        guard count > 0 else {
            drop(client)
            return 0
        }
        clients[client].received += chunk[..<count]
        let received = clients[client].received
        guard let end = received.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: received[..<end.lowerBound], as: UTF8.self).lowercased()
        let length = head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }
        guard let length, received.count >= end.upperBound + length else { return nil }
        clients[client].received = Array(received[(end.upperBound + length)...])
        return Int(head.split(separator: " ")[1]) ?? 0
    }
}
