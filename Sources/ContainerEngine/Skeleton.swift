internal import AsyncHTTPClient

enum ContainerEngineSkeleton {}
