// One fuzzing program for all targets: FUZZ_TARGET names the one it runs. Built by scripts/fuzz.sh with
// libFuzzer and the address sanitizer; never part of the package.

import FuzzSupport
import Glibc

private let target: FuzzTarget = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
        fatalError("FUZZ_TARGET must be one of: \(names)")
    }
    return target
}()

/// Writes the seeds of the target into the directory that FUZZ_SEEDS names.
@_cdecl("LLVMFuzzerInitialize")
public func fuzzInitialize(
    _ count: UnsafeMutableRawPointer?,
    _ arguments: UnsafeMutableRawPointer?
)
    -> Int32
{
    guard let directory = getenv("FUZZ_SEEDS").map({ String(cString: $0) }) else { return 0 }
    for (index, seed) in target.seeds.enumerated() {
        guard let file = fopen("\(directory)/seed-\(index)", "w") else { continue }
        _ = seed.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
        fclose(file)
    }
    return 0
}

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
