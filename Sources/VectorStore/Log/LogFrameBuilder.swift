import StorageIO

/// Collects changes into the payload of one frame.
package struct LogFrameBuilder {
    private var writer = ByteWriter()
    /// Changes so far.
    package private(set) var operationCount = 0

    package init() {}

    package var payload: [UInt8] { writer.bytes }

    /// Adds a change; false, with nothing added, when a frame cannot hold it too.
    package mutating func add(_ operation: LogOperation) -> Bool {
        let before = writer.count
        operation.encode(into: &writer)
        guard writer.count <= LogFrameLayout.maximumPayloadByteCount else {
            writer.bytes.removeLast(writer.count - before)
            return false
        }
        operationCount += 1
        return true
    }
}
