"""The same kernels from C, Cython, Numba, cffi and ctypes, and by a capsule: the same bits."""

import ctypes
import os
import re
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from processes import run

import softdraw
from softdraw import _core

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "embedding"
PACKAGE = Path(softdraw.__file__).parent
COMPILER = shlex.split(os.environ.get("CC") or "cc")
HEADER = Path(softdraw.get_include(), "softdraw.h")
CAPI = Path(softdraw.get_include(), "softdraw_capi.h")
NAMES = re.findall(r"^[a-z].*?\bsoftdraw_(\w+)\(", softdraw.get_cdef(), re.MULTILINE)


@pytest.fixture(scope="module")
def environment():
    """For other processes, which find this softdraw first."""
    path = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path}


def example(name):
    path = EXAMPLES / name
    if not path.exists():
        pytest.skip("examples/ is not beside tests/")
    return path


def lines_of(output):
    return [line.rstrip() for line in output.splitlines()]


# ---- what a wheel and a checkout hold ------------------------------------------------------------


def test_the_package_holds_header_sources_and_declarations():
    assert HEADER.is_file()
    assert CAPI.is_file()
    assert {"softmax.c", "scalar_f32.c", "xoshiro.c"} <= {
        Path(path).name for path in softdraw.get_sources()
    }
    core = Path(softdraw.get_sources()[0]).parent
    missing = {
        name
        for path in core.rglob("*.[ch]")
        for name in re.findall(r'#include "(.+)"', path.read_text(encoding="utf-8"))
        if not (path.parent / name).exists()
    }
    assert missing == {"softdraw.h"}
    for name in ("__init__.pxd", "_core.pxd", "_lock.pxd", "_random.pxd"):
        assert (PACKAGE / name).is_file()


