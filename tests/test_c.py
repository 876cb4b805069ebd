"""Every program in tests/c, compiled with the C core alone and run on every tier.

The AVX-512 kernels run by emulation, too, so that a CPU without AVX-512 tests them."""

import os
import platform
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import softdraw

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src" / "core").glob("*.c"))
HEADER = ROOT / "include" / "softdraw.h"
PROGRAMS = sorted((ROOT / "tests" / "c").glob("*.c"))
TIERS = softdraw.cpu_info()["tiers"]
# CC may have flags, which come after these
PROGRAM, *ITS_FLAGS = shlex.split(os.environ.get("CC") or "cc")
COMPILER = [PROGRAM, "-O2", *ITS_FLAGS]
FLAGS = ["-std=c11", f"-I{ROOT / 'include'}", f"-I{ROOT / 'src' / 'core'}"]

if not (SOURCES and HEADER.exists()):
    pytest.skip("the C sources are not beside the tests", allow_module_level=True)
if not shutil.which(COMPILER[0]):
    pytest.skip(f"no C compiler: {COMPILER[0]} is not on the path", allow_module_level=True)


def run(command, **keywords):
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **keywords)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """Object files of the C core."""
    folder = tmp_path_factory.mktemp("core")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda source: run([*COMPILER, *FLAGS, "-c", source], cwd=folder), SOURCES))
    return sorted(folder.glob("*.o"))


def run_on_tiers(tiers, program, core, folder, *arguments):
    binary = folder / program.stem
    run([*COMPILER, *FLAGS, program, *core, "-o", binary, "-lm"])
    for tier in tiers:
        run([binary, *arguments], env={**os.environ, "SOFTDRAW_ISA": tier})


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_program(program, core, tmp_path):
    run_on_tiers(TIERS, program, core, tmp_path)


@pytest.mark.slow
def test_exponential_of_every_float(core, tmp_path):
    run_on_tiers([TIERS[-1]], ROOT / "tests" / "c" / "test_exp2.c", core, tmp_path, "all")


