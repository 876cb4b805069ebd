from typing import Any, Literal, TypeAlias, TypedDict

_Tier: TypeAlias = Literal["scalar", "avx2", "avx512", "neon"]

class _CpuInfo(TypedDict):
    tier: _Tier
    tiers: list[_Tier]

__version__: str
_C_API: Any  # a capsule, see softdraw_capi.h

def cpu_info() -> _CpuInfo: ...
