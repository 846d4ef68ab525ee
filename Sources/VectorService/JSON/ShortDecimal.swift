/// The shortest decimal that reads back as the same float32, for numbers between a thousandth and one, as
/// similarities and distances are.
///
/// `Float.description` finds the same for every number, through a string and with five times the work.
struct ShortDecimal {
    /// The digits behind the point, as one number.
    let digits: UInt64
    /// How many there are.
    let places: Int
    let isNegative: Bool

    /// Finds it; nil for other numbers, and where it takes more care to be sure.
    init?(_ number: Float) {
        let magnitude = number.magnitude
        guard magnitude >= 0.001, magnitude < 1 else { return nil }
        let exact = Double(magnitude)
        // Decimals nearer than this read back as the number. None is about so far away: the middle between two
        // floats is at least 2.6e-7 of their distance away from any decimal of up to nine places.
        let reach = Double(magnitude.ulp) * 0.4999999
        var (unit, places) = (1e6, 6)
        while true {
            // Exact: 24 bits by at most 24 odd ones.
            let scaled = exact * unit
            let nearest = scaled.rounded()
            let gap = (scaled - nearest).magnitude
            guard gap != 0.5 else { return nil }
            if gap < reach * unit {
                var digits = UInt64(nearest)
                // Of decimals with six places at most one is near enough, so zeros at its end are none.
                while places > 1, digits % 10 == 0 {
                    digits /= 10
                    places -= 1
                }
                self.digits = digits
                break
            }
            guard places < 10 else { return nil }
            unit *= 10
            places += 1
        }
        self.places = places
        isNegative = number < 0
    }
}
