internal import AsyncHTTPClient
internal import BittensorCore
internal import Hummingbird
internal import HummingbirdTLS

enum BittensorSkeleton {}
