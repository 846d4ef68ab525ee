/// Sixteen random bytes from the system, which name a store (see getrandom(2)).
package enum StoreIdentity {
    package static func random() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    package static func randomSalt() -> UInt32 {
        UInt32.random(in: 1...UInt32.max)
    }
}
