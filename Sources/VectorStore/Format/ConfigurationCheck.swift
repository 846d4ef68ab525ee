/// Checks the description of a collection before it is created.
package enum ConfigurationCheck {
    static func check(_ configuration: CollectionConfiguration) throws(VectorStoreError) {
        try check(name: configuration.name)
        guard (1...CollectionConfiguration.maximumDimension).contains(configuration.dimension)
        else {
            throw VectorStoreError(
                .invalidConfiguration,
                "dimension \(configuration.dimension) is not between 1 and "
                    + "\(CollectionConfiguration.maximumDimension)",
                field: "dimension"
            )
        }
        if let key = configuration.partitionKey { try check(field: key, what: "partition key") }
        guard configuration.attributes.count <= CollectionConfiguration.maximumAttributeCount
        else {
            throw VectorStoreError(
                .invalidConfiguration,
                "\(configuration.attributes.count) attributes are declared; the limit is "
                    + "\(CollectionConfiguration.maximumAttributeCount)",
                field: "attributes"
            )
        }
        var seen: Set<String> = configuration.partitionKey.map { [$0] } ?? []
        for attribute in configuration.attributes {
            try check(field: attribute.name, what: "attribute")
            guard seen.insert(attribute.name).inserted else {
                throw VectorStoreError(
                    .invalidConfiguration,
                    "the name `\(attribute.name)` is declared twice",
                    field: attribute.name
                )
            }
        }
    }

    /// Whether a byte may stand in the name of a collection or an attribute.
    @inlinable
    package static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func check(name: String) throws(VectorStoreError) {
        let bytes = Array(name.utf8)
        guard (1...128).contains(bytes.count), bytes.allSatisfy(isNameByte),
            bytes[0] != UInt8(ascii: "."),
            bytes[0] != UInt8(ascii: "-")
        else {
            throw VectorStoreError(
                .invalidConfiguration,
                "`\(name)` cannot name a collection; use 1 to 128 letters, digits, `_`, `-` or "
                    + "`.`, not starting with `.` or `-`",
                field: "name"
            )
        }
    }

    private static func check(field name: String, what: String) throws(VectorStoreError) {
        guard (1...255).contains(name.utf8.count) else {
            throw VectorStoreError(
                .invalidConfiguration,
                "the \(what) `\(name)` has \(name.utf8.count) bytes; a name has 1 to 255",
                field: name
            )
        }
    }
}
