"""Where the C header is."""

from pathlib import Path


def get_include() -> str:
    """Directory that holds ``softdraw.h``, for the include path of a C compiler.

    Its inline functions need no more; the others are built from ``src/core``, in the sdist.

    Returns
    -------
    str
        An absolute path.

    Examples
    --------
    >>> import os, softdraw
    >>> os.path.exists(os.path.join(softdraw.get_include(), "softdraw.h"))
    True
    """
    package = Path(__file__).resolve().parent
    # a wheel has it inside the package; an editable install uses the source tree
    for include in (package / "include", package.parents[1] / "include"):
        if (include / "softdraw.h").is_file():
            return str(include)
    raise FileNotFoundError(f"softdraw.h is missing from {package / 'include'}; reinstall softdraw")
