import Glibc
import StorageIO

/// A way in which the system refuses, or half does, a call.
package enum Fault: String, Sendable, CaseIterable {
    case inputOutput
    case noSpace
    case quota
    case interrupted
    case tooManyFiles
    case shortWrite
    case shortRead
    case noMemory

    /// The errno of a refusal; nil when the call is done in part.
    package var errno: Int32? {
        switch self {
        case .inputOutput: EIO
        case .noSpace: ENOSPC
        case .quota: EDQUOT
        case .interrupted: EINTR
        case .tooManyFiles: EMFILE
        case .noMemory: ENOMEM
        case .shortWrite, .shortRead: nil
        }
    }

    /// Whether the call can fail so.
    ///
    /// `creates` is set for a call that makes a new name or makes names durable.
    func applies(to operation: StorageIOError.Operation, creates: Bool) -> Bool {
        switch self {
        case .inputOutput: operation != .lock
        case .noSpace, .quota:
            creates || [.write, .reserve, .synchronize].contains(operation)
        case .interrupted: [.open, .read, .write, .synchronize, .truncate].contains(operation)
        case .tooManyFiles:
            [.open, .list, .lock].contains(operation) || operation == .synchronize && creates
        case .shortWrite: operation == .write
        case .shortRead: operation == .read
        case .noMemory: operation == .map
        }
    }
}

/// Which call fails, and for how long.
package struct FaultPlan: Sendable {
    package var fault: Fault
    /// The first call to fail, counted from 1 over the calls that can fail so.
    package var number: Int
    /// Whether every later such call fails too.
    package var isSticky: Bool

    package init(_ fault: Fault, number: Int, isSticky: Bool) {
        self.fault = fault
        self.number = number
        self.isSticky = isSticky
    }
}

extension FaultPlan: CustomStringConvertible {
    package var description: String {
        "\(fault) at call \(number)\(isSticky ? " and ever after" : "")"
    }
}