def test_the_header_has_the_versions():
    text = HEADER.read_text(encoding="utf-8")
    version = re.findall(r"SOFTDRAW_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text)
    assert ".".join(version) == softdraw.__version__
    assert "#define SOFTDRAW_STREAM 1\n" in text
    library = ctypes.CDLL(softdraw.get_library())
    major, minor, patch = map(int, version)
    assert library.softdraw_version() == 10_000 * major + 100 * minor + patch


@pytest.mark.skipif(not shutil.which("nm"), reason="no nm")
@pytest.mark.skipif(sys.platform != "linux", reason="nm -D is for ELF")
def test_modules_export_the_functions_of_the_header_and_nothing_else():
    for path in PACKAGE.glob("*.so"):
        listing = run(["nm", "-D", "--defined-only", path]).stdout
        names = {line.split()[-1] for line in listing.splitlines()}
        module = path.name.partition(".")[0]
        functions = {f"softdraw_{name}" for name in NAMES} if module == "_core" else set()
        assert names == {f"PyInit_{module}"} | functions


# ---- C -------------------------------------------------------------------------------------------


MEMBERS = re.findall(r"^    /\* +(\d+) \*/ .*?\(\*(\w+)\)\(", CAPI.read_text("utf-8"), re.MULTILINE)


def test_the_capsule_has_every_function_of_the_header_once():
    assert [int(index) for index, _ in MEMBERS] == list(range(len(NAMES)))
    assert sorted(name for _, name in MEMBERS) == sorted(NAMES)


def test_each_member_of_the_capsule_is_the_function_of_its_name():
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.argtypes, pointer.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p
    address = pointer(_core._C_API, b"softdraw._core._C_API")
    words = (ctypes.c_size_t * (2 + len(MEMBERS))).from_address(address)
    assert words[0] == ctypes.sizeof(words)  # size; abi, which fills a word; the members
    library = ctypes.CDLL(softdraw.get_library())
    functions = [getattr(library, f"softdraw_{name}") for _, name in MEMBERS]
    assert words[2:] == [ctypes.cast(f, ctypes.c_void_p).value for f in functions]


EXTENSION = r"""
#include <Python.h>
#include "softdraw_capi.h"

static PyObject *softmax(PyObject *self, PyObject *argument) {
    const softdraw_capi *api = softdraw_capi_import();
    double x[2] = {1, 2}, temperature = PyFloat_AsDouble(argument);
    (void)self;
    if (!api) return NULL;
    const int error = api->softmax_f64(x, 2, x, 2, 1, 2, &temperature, 0);
    if (error) return PyErr_Format(PyExc_ValueError, "%s", api->strerror(error));
    return Py_BuildValue("ddi", x[0], x[1], (int)api->alias_bits(1000));
}
static PyMethodDef methods[] = {{"softmax", softmax, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "by_capsule", NULL, -1, methods,
                             NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_by_capsule(void) { return PyModule_Create(&module); }
"""


@pytest.mark.skipif(not shutil.which(COMPILER[0]), reason=f"no C compiler: {COMPILER[0]}")
@pytest.mark.skipif(os.name == "nt", reason="compiles as on Unix")
def test_an_extension_module_by_hand_calls_the_functions_of_the_capsule(tmp_path, environment):
    source = tmp_path / "by_capsule.c"
    source.write_text(EXTENSION)
    python = sysconfig.get_path("include")
    if not Path(python, "Python.h").exists():
        pytest.skip("no Python.h")
    flags = ["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
    undefined = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    include = [f"-I{softdraw.get_include()}", "-isystem", python]
    run([*COMPILER, *flags, *undefined, *include, source, "-o", tmp_path / "by_capsule.so"])
    code = (
        "import by_capsule; print(*by_capsule.softmax(2.0))\n"
        "try: by_capsule.softmax(-1.0)\n"
        "except ValueError as error: print(error)"
    )
    output = run([sys.executable, "-c", code], cwd=tmp_path, environment=environment).stdout
    shares = softdraw.softmax([1.0, 2.0], temperature=2)
    sentence = "temperature must be >= 0, and > 0 for softmax_vjp"
    assert lines_of(output) == [f"{shares[0]!s} {shares[1]!s} 10", sentence]


def test_the_capsule_has_its_name():
    pointer = ctypes.pythonapi.PyCapsule_IsValid
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    assert pointer(_core._C_API, b"softdraw._core._C_API")


# ---- Cython --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cython_examples(tmp_path_factory):
    """A folder with examples/embedding built in it."""
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    example("setup.py")
    if not shutil.which(COMPILER[0]):
        pytest.skip(f"no C compiler: {COMPILER[0]} is not on the path")
    folder = tmp_path_factory.mktemp("cython") / "examples"
    shutil.copytree(EXAMPLES, folder)
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace", "-j2"]
    # with no PYTHONPATH to help: an editable install has to do
    run(command, cwd=folder, environment={"CFLAGS": "-O2"})
    return folder


def test_cython_example_draws_as_python_does(cython_examples, environment, draws_by_python):
    code = "import draws_cython; draws_cython.main()"
    output = run([sys.executable, "-c", code], cwd=cython_examples, environment=environment).stdout
    assert lines_of(output) == draws_by_python


def test_cython_example_finds_the_topics_that_made_the_text(cython_examples, environment):
    code = "import topics; topics.main()"
    output = run([sys.executable, "-c", code], cwd=cython_examples, environment=environment).stdout
    ideal, before, after = map(float, re.findall(r"perplexity: ([\d.]+)", output))
    assert after < 1.05 * ideal < 0.8 * before
    again = run([sys.executable, "-c", code], cwd=cython_examples, environment=environment)
    assert output == again.stdout


# ---- cffi and ctypes -----------------------------------------------------------------------------


def test_ctypes_example_draws_as_python_does(environment, draws_by_python):
    output = run([sys.executable, example("draws_ctypes.py")], environment=environment).stdout
    assert lines_of(output) == draws_by_python


def test_no_function_sets_errno():
    c = ctypes.CDLL(softdraw.get_library(), use_errno=True)
    x = np.array([[1e308, -1e308, 5e-324], [-np.inf] * 3, [np.nan, np.inf, 0.0]])
    pointer, length = ctypes.c_void_p(x.ctypes.data), ctypes.c_size_t(3)
    out = np.empty(64, np.uint64)
    result, scratch = ctypes.c_void_p(out.ctypes.data), (ctypes.c_uint64 * 64)()
    ctypes.set_errno(77)
    for temperature in (-1.0, 0.0, 5e-324, 1.0, 1e308, np.inf):
        t = ctypes.byref(ctypes.c_double(temperature))
        for name in ("softmax", "log_softmax", "logsumexp", "entropy"):
            function = getattr(c, f"softdraw_{name}_f64")
            function(pointer, length, result, length, length, length, t, ctypes.c_size_t(0))
        for quantity in range(3):
            c.softdraw_temperature_for_f64(
                pointer, length, ctypes.c_size_t(1), length, quantity, t, length, result, None
            )
    for row in np.abs(x):
        weights = ctypes.c_void_p(row.ctypes.data)
        c.softdraw_alias_build_f64(weights, length, result, scratch, None)
    assert ctypes.get_errno() == 77


def test_cffi_example_draws_as_python_does(environment, draws_by_python):
    pytest.importorskip("cffi")
    output = run([sys.executable, example("draws_cffi.py")], environment=environment).stdout
    assert lines_of(output) == draws_by_python


def test_cffi_sees_every_function_and_the_structs_sizes():
    cffi = pytest.importorskip("cffi")
    ffi = cffi.FFI()
    ffi.cdef(softdraw.get_cdef())
    library = ffi.dlopen(softdraw.get_library())
    for name in NAMES:
        assert getattr(library, f"softdraw_{name}")
    assert ffi.sizeof("softdraw_xoshiro") == 336
    assert ffi.string(library.softdraw_tier_name(0)) == b"scalar"
    assert library.SOFTDRAW_ERROR_NULL == 11


# ---- Numba ---------------------------------------------------------------------------------------


def test_importing_softdraw_does_not_import_numba(environment):
    code = "import softdraw, sys; print('numba' in sys.modules, hasattr(softdraw, 'numba'))"
    output = run([sys.executable, "-c", code], environment=environment).stdout
    assert output.split() == ["False", "False"]


def test_numba_example_draws_as_python_does(environment, draws_by_python):
    pytest.importorskip("numba")
    output = run([sys.executable, example("draws_numba.py")], environment=environment).stdout
    assert lines_of(output) == draws_by_python


def test_numba_example_learns_word_vectors(environment):
    pytest.importorskip("numba")
    pytest.importorskip("symspellpy")
    command = [sys.executable, example("negative_sampling_numba.py"), "--pairs", "100000"]
    output = run(command, environment=environment).stdout
    first, last = map(float, re.search(r"(\S+) at first, (\S+) at last", output).groups())
    assert last < first - 0.3


# ---- docs/embedding.md ---------------------------------------------------------------------------


def blocks(language):
    page = ROOT / "docs" / "embedding.md"
    if not page.exists():
        pytest.skip("docs/ is not beside tests/")
    text = page.read_text(encoding="utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found
    return found


def test_the_page_has_the_command_of_the_example_in_c():
    command = blocks("sh")[0].split()
    for part in ("cc", "-O2", "-lm"):
        assert part in command
        assert part in example("draws.c").read_text().split()


def test_the_pages_numba_counts_as_sample_does():
    pytest.importorskip("numba")
    table = softdraw.AliasTable([1, 2, 3, 4, 5])
    names = {"np": np, "softdraw": softdraw, "table": table}
    exec(blocks("py")[0], names)
    drawn = table.sample(1_000_000, rng=7)
    np.testing.assert_array_equal(names["counts"], np.bincount(drawn))


def test_the_pages_walk_goes_where_draws_from_the_tables_go():
    numba = pytest.importorskip("numba")
    import softdraw.numba

    class graph:
        data, indices, indptr = np.ones(8), np.array([1, 2, 2, 3, 3, 0, 0, 1]), np.arange(0, 9, 2)

    names = {"np": np, "softdraw": softdraw, "numba": numba, "graph": graph}
    exec(blocks("py")[1], names)
    walk = names["walk"], *softdraw.numba.tables(names["edges"]), graph.indptr, graph.indices
    rng, node = softdraw.Xoshiro256(7), 0
    for _ in range(100):
        edge = names["edges"].sample(node, rng=rng)
        node = graph.indices[graph.indptr[node] + edge]
    assert walk[0](*walk[1:], softdraw.numba.generator(7), 0, 100) == node


def test_the_pages_filters_by_cffi_are_those_of_the_header():
    pytest.importorskip("cffi")
    names = {"softdraw": softdraw}
    exec(blocks("py")[2], names)
    filters = names["filters"]
    assert filters.size == names["ffi"].sizeof("softdraw_filters")
    assert filters.top_k[0] == 40
    assert not filters.top_p


@pytest.mark.skipif(not shutil.which(COMPILER[0]), reason=f"no C compiler: {COMPILER[0]}")
@pytest.mark.skipif(os.name == "nt", reason="compiles as on Unix")
def test_the_pages_filters_in_c_compile(tmp_path):
    source = tmp_path / "filters.c"
    source.write_text(f'#include "softdraw.h"\nint main(void) {{\n{blocks("c")[0]}return 0;\n}}\n')
    flags = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-but-set-variable", "-fsyntax-only"]
    run([*COMPILER, *flags, f"-I{softdraw.get_include()}", source])


def test_the_pages_cython_compiles(tmp_path, environment):
    pytest.importorskip("Cython")
    (tmp_path / "page.pyx").write_text(blocks("cython")[0])
    command = [sys.executable, "-m", "cython", "-3", "-I", PACKAGE.parent, "page.pyx"]
    run(command, cwd=tmp_path, environment=environment)
    assert "softmax_f32" in (tmp_path / "page.c").read_text()
