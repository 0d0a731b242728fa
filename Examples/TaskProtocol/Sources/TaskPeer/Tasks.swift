import SubnetRPC

/// A protocol is a list of methods; a method is its name, its types, and what it is called on a wire.
enum Tasks: RPCService {
    static let name = "Tasks"
    static let submit = unary("submit", TaskRequest.self, TaskResponse.self)
        .named("/subnet/task_protocol/1.0.0", on: .template)
    static let methods = [submit.erased]
}
