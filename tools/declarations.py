"""Write the declarations of include/softdraw.h again, for the capsule, Cython and Numba.

    python tools/declarations.py            # write them
    python tools/declarations.py --check    # exit 1, naming the file, unless it is up to date

The header is the only hand-written declaration of each function. This reads what stands between
the header's marks "cffi: begin" and "cffi: end", and writes what stands between the marks
"declarations.py: begin" and "declarations.py: end" of these files:

    include/softdraw_capi.h            the capsule's struct of function pointers
    src/softdraw/_core.pxd             errors, structs and functions, for `cimport softdraw`
    src/softdraw/_core_functions.pxi   those functions, and what fills the capsule's struct
    src/softdraw/_signatures.py        the functions' types, for softdraw.numba
"""

import argparse
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "include/softdraw.h"
WIDTH = 100

# The functions in the order of their pointers in softdraw_capi; in the header each stands where it
# belongs. Append only: a compiled program finds a function by its index.
MEMBERS = """
    strerror version tier_name tier_available tier_in_use
    softmax_f32 softmax_f64 softmax_f16 softmax_bf16
    log_softmax_f32 log_softmax_f64 log_softmax_f16 log_softmax_bf16
    logsumexp_f32 logsumexp_f64 logsumexp_f16 logsumexp_bf16
    entropy_f32 entropy_f64 entropy_f16 entropy_bf16
    temperature_for_f64 temperature_for_range_f64
    softmax_vjp_f32 softmax_vjp_f64
    xoshiro_seed xoshiro_next xoshiro_fill xoshiro_jump
    alias_bits alias_build_f64 alias_build_f32 alias_build_u64 alias_scratch
    alias_units alias_map alias_sample alias_draw
    alias_rows_max_buckets alias_rows_max_length
    alias_rows_build_f64 alias_rows_build_f32 alias_rows_build_u64 alias_rows_map
    sample_f32 sample_f64 sample_f16 sample_bf16 sample_scratch_f32 sample_scratch_f64
    tier_count xoshiro_advance
    partial_f32 partial_f64 combine_partials softmax_piece_f32 softmax_piece_f64
""".split()  # noqa: SIM905

# How Numba names the types of parameters and results; every pointer is a voidptr.
NUMBA_TYPES = {
    "int": "intc",
    "unsigned": "uintc",
    "ptrdiff_t": "intp",
    "size_t": "uintp",
    "uint64_t": "uint64",
}

ENUM = re.compile(r"enum softdraw_\w+ \{(.*)\}")
ENUMERATOR = re.compile(r"(\w+)(?: = \d+)?")
STRUCT = re.compile(r"typedef struct \{(.*);\s*\} (softdraw_\w+)")
FIELD = re.compile(r"[\w ]+[ *]\w+(?:\[\d+\])*")
FUNCTION = re.compile(r"([\w ]+[ *])softdraw_(\w+)\((.*)\)")
PARAMETER = re.compile(r"([\w ]+[ *])(\w+)(\[\d+\])?")
CALLBACK = re.compile(r"\w+ \(\*(\w+)\)\([\w *]+\)")


@dataclass(frozen=True)
class Parameter:
    declaration: str
    name: str
    numba_type: str
    is_callback: bool = False


@dataclass(frozen=True)
class Function:
    result: str  # with the space that parts it from the name, but for a pointer
    name: str  # without softdraw_
    parameters: list[Parameter]


@dataclass
class Header:
    enumerators: list[str] = field(default_factory=list)
    structs: dict[str, list[str]] = field(default_factory=dict)  # declarations of their fields
    functions: dict[str, Function] = field(default_factory=dict)


# ---- reading the header --------------------------------------------------------------------------


def matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    """The match of the whole text; ValueError if there is none."""
    match = pattern.fullmatch(text)
    if not match:
        raise ValueError(f"cannot read {text!r}")
    return match


def numba_type(c_type: str) -> str:
    if c_type.endswith("*"):
        return "voidptr"
    if c_type not in NUMBA_TYPES:
        raise ValueError(f"NUMBA_TYPES of tools/declarations.py lacks {c_type!r}")
    return NUMBA_TYPES[c_type]


def read_parameter(text: str) -> Parameter:
    callback = CALLBACK.fullmatch(text)
    if callback:
        return Parameter(text, callback[1], "voidptr", is_callback=True)
    c_type, name, array = matched(PARAMETER, text).groups()
    return Parameter(text, name, "voidptr" if array else numba_type(c_type.strip()))


def read_function(text: str) -> Function:
    result, name, parameters = matched(FUNCTION, text).groups()
    numba_type(result.strip())
    declarations = [] if parameters == "void" else re.split(r", (?![^()]*\))", parameters)
    return Function(result, name, [read_parameter(declaration) for declaration in declarations])


