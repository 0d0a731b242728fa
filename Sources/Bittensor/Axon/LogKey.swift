/// The log keys of this module.
enum LogKey {
    static let error = "subnet.error"
    static let errorID = "subnet.error_id"
    static let route = "subnet.protocol"
    static let peer = "subnet.peer"
    static let status = "subnet.code"
    static let address = "subnet.address"
    static let relaxation = "subnet.relaxation"
}
