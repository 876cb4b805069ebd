"""The C core: its own tests by CTest, other compilers, and other people's builds of it."""

import os
import platform
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from processes import find, run

import softdraw

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "core").glob("**/*.c"))
INCLUDE = ROOT / "include"
DRAWS = ROOT / "examples" / "embedding" / "draws.c"
TIERS = softdraw.cpu_info()["tiers"]
COMPILER = shlex.split(os.environ.get("CC") or "cc")  # CC may have flags

pytestmark = pytest.mark.timeout(2 * 3600)  # the core is compiled, and CTest has an hour

if not (SOURCES and INCLUDE.exists()):
    pytest.skip("the C sources are not beside the tests", allow_module_level=True)
if not shutil.which(COMPILER[0]):
    pytest.skip(f"no C compiler: {COMPILER[0]} is not on the path", allow_module_level=True)


def cmake(build, source, *options):
    """Configure and build."""
    ninja = ["-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={find('ninja')}"]
    run([find("cmake"), "-S", source, "-B", build, *ninja, *options], cwd=build.parent)
    run([find("cmake"), "--build", build], timeout=1800)


def ctest(build, *options):
    show = ["--output-on-failure", "--no-tests=error"]
    run([find("ctest"), *show, "-j", os.cpu_count(), *options], cwd=build, timeout=3600)