def read_header(text: str) -> Header:
    """What the header declares between its marks; ValueError for what this cannot read."""
    header = Header()
    block = re.sub(r"/\*.*?\*/", " ", re.split(r"/\* cffi: \w+ \*/", text)[1], flags=re.DOTALL)
    for part in re.split(r";(?![^{}]*\})", block):  # at semicolons outside braces
        declaration = " ".join(part.split())
        if enum := ENUM.fullmatch(declaration):
            for enumerator in enum[1].split(","):
                header.enumerators.append(matched(ENUMERATOR, enumerator.strip())[1])
        elif struct := STRUCT.fullmatch(declaration):
            fields = struct[1].split(";")
            header.structs[struct[2]] = [matched(FIELD, text.strip())[0] for text in fields]
        elif declaration:
            function = read_function(declaration)
            header.functions[function.name] = function
    for name in header.functions:
        if name not in MEMBERS:
            raise ValueError(f"MEMBERS of tools/declarations.py lacks {name!r}: append it")
    for name in MEMBERS:
        if name not in header.functions:
            raise ValueError(f"softdraw_{name} is gone, which breaks programs that call it")
    return header


# ---- what is made from it ------------------------------------------------------------------------


def wrap(head: str, parts: Iterable[str], tail: str) -> str:
    """The head, then the parts and the tail, broken between parts and aligned behind the head."""
    text = ", ".join(part.replace(" ", "\0") for part in parts) + tail.replace(" ", "\0")
    lines = textwrap.wrap(text, WIDTH - len(head), break_long_words=False, break_on_hyphens=False)
    return ("\n" + " " * len(head)).join([head + lines[0], *lines[1:]]).replace("\0", " ")


def write_signature(head: str, function: Function, prefix: str, tail: str) -> str:
    parameters = [
        p.declaration + (" noexcept nogil" if p.is_callback else "") for p in function.parameters
    ]
    return wrap(f"{head}{function.result}{prefix}{function.name}(", parameters, f"){tail}")


def list_members(header: Header) -> Iterator[str]:
    """C: members of the struct of function pointers."""
    for index, name in enumerate(MEMBERS):
        function = header.functions[name]
        parameters = [p.declaration for p in function.parameters] or ["void"]
        yield wrap(f"    /* {index:2} */ {function.result}(*{name})(", parameters, ");")


def declare_for_cython(header: Header) -> Iterator[str]:
    """Cython: enumerators and structs as they are in C, and functions as _core has them."""
    yield 'cdef extern from "softdraw.h" nogil:'
    for name in header.enumerators:
        yield f"    int {name}"
    for struct, fields in header.structs.items():
        yield f"\n    ctypedef struct {struct}:"
        yield from (f"        {declaration}" for declaration in fields)
    yield ""
    for function in header.functions.values():
        yield write_signature("cdef ", function, "", " noexcept nogil")


def define_for_cython(header: Header) -> Iterator[str]:
    """Cython: the capsule's struct, and functions that call those of the C core."""
    yield 'cdef extern from *:\n    """\n    #include "softdraw_capi.h"\n'
    yield "    static const softdraw_capi functions = {"
    yield "        .size = sizeof(softdraw_capi),\n        .abi = SOFTDRAW_CAPI_VERSION,"
    yield from (f"        .{name} = softdraw_{name}," for name in MEMBERS)
    yield '    };\n    """\n'
    yield 'cdef extern from "softdraw.h" nogil:'
    for function in header.functions.values():
        yield write_signature("    ", function, "softdraw_", " noexcept")
    for function in header.functions.values():
        yield "\n" + write_signature("cdef ", function, "", " noexcept nogil:")
        arguments = [p.name for p in function.parameters]
        yield wrap(f"    return softdraw_{function.name}(", arguments, ")")


def list_signatures(header: Header) -> Iterator[str]:
    """Python: a dictionary from names in C to Numba's signatures."""
    types = ", ".join(sorted({*NUMBA_TYPES.values(), "voidptr"}))
    yield f"from numba.types import {types}  # type: ignore[import-not-found, import-untyped]"
    yield "\nSIGNATURES = {"
    for function in header.functions.values():
        head = f'    "softdraw_{function.name}": {numba_type(function.result.strip())}('
        parameters = ", ".join(p.numba_type for p in function.parameters)
        line = f"{head}{parameters}),"
        yield line if len(line) <= WIDTH else f"{head}\n        {parameters}\n    ),"
    yield "}"


GENERATORS = {
    "include/softdraw_capi.h": list_members,
    "src/softdraw/_core.pxd": declare_for_cython,
    "src/softdraw/_core_functions.pxi": define_for_cython,
    "src/softdraw/_signatures.py": list_signatures,
}
MARKED = re.compile(
    r"(^.*tools/declarations\.py: begin\b.*\n)[^\0]*?\n(?=.*tools/declarations\.py: end\b)",
    re.MULTILINE,
)


def replace_marked(text: str, lines: Iterable[str]) -> str:
    """The text of a file with other lines between its marks."""
    new = "\n".join(lines)
    text, count = MARKED.subn(lambda match: f"{match[1]}{new}\n", text)
    if count != 1:
        raise ValueError("the marks of tools/declarations.py are missing")
    return text


def main() -> int:
    """Write the files, or with --check only compare; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare")
    check = parser.parse_args().check
    name, stale = HEADER, []
    try:
        header = read_header((ROOT / HEADER).read_text(encoding="utf-8"))
        for name, generate in GENERATORS.items():
            text = (ROOT / name).read_text(encoding="utf-8")
            wanted = replace_marked(text, generate(header))
            if text != wanted:
                stale.append(name)
                if not check:
                    (ROOT / name).write_text(wanted, encoding="utf-8", newline="\n")
    except ValueError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    for name in stale:
        print(f"{name} {'is not what tools/declarations.py makes' if check else 'is written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
