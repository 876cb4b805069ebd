"""Make the page of the playground, softdraw_playground.html, from the files beside this one.

    python playground/build.py              # all of it; takes emscripten, and half a minute
    python playground/build.py --keep-core  # keep the core of the page that is there
    python playground/build.py --check      # fail if that would change the page
    python playground/build.py --output X   # all of it, into the file X

The C core is compiled to WebAssembly, compressed, and stands in the page as base64. The style and
the script stand there, too, so the page is one file, which needs no network. Its policy lets a
browser run this script and apply this style, and nothing else.
"""

import argparse
import base64
import gzip
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE / "softdraw_playground.html"
CORE = HERE.parent / "src" / "core"
# The core without alias tables, and of its tiers the scalar one, of whose item types float64 alone
# (playground.c stands in for the others). WebAssembly has no other tier.
SOURCES = [
    HERE / "playground.c",
    *(
        CORE / f"{name}.c"
        for name in (
            "about",
            "dispatch",
            "sample",
            "softmax",
            "temperature_for",
            "transpose",
            "xoshiro",
            "tiers/scalar_f64",
            "tiers/scalar_words",
        )
    ),
]
FLAGS = [
    "-Os",
    "-w",  # warnings are for the builds that the tests make
    f"-I{HERE.parent / 'include'}",
    "-sSTANDALONE_WASM",  # no JavaScript of emscripten, and nothing to import
    "--no-entry",
    "-sTOTAL_STACK=512KB",
    "-sINITIAL_MEMORY=2MB",
]


def compile_core():
    """The core as WebAssembly, compressed, in base64."""
    compiler = shutil.which("emcc")
    if not compiler:
        sys.exit("no emcc on the path: install emscripten, or keep the core with --keep-core")
    with tempfile.TemporaryDirectory() as folder:
        wasm = Path(folder) / "core.wasm"
        subprocess.run([compiler, *FLAGS, *SOURCES, "-o", wasm], check=True)
        return base64.b64encode(gzip.compress(wasm.read_bytes(), mtime=0)).decode()


def hash_source():
    """The hash of playground.c, which the page keeps: with another one, its core is out of date."""
    return hashlib.sha256((HERE / "playground.c").read_bytes()).hexdigest()


def core_of_page():
    """The core in the page that is there."""
    page = PAGE.read_text(encoding="utf-8")
    if f'content="{hash_source()}"' not in page:
        sys.exit(
            "playground.c has changed since the page was compiled: "
            "run python playground/build.py, with emscripten"
        )
    return re.search(r'id="core">([^<]*)<', page)[1]


def make_page(core):
    """The page, with this core."""
    style, script = (
        (HERE / name).read_text(encoding="utf-8") for name in ("style.css", "script.js")
    )
    template = (HERE / "index.template.html").read_text(encoding="utf-8")
    hashes = {
        name: "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in (("style", style), ("script", script))
    }
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"
        f" style-src '{hashes['style']}'; script-src '{hashes['script']}' 'wasm-unsafe-eval'"
    )
    parts = {
        "policy": policy,
        "source": hash_source(),
        "style": style,
        "core": core,
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--keep-core", action="store_true", help="compile nothing")
    kinds.add_argument("--check", action="store_true", help="fail if --keep-core would change it")
    parser.add_argument("--output", type=Path, default=PAGE, help="the file to write")
    options = parser.parse_args()
    if options.check:
        if make_page(core_of_page()) != PAGE.read_text(encoding="utf-8"):
            sys.exit(f"{PAGE.name} is older than its sources: run python playground/build.py")
        return
    page = make_page(core_of_page() if options.keep_core else compile_core())
    options.output.write_bytes(page.encode())
    print(f"{options.output}: {len(page.encode()):,} bytes")


if __name__ == "__main__":
    main()
