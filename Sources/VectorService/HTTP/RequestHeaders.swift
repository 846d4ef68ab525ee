/// The header fields of a request that the service reads, names in lower case.
package struct RequestHeaders: Sendable, Equatable {
    private var fields: [(name: String, value: String)] = []

    /// No field.
    package init() {}

    /// Takes fields whose names are in lower case.
    init(lowercased fields: [(name: String, value: String)]) {
        self.fields = fields
    }

    /// Takes fields in their order.
    package init(_ fields: [(name: String, value: String)]) {
        self.fields = fields.map { ($0.name.lowercased(), $0.value) }
    }

    /// The values of a field, one for each line of it.
    package func values(_ name: String) -> [String] {
        fields.filter { $0.name == name }.map(\.value)
    }

    /// The value of a field; several lines are joined as RFC 9110, section 5.3 has it.
    package subscript(_ name: String) -> String? {
        var joined: String?
        for field in fields where field.name == name {
            joined = joined.map { $0 + ", " + field.value } ?? field.value
        }
        return joined
    }

    /// Looks at each field, in the order of the head.
    func forEach(_ body: (_ name: String, _ value: String) -> Void) {
        for field in fields { body(field.name, field.value) }
    }

    package static func == (left: RequestHeaders, right: RequestHeaders) -> Bool {
        left.fields.elementsEqual(right.fields) { $0 == $1 }
    }
}
