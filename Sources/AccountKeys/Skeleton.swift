internal import CSodium
internal import Crypto
internal import CryptoExtras
internal import NIOPosix

enum AccountKeysSkeleton {}
