from contextlib import AbstractContextManager, ContextDecorator
from types import TracebackType
from typing import SupportsIndex

class _Setting(AbstractContextManager[None], ContextDecorator):
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> bool | None: ...

def get_workers() -> int: ...
def set_workers(workers: SupportsIndex) -> _Setting: ...
