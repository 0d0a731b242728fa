internal import AccountKeys
internal import SubnetRPC

enum BittensorCoreSkeleton {}
