from contextlib import AbstractContextManager, ContextDecorator
from types import TracebackType
from typing import SupportsIndex

class _Setting(ContextDecorator, AbstractContextManager[None]):
    number: int

    def __init__(self, number: int) -> None: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

def get_workers() -> int: ...
def set_workers(workers: SupportsIndex) -> _Setting: ...
