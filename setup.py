"""The extension modules; everything else is in pyproject.toml."""

import os
import re
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

CORE = Path("src/core")
INCLUDE = Path("include")
WINDOWS = os.name == "nt"
# As the core's users compile it: more than -O2 gains nothing, and debugging symbols of everything
# that is inlined double the time and the size.
FLAGS = [] if WINDOWS else ["-O2", "-g0"]
# The functions of softdraw.h can be loaded from _core, by ctypes and others, and nothing else can.
HIDE = [] if WINDOWS else ["-fvisibility=hidden"]
PLAIN = re.split(r"/\* cffi: \w+ \*/", (INCLUDE / "softdraw.h").read_text(encoding="utf-8"))[1]
FUNCTIONS = sorted(set(re.findall(r"\b(softdraw_\w+)\(", PLAIN)))
HEADERS = [str(path) for path in [*INCLUDE.glob("*.h"), *sorted(CORE.glob("*.h"))]]


def extension(name, core=()):
    return Extension(
        f"softdraw.{name}",
        sources=[f"src/softdraw/{name}.pyx", *(str(CORE / source) for source in core)],
        include_dirs=["include", numpy.get_include()],
        define_macros=[
            ("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"),
            *([("SOFTDRAW_EXPORT", None)] if core else []),
        ],
        extra_compile_args=HIDE + FLAGS if core else HIDE,
        export_symbols=FUNCTIONS if core and WINDOWS else [],
        depends=HEADERS,
    )


setup(
    ext_modules=cythonize(
        [
            # The C core is linked once, into _core; the others reach it by cimport.
            extension("_core", core=sorted(path.name for path in CORE.glob("*.c"))),
            extension("_softmax"),
            extension("_temperature"),
            extension("_random"),
            extension("_alias"),
            extension("_logits"),
        ],
        include_path=["src"],
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "embedsignature": False,
            "binding": True,
            "freethreading_compatible": True,
        },
    )
)
