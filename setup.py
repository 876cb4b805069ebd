"""The extension modules; everything else is in pyproject.toml."""

import os
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

CORE = Path("src/core")
# As the core's users compile it: more than -O2 gains nothing, and debugging symbols of everything
# that is inlined double the time and the size.
FLAGS = [] if os.name == "nt" else ["-O2", "-g0"]
HEADERS = [str(path) for path in [Path("include/softdraw.h"), *sorted(CORE.glob("*.h"))]]


def extension(name, core=()):
    return Extension(
        f"softdraw.{name}",
        sources=[f"src/softdraw/{name}.pyx", *(str(CORE / source) for source in core)],
        include_dirs=["include", numpy.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_compile_args=FLAGS if core else [],
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
