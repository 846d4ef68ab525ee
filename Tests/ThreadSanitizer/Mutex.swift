// Takes the place of the standard library's Mutex where scripts/tsan.sh builds a module.
//
// The standard library's lock is a futex in a library of its own, which the thread sanitizer does not see:
// with it every contended lock is reported as a race. It does see pthread_mutex(3).

import Glibc

/// A lock around a value.
package struct Mutex<Value: ~Copyable>: ~Copyable {
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    package init(_ initialValue: consuming sending Value) {
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        value = .allocate(capacity: 1)
        value.initialize(to: initialValue)
    }

    deinit {
        value.deinitialize(count: 1)
        value.deallocate()
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    package borrowing func withLock<Result: ~Copyable, E: Error>(
        _ body: (inout sending Value) throws(E) -> sending Result
    ) throws(E) -> sending Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(&value.pointee)
    }
}

// `value` is touched under `lock` alone.
extension Mutex: @unchecked Sendable where Value: ~Copyable {}
