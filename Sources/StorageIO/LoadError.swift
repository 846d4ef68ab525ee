/// Why a file could not be read as what it should be.
package enum LoadError: Error, Sendable {
    case io(StorageIOError)
    case corruption(CorruptionError)
}

/// Runs `body` and gives its errors of the operating system the common form.
package func loading<R>(_ body: () throws(StorageIOError) -> R) throws(LoadError) -> R {
    do throws(StorageIOError) {
        return try body()
    } catch {
        throw .io(error)
    }
}

/// Runs `body` and gives its corruption errors the common form.
package func believing<R>(_ body: () throws(CorruptionError) -> R) throws(LoadError) -> R {
    do throws(CorruptionError) {
        return try body()
    } catch {
        throw .corruption(error)
    }
}
