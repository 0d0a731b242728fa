internal import Foundation
internal import SubnetFuzzing

/// The target that SUBNET_FUZZ_TARGET names, looked up once. `list` prints all names and ends the process.
private let target: FuzzTargets.Target = {
    let name = ProcessInfo.processInfo.environment["SUBNET_FUZZ_TARGET"] ?? ""
    if let target = FuzzTargets.named(name) { return target }
    let names = FuzzTargets.all.map(\.name).joined(separator: "\n") + "\n"
    if name == "list" {
        FileHandle.standardOutput.write(Data(names.utf8))
        _exit(0)  // `exit` would tell libFuzzer that the target crashed
    }
    FileHandle.standardError.write(Data("SUBNET_FUZZ_TARGET is '\(name)'; choose one of\n\(names)".utf8))
    _exit(2)
}()

/// libFuzzer's entry point.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
