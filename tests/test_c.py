"""Every program in tests/c, compiled with the C core alone and run on every tier.

The AVX-512 kernels run by emulation, too, so that a CPU without AVX-512 tests them."""

import os
import platform
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import softdraw

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src" / "core").glob("*.c"))
HEADER = ROOT / "include" / "softdraw.h"
PROGRAMS = sorted((ROOT / "tests" / "c").glob("*.c"))
TIERS = softdraw.cpu_info()["tiers"]
COMPILER = shlex.split(os.environ.get("CC") or "cc")
FLAGS = ["-O2", "-std=c11", f"-I{ROOT / 'include'}", f"-I{ROOT / 'src' / 'core'}"]

if not (SOURCES and HEADER.exists()):
    pytest.skip("the C sources are not beside the tests", allow_module_level=True)
if not shutil.which(COMPILER[0]):
    pytest.skip(f"no C compiler: {COMPILER[0]} is not on the path", allow_module_level=True)


def run(command, **keywords):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **keywords)
    assert done.returncode == 0, f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}"
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


@pytest.mark.parametrize("flags", [["-std=c11", "-pedantic"], ["-std=c99"]], ids=" ".join)
def test_header_compiles_alone_without_a_warning(flags, tmp_path):
    source = tmp_path / "header.c"
    source.write_text(
        '#include "softdraw.h"\nint main(void) { return softdraw_tier_name(0) == 0; }\n'
    )
    strict = ["-Wall", "-Wextra", "-Werror", f"-I{HEADER.parent}"]
    run([*COMPILER, *flags, *strict, "-c", source, "-o", tmp_path / "header.o"])


def test_header_compiles_as_cxx(tmp_path):
    compiler = shlex.split(os.environ.get("CXX") or "c++")
    if not shutil.which(compiler[0]):
        pytest.skip(f"no C++ compiler: {compiler[0]} is not on the path")
    source = tmp_path / "header.cpp"
    source.write_text(
        '#include "softdraw.h"\nint main() { return softdraw_tier_name(0) == nullptr; }\n'
    )
    strict = ["-Wall", "-Wextra", "-Werror", f"-I{HEADER.parent}"]
    run([*compiler, *strict, "-c", source, "-o", tmp_path / "header.o"])


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
