package import StorageIO

extension LiveSet {
    /// Throws when a page of a segment could not be read since the store was opened.
    package func checkReadable() throws(CorruptionError) {
        for view in segments { try view.segment.checkReadable() }
    }

    /// Runs `body`, which reads rows, and lets its result out only when every page of it was read.
    ///
    /// What `body` throws may be the consequence of zeros in the place of a page; then the failed
    /// read is thrown instead.
    package func reading<R>(
        _ body: () throws(CorruptionError) -> R
    ) throws(CorruptionError) -> R {
        let result: R
        do throws(CorruptionError) {
            result = try body()
        } catch {
            try checkReadable()
            throw error
        }
        try checkReadable()
        return result
    }
}