def has_simde():
    probe = [*COMPILER, "-E", "-include", "simde/x86/avx512.h", "-x", "c", os.devnull]
    return not subprocess.run(probe, capture_output=True, check=False, timeout=60).returncode


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Where CMake built the static library and the programs of tests/c."""
    folder = tmp_path_factory.mktemp("core") / "build"
    simde = "avx2" in TIERS and platform.machine() in ("x86_64", "AMD64") and has_simde()
    options = {
        "CMAKE_C_FLAGS_RELEASE": "-O2",
        "CMAKE_C_EXTENSIONS": "OFF",
        "SOFTDRAW_TEST_TIERS": ";".join(TIERS),
        "SOFTDRAW_TEST_SIMDE": simde,
    }
    cmake(folder, ROOT, *(f"-D{name}={value}" for name, value in options.items()))
    return folder


def test_programs_on_every_tier(build):
    ctest(build, "--exclude-regex", "by_simde")


@pytest.mark.slow
def test_exponential_of_every_float(build):
    program = build / "tests" / "c" / "test_exp2"
    run([program, "all"], environment={"SOFTDRAW_ISA": TIERS[-1]}, timeout=36_000)


# ---- AVX-512 by SIMDe, so that a CPU without it tests those kernels, too -------------------------


@pytest.fixture(scope="module")
def emulated(build):
    """The object files of the emulated kernels."""
    objects = list(build.glob("**/avx512_by_simde.dir/**/*.o"))
    if not objects:
        pytest.skip("AVX-512 IS NOT EMULATED: no SIMDe (Debian: libsimde-dev), or no CPU with AVX2")
    return objects


def test_programs_with_avx512_by_simde(build, emulated):
    ctest(build, "--tests-regex", "by_simde")


def test_avx512_by_simde_is_not_avx512(emulated):
    listing = run([find("objdump"), "-d", *emulated]).stdout
    assert "%ymm" in listing
    assert "%zmm" not in listing
    assert "%k1" not in listing


# ---- without a warning ---------------------------------------------------------------------------

# With -O1, since without it some intrinsics of GCC are macros, whose conversions count as ours.
STRICT = ["-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only"]


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("standard", ["c99", "c11"])
def test_header_is_c_without_a_warning(compiler, standard, tmp_path):
    source = tmp_path / "header.c"
    source.write_text(
        '#include "softdraw.h"\n'
        "int tier(void) { return softdraw_tier_in_use(); }\n"
        "softdraw_filters none(void) {\n"
        "    softdraw_filters filters = SOFTDRAW_FILTERS_INIT;\n"
        "    return filters;\n"
        "}\n"
    )
    run([find(compiler), *STRICT, f"-std={standard}", f"-I{INCLUDE}", source])


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
@pytest.mark.parametrize("standard", ["c++11", "c++17"])
def test_header_is_cxx_without_a_warning(compiler, standard, tmp_path):
    source = tmp_path / "header.cpp"
    source.write_text(
        '#include "softdraw.h"\n'
        "uint64_t draw(const uint64_t *buckets, unsigned bits, softdraw_xoshiro &generator) {\n"
        "    return softdraw_alias_map1(buckets, bits, softdraw_xoshiro_word(&generator));\n"
        "}\n"
        "softdraw_filters none() {\n"
        "    softdraw_filters filters = SOFTDRAW_FILTERS_INIT;\n"
        "    return filters;\n"
        "}\n"
    )
    run([find(compiler), *STRICT, f"-std={standard}", f"-I{INCLUDE}", source])


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_core_is_c11_without_a_warning(compiler):
    command = [find(compiler), *STRICT, "-std=c11", f"-I{INCLUDE}"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda source: run([*command, source]), SOURCES))


@pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"), reason="needs GCC for x86"
)
def test_core_refuses_floats_that_are_computed_as_something_else():
    command = [find("gcc"), "-std=c11", "-mfpmath=387", "-fsyntax-only", f"-I{INCLUDE}"]
    printed = run([*command, ROOT / "src" / "core" / "softmax.c"], status=1).stderr
    assert "softdraw: needs FLT_EVAL_METHOD 0" in printed


# ---- what the core is ----------------------------------------------------------------------------


def test_core_exports_only_names_with_its_prefix(build):
    listing = run([find("nm"), "-g", "--defined-only", build / "libsoftdraw.a"]).stdout
    names = [line.split()[-1] for line in listing.splitlines() if len(line.split()) == 3]
    assert names
    assert [name for name in names if not name.lstrip("_").startswith(("softdraw_", "sd_"))] == []


def test_core_allocates_nothing_and_prints_nothing(build):
    listing = run([find("nm"), "-u", build / "libsoftdraw.a"]).stdout
    needed = {line.split()[-1] for line in listing.splitlines() if " U " in line}
    banned = {"malloc", "calloc", "realloc", "free", "printf", "fprintf", "puts", "abort", "exit"}
    assert not needed & banned


def test_a_tag_index_names_every_function_of_the_core(build, tmp_path):
    run([find("ctags"), "-R", "-f", tmp_path / "tags", "src/core", "include"], cwd=ROOT)
    tags = (tmp_path / "tags").read_text(encoding="utf-8")
    listing = run([find("nm"), build / "libsoftdraw.a"]).stdout
    # what follows a dot is the compiler's, which made another function of a part
    functions = set(re.findall(r" [tT] _?(\w+)", listing))
    assert len(functions) > 100
    assert functions - {line.split("\t")[0] for line in tags.splitlines()} == set()


def test_no_macro_of_the_core_takes_one_letter_for_its_name():
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.[ch]"))
    assert re.findall(r"#define (\w)\(", text) == []


# ---- in other people's programs ------------------------------------------------------------------


def lines_of(program, **environment):
    """What the example in C prints."""
    return [line.rstrip() for line in run([program], environment=environment).stdout.splitlines()]


def test_example_in_c_draws_as_python_does(build, tmp_path, draws_by_python):
    program = tmp_path / "draws"
    run([*COMPILER, DRAWS, build / "libsoftdraw.a", f"-I{INCLUDE}", "-lm", "-o", program])
    for tier in TIERS:
        assert lines_of(program, SOFTDRAW_ISA=tier) == draws_by_python


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_one_command_compiles_a_program_with_the_core(compiler, tmp_path, draws_by_python):
    command = [find(compiler), "-O2", DRAWS, *SOURCES, f"-I{INCLUDE}", "-lm"]
    run([*command, "-o", tmp_path / "draws"])
    assert lines_of(tmp_path / "draws") == draws_by_python


FAST = ["-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_FLAGS_RELEASE=-O0"]  # what is tested is the build


def cmake_project(folder, get_softdraw, *options):
    """The program of a CMake project that uses softdraw, got in that way."""
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.15)\n"
        "project(draws LANGUAGES C)\n"
        f"{get_softdraw}\n"
        f"add_executable(draws {DRAWS})\n"
        "target_link_libraries(draws softdraw::softdraw)\n"
    )
    cmake(folder / "build", folder, *FAST, *options)
    return folder / "build" / "draws"


@pytest.mark.slow
@pytest.mark.parametrize(("shared", "libdir"), [("OFF", "lib"), ("ON", "lib/of-some-machine")])
def test_an_installed_library_is_found_wherever_it_is_moved(
    shared, libdir, tmp_path, draws_by_python
):
    installed, moved = tmp_path / "prefix", tmp_path / "moved"
    options = [f"-DBUILD_SHARED_LIBS={shared}", f"-DCMAKE_INSTALL_LIBDIR={libdir}"]
    cmake(tmp_path / "softdraw", ROOT, *FAST, "-DSOFTDRAW_BUILD_TESTS=OFF", *options)
    run([find("cmake"), "--install", tmp_path / "softdraw", "--prefix", installed])
    installed.rename(moved)

    search = {"PKG_CONFIG_PATH": str(moved / libdir / "pkgconfig")}
    pkg_config = [find("pkg-config"), "softdraw"]
    version = run([*pkg_config, "--modversion"], environment=search).stdout
    assert version.strip() == softdraw.__version__
    wanted = ["--cflags", "--libs", *(["--static"] if shared == "OFF" else [])]
    flags = run([*pkg_config, *wanted], environment=search).stdout.split()
    run([*COMPILER, DRAWS, *flags, "-o", tmp_path / "draws"])
    assert lines_of(tmp_path / "draws", LD_LIBRARY_PATH=str(moved / libdir)) == draws_by_python

    package = f"find_package(softdraw {softdraw.__version__} REQUIRED)"
    folders = f"-DCMAKE_PREFIX_PATH={moved};{moved / libdir}/cmake"
    assert lines_of(cmake_project(tmp_path, package, folders)) == draws_by_python

    if shared == "ON":
        library = moved / libdir / "libsoftdraw.so"
        listing = run([find("nm"), "-D", "--defined-only", library]).stdout
        names = {line.split()[-1] for line in listing.splitlines()}
        assert names == set(re.findall(r"^[a-z].*?\b(softdraw_\w+)\(", softdraw.get_cdef(), re.M))


@pytest.mark.slow
def test_a_cmake_project_compiles_the_sources_that_it_fetches(tmp_path, draws_by_python):
    fetch = (
        "include(FetchContent)\n"
        f"FetchContent_Declare(softdraw SOURCE_DIR {ROOT})\n"
        "FetchContent_MakeAvailable(softdraw)"
    )
    assert lines_of(cmake_project(tmp_path, fetch)) == draws_by_python
