"""The extension modules, the version and the README; all else is in pyproject.toml."""

import os
import re
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

CORE = Path("src/core")
INCLUDE = Path("include")
WINDOWS = os.name == "nt"
# As the core's users compile it: more than -O2 gains nothing, and Python's own -fwrapv costs 7%.
FOR_CORE = [] if WINDOWS else ["-O2", "-fno-wrapv"]
# The functions of softdraw.h can be loaded from _core, by ctypes and others, and nothing else can.
# Debugging symbols of everything that is inlined double the time and triple the size.
FLAGS = [] if WINDOWS else ["-fvisibility=hidden", "-g0"]
# For bindings that small calls do not need: a third smaller. The others gain by Python's own -O3.
SMALL = [] if WINDOWS else ["-Os"]
HEADER = (INCLUDE / "softdraw.h").read_text(encoding="utf-8")
VERSION = re.findall(r"#define SOFTDRAW_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", HEADER)
PLAIN = re.split(r"/\* cffi: \w+ \*/", HEADER)[1]
FUNCTIONS = sorted(set(re.findall(r"\b(softdraw_\w+)\(", PLAIN)))
SOURCES = sorted(str(path.relative_to(CORE)) for path in CORE.rglob("*.c"))
HEADERS = [str(path) for path in [*INCLUDE.glob("*.h"), *sorted(CORE.rglob("*.h"))]]


def extension(name, core=(), flags=()):
    return Extension(
        f"softdraw.{name}",
        sources=[f"src/softdraw/{name}.pyx", *(str(CORE / source) for source in core)],
        include_dirs=["include", numpy.get_include()],
        define_macros=[
            ("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"),
            ("CYTHON_COMPRESS_STRINGS", "0"),  # so that `import softdraw` does not import zlib
            *([("SOFTDRAW_EXPORT", None)] if core else []),
        ],
        extra_compile_args=[*FLAGS, *(FOR_CORE if core else flags)],
        export_symbols=FUNCTIONS if core and WINDOWS else [],
        depends=[*HEADERS, "src/softdraw/_core_functions.pxi"] if core else HEADERS,
    )


def describe():
    """The README with absolute links, for readers who do not have the files beside it."""
    project = Path("pyproject.toml").read_text(encoding="utf-8")
    source = re.search(r'^Source = "(.+)"', project, re.MULTILINE)[1]
    base, tag = {"!": f"{source}/raw", "": f"{source}/blob"}, "v" + ".".join(VERSION)
    return re.sub(
        r"(!?)(\[[^]]*\]\()(?!https?:|#)",
        lambda link: f"{link[1]}{link[2]}{base[link[1]]}/{tag}/",
        Path("README.md").read_text(encoding="utf-8"),
    )


setup(
    version=".".join(VERSION),
    long_description=describe(),
    long_description_content_type="text/markdown",
    ext_modules=cythonize(
        [
            # The C core is linked once, into _core; the others reach it by cimport.
            extension("_core", core=SOURCES),
            extension("_arguments", flags=SMALL),
            extension("_workers", flags=SMALL),
            extension("_ufuncs"),
            extension("_softmax"),
            extension("_partials", flags=SMALL),
            extension("_temperature", flags=SMALL),
            extension("_lock", flags=SMALL),
            extension("_random"),
            extension("_build", flags=SMALL),
            extension("_draws"),
            extension("_sampler"),
            extension("_alias"),
            extension("_tables", flags=SMALL),
            extension("_logits"),
        ],
        include_path=["src"],
        emit_linenums=True,  # so that reports of sanitizers and of coverage name lines of a .pyx
        compiler_directives={
            "language_level": 3,
            "wraparound": False,
            "embedsignature": False,
            "binding": True,
            "freethreading_compatible": True,
        },
    ),
)
