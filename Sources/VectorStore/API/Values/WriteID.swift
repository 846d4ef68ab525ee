/// Names one write, so that it can be sent again without being done again.
///
/// A caller that does not learn what became of a write, because the connection broke or the store stopped
/// with `outcomeUnknown`, sends the same write with the same id. It is done if it was not, and otherwise
/// answered with the receipt of the first time; what the second one holds is not looked at. An id counts
/// within one collection. A store remembers the last `WriteID.rememberedCount` writes that had an id, also
/// when it is opened anew.
public struct WriteID: Hashable, Sendable, CustomStringConvertible {
    /// The id's 16 bytes.
    public var uuid: RecordUUID

    /// So many ids are remembered; the oldest are forgotten first.
    public static let rememberedCount = 65_536

    /// Makes an id of a UUID.
    public init(_ uuid: RecordUUID) { self.uuid = uuid }

    /// A new id.
    public static func random() -> WriteID {
        var random = SystemRandomNumberGenerator()
        return WriteID(RecordUUID(high: random.next(), low: random.next()))
    }

    /// The 36-character form of the UUID.
    public var description: String { uuid.description }
}