@pytest.fixture(scope="module")
def emulated(tmp_path_factory):
    """Object file of the AVX-512 kernels by SIMDe, which are to take the AVX2 tier's place."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip(f"AVX-512 is not emulated: SIMDe by AVX2 needs x86, not {platform.machine()}")
    if "avx2" not in TIERS:
        pytest.skip("AVX-512 is not emulated: this CPU has no AVX2 and FMA")
    probe = [*COMPILER, "-E", "-include", "simde/x86/avx512.h", "-x", "c", os.devnull]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("AVX-512 IS NOT EMULATED: no SIMDe (Debian: libsimde-dev)")
    kernels = tmp_path_factory.mktemp("simde") / "tier_avx512_by_simde.o"
    flags = [*FLAGS, "-mavx2", "-mfma", "-mf16c", f"-I{ROOT / 'tests' / 'c' / 'simde'}"]
    run([*COMPILER, *flags, "-c", ROOT / "src" / "core" / "tier_avx512.c", "-o", kernels])
    return kernels


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_avx512_by_simde(program, core, emulated, tmp_path):
    others = [path for path in core if path.name != "tier_avx2.o"]
    run_on_tiers(["avx2"], program, [emulated, *others], tmp_path)


def test_avx512_by_simde_is_not_avx512(emulated):
    if not shutil.which("objdump"):
        pytest.skip("no objdump")
    listing = run(["objdump", "-d", emulated])
    assert "%ymm" in listing
    assert "%zmm" not in listing
    assert "%k1" not in listing


# With -O1, since without it some intrinsics of GCC are macros, whose conversions count as ours.
STRICT = ["-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only"]


def found(compiler):
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler} on the path")
    return compiler


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
    run([found(compiler), *STRICT, f"-std={standard}", f"-I{HEADER.parent}", source])


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
    run([found(compiler), *STRICT, f"-std={standard}", f"-I{HEADER.parent}", source])


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_core_is_c11_without_a_warning(compiler):
    command = [found(compiler), *STRICT, "-std=c11", f"-I{HEADER.parent}"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda source: run([*command, source]), SOURCES))


# ---- in other people's programs ----------------------------------------------------------------

DRAWS = ROOT / "examples" / "embedding" / "draws.c"


@pytest.fixture(scope="module")
def draws_by_python():
    """What examples/embedding/draws.c prints."""
    p = softdraw.softmax(np.array([0.1, 0, 0.5, 1, 4, 0.6], np.float32), temperature=5)
    drawn = softdraw.AliasTable(p).sample(1_000_010, rng=7)
    lines = [[f"{share:.9g}" for share in p], drawn[:10], np.bincount(drawn[10:], minlength=6)]
    return "".join(" ".join(map(str, line)) + " \n" for line in lines)


def test_example_in_c_draws_as_python_does(core, tmp_path, draws_by_python):
    run([*COMPILER, *FLAGS, DRAWS, *core, "-o", tmp_path / "draws", "-lm"])
    for tier in TIERS:
        output = run([tmp_path / "draws"], env={**os.environ, "SOFTDRAW_ISA": tier})
        assert output == draws_by_python


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_one_command_compiles_a_program_with_the_core(compiler, tmp_path, draws_by_python):
    command = [found(compiler), "-O2", DRAWS, *SOURCES, f"-I{HEADER.parent}", "-lm"]
    run([*command, "-o", tmp_path / "draws"])
    assert run([tmp_path / "draws"]) == draws_by_python


def cmake(build, source, *options):
    """Configured, and built at -O1, which takes a third of the time of -O3."""
    flags = "-DCMAKE_C_FLAGS_RELEASE=-O1"
    run([found("cmake"), "-S", source, "-B", build, "-DCMAKE_BUILD_TYPE=Release", flags, *options])
    run(["cmake", "--build", build, "--parallel", os.cpu_count()])


def cmake_project(folder, get_softdraw, *options):
    """The program of a CMake project that uses softdraw, got in that way."""
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.15)\n"
        "project(draws LANGUAGES C)\n"
        f"{get_softdraw}\n"
        f"add_executable(draws {DRAWS})\n"
        "target_link_libraries(draws softdraw::softdraw)\n"
    )
    cmake(folder / "build", folder, *options)
    return folder / "build" / "draws"


@pytest.mark.slow
@pytest.mark.parametrize(("shared", "libdir"), [("OFF", "lib"), ("ON", "lib/of-some-machine")])
def test_an_installed_library_is_found_wherever_it_is_moved(
    shared, libdir, tmp_path, draws_by_python
):
    build, moved = tmp_path / "softdraw", tmp_path / "moved"
    cmake(build, ROOT, f"-DBUILD_SHARED_LIBS={shared}", f"-DCMAKE_INSTALL_LIBDIR={libdir}")
    run(["cmake", "--install", build, "--prefix", tmp_path / "prefix"])
    (tmp_path / "prefix").rename(moved)

    search = {**os.environ, "PKG_CONFIG_PATH": str(moved / libdir / "pkgconfig")}
    wanted = ["--cflags", "--libs", *(["--static"] if shared == "OFF" else [])]
    flags = run([found("pkg-config"), *wanted, "softdraw"], env=search).split()
    version = run(["pkg-config", "--modversion", "softdraw"], env=search)
    assert version.strip() == softdraw.__version__
    run([*COMPILER, DRAWS, *flags, "-o", tmp_path / "draws"])
    environment = {**os.environ, "LD_LIBRARY_PATH": str(moved / libdir)}
    assert run([tmp_path / "draws"], env=environment) == draws_by_python

    find = f"find_package(softdraw {softdraw.__version__} REQUIRED)"
    program = cmake_project(tmp_path, find, f"-DCMAKE_PREFIX_PATH={moved};{moved / libdir}/cmake")
    assert run([program]) == draws_by_python

    if shared == "ON" and shutil.which("nm"):
        listing = run(["nm", "-D", "--defined-only", moved / libdir / "libsoftdraw.so"])
        names = {line.split()[-1] for line in listing.splitlines()}
        assert names == set(re.findall(r"^[a-z].*?\b(softdraw_\w+)\(", softdraw.get_cdef(), re.M))


@pytest.mark.slow
def test_a_cmake_project_compiles_the_sources_that_it_fetches(tmp_path, draws_by_python):
    fetch = (
        "include(FetchContent)\n"
        f"FetchContent_Declare(softdraw SOURCE_DIR {ROOT})\n"
        "FetchContent_MakeAvailable(softdraw)"
    )
    assert run([cmake_project(tmp_path, fetch)]) == draws_by_python


# ---- what the core is ----------------------------------------------------------------------------


def test_core_exports_only_names_with_its_prefix(core):
    if not shutil.which("nm"):
        pytest.skip("no nm")
    listing = run(["nm", "-g", "--defined-only", *core])
    names = [line.split()[-1] for line in listing.splitlines() if len(line.split()) == 3]
    assert names
    assert [name for name in names if not name.lstrip("_").startswith(("softdraw_", "sd_"))] == []


def test_core_allocates_nothing_and_prints_nothing(core):
    if not shutil.which("nm"):
        pytest.skip("no nm")
    needed = {line.split()[-1] for line in run(["nm", "-u", *core]).splitlines() if " U " in line}
    banned = {"malloc", "calloc", "realloc", "free", "printf", "fprintf", "puts", "abort", "exit"}
    assert not needed & banned


def test_an_unknown_tier_is_an_error_code(core, tmp_path):
    source = tmp_path / "unknown.c"
    source.write_text(
        '#include "softdraw.h"\n'
        "int main(void) {\n"
        "    const float x = 1;\n"
        "    const double t = 1;\n"
        "    float y = 7;\n"
        "    const int error = softdraw_softmax_f32(&x, 1, &y, 1, 1, 1, &t, 0);\n"
        "    return !(softdraw_tier_in_use() < 0 && error == SOFTDRAW_ERROR_ISA && y == 7);\n"
        "}\n"
    )
    binary = tmp_path / "unknown"
    run([*COMPILER, *FLAGS, source, *core, "-o", binary, "-lm"])
    run([binary], env={**os.environ, "SOFTDRAW_ISA": "sse9"})
