from typing import Literal, TypeAlias, TypedDict

_Tier: TypeAlias = Literal["scalar", "avx2", "avx512", "neon"]

class _CpuInfo(TypedDict):
    tier: _Tier
    tiers: list[_Tier]

def cpu_info() -> _CpuInfo: ...
