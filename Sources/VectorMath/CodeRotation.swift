import CVectorKernels

/// A random rotation that a seed determines: FHT-Kac, four rounds of signs and Hadamard transforms.
package struct CodeRotation: Sendable {
    package let dimension: Int
    /// Coordinates of a rotated vector: the dimension rounded up to a multiple of 64.
    package let width: Int
    private let signs: [UInt8]

    package init(seed: UInt64, dimension: Int) {
        self.dimension = dimension
        width = vk_code_width(dimension)
        var random = SeededRandom(seed: seed)
        signs = (0..<width / 2).map { _ in UInt8(truncatingIfNeeded: random.next() >> 32) }
    }

    func withSigns<R>(_ body: (UnsafePointer<UInt8>?) -> R) -> R {
        signs.withUnsafeBufferPointer { body($0.baseAddress) }
    }

    /// Rotates `[dimension]` floats into `[width]`; lengths and inner products stay.
    package func rotate(
        _ vector: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<Float>,
        tier: Kernels.Tier = Kernels.tier
    ) {
        signs.withUnsafeBufferPointer { signs in
            vk_code_rotate_tier(tier.raw, vector, dimension, signs.baseAddress, width, target)
        }
    }
}
