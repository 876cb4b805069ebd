"""Where the header, the C sources and the shared library are, for other languages."""

import re
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(in_package: str, in_checkout: str, sample: str) -> Path:
    # a wheel has it inside the package; an editable install uses the source tree
    for folder in (_PACKAGE / in_package, _PACKAGE.parents[1] / in_checkout):
        if (folder / sample).is_file():
            return folder
    raise FileNotFoundError(f"{sample} is missing from {_PACKAGE / in_package}; reinstall softdraw")


def get_include() -> str:
    """Directory that holds ``softdraw.h``, for the include path of a C compiler.

    Its inline functions need no more; the others are compiled from `get_sources()`, or called in
    the compiled package: see docs/embedding.md.

    Returns
    -------
    str
        An absolute path.

    See Also
    --------
    get_sources : The C files to compile.
    get_library : The same functions, compiled.

    Examples
    --------
    >>> import os, softdraw
    >>> os.path.exists(os.path.join(softdraw.get_include(), "softdraw.h"))
    True
    """
    return str(_folder("include", "include", "softdraw.h"))


def get_sources() -> list[str]:
    """C files of the core, to be compiled with a program or an extension module.

    They are C11 and need no flag beyond an -O level, and on some systems ``-lm``.

    Returns
    -------
    list of str
        Absolute paths.

    See Also
    --------
    get_include : The folder of the header.

    Examples
    --------
    >>> import os, softdraw
    >>> "softmax.c" in [os.path.basename(path) for path in softdraw.get_sources()]
    True
    """
    return sorted(str(path) for path in _folder("core", "src/core", "softmax.c").rglob("*.c"))


def get_library() -> str:
    """Shared library that has the functions of ``softdraw.h``, for ctypes, cffi and other loaders.

    Returns
    -------
    str
        An absolute path: that of a compiled module of this package.

    See Also
    --------
    get_cdef : Declarations of its functions, for cffi.

    Examples
    --------
    >>> import ctypes, softdraw
    >>> ctypes.CDLL(softdraw.get_library()).softdraw_alias_bits(1000)
    10
    """
    from . import _core

    return str(Path(str(_core.__file__)).resolve())


def get_cdef() -> str:
    """Declarations of ``softdraw.h`` without what only a compiler understands.

    Returns
    -------
    str
        What ``cffi.FFI().cdef`` takes: enums, structs and functions, not the inline ones.

    See Also
    --------
    get_library : The library that has the functions.
    get_include : The folder of the header itself.

    Examples
    --------
    >>> import softdraw
    >>> "int softdraw_softmax_f32(const float *x," in softdraw.get_cdef()
    True
    """
    header = Path(get_include(), "softdraw.h").read_text(encoding="utf-8")
    return re.split(r"/\* cffi: \w+ \*/", header)[1]
