/// A data set file that cannot be what its name says.
package struct DatasetError: Error, Equatable, Sendable, CustomStringConvertible {
    package var file: String
    package var message: String

    package init(_ file: String, _ message: String) {
        self.file = file
        self.message = message
    }

    package var description: String { "\(file): \(message)" }
}
