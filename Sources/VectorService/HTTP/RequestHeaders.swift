/// The header fields of a request that the service reads, names in lower case.
package struct RequestHeaders: Sendable, Equatable {
    private var fields: [(name: String, value: String)] = []

    /// No field.
    package init() {}

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
        let values = values(name)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    package static func == (left: RequestHeaders, right: RequestHeaders) -> Bool {
        left.fields.elementsEqual(right.fields) { $0 == $1 }
    }
}
