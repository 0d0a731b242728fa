internal import Bittensor
internal import ContainerEngine
internal import GRDB
internal import Subprocess

enum ComputeSubnetSkeleton {}
