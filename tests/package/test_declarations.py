"""tools/declarations.py: what it makes of softdraw.h, and what it refuses to."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

if not (ROOT / "tools" / "declarations.py").exists():
    pytest.skip("tools/ is not beside tests/", allow_module_level=True)
sys.path.insert(0, str(ROOT / "tools"))
import declarations  # noqa: E402

TEXT = (ROOT / "include" / "softdraw.h").read_text(encoding="utf-8")
ONE = "int softdraw_version(void);"


def with_declaration(declaration):
    """The header with one more."""
    assert TEXT.count(ONE) == 1
    return TEXT.replace(ONE, f"{ONE}\n{declaration}")


def test_the_committed_files_are_what_it_makes(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["declarations.py", "--check"])
    assert declarations.main() == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", declarations.GENERATORS)
def test_a_stale_file_is_named_and_written(name, monkeypatch, capsys, tmp_path):
    for path in (declarations.HEADER, *declarations.GENERATORS):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    good = (tmp_path / name).read_text(encoding="utf-8")
    (tmp_path / name).write_text(good.replace("softmax_f32", "softmax_f23"), encoding="utf-8")
    monkeypatch.setattr(declarations, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["declarations.py", "--check"])
    assert declarations.main() == 1
    assert capsys.readouterr().out == f"{name} is not what tools/declarations.py makes\n"
    monkeypatch.setattr(sys, "argv", ["declarations.py"])
    assert declarations.main() == 0
    assert (tmp_path / name).read_text(encoding="utf-8") == good
    (tmp_path / name).write_text(re.sub(".*: end.*", "", good), encoding="utf-8")
    assert declarations.main() == 1
    assert capsys.readouterr().err == f"{name}: the marks of tools/declarations.py are missing\n"


def test_indices_follow_the_list_and_not_the_header():
    header = declarations.read_header(TEXT)
    header.functions = dict(reversed(header.functions.items()))
    members = "\n".join(declarations.list_members(header))
    found = re.findall(r"^    /\* +(\d+) \*/ .*?\(\*(\w+)\)\(", members, re.MULTILINE)
    assert found == [(str(i), name) for i, name in enumerate(declarations.MEMBERS)]


def test_no_line_is_longer_than_100_columns():
    header = declarations.read_header(TEXT)
    for generate in declarations.GENERATORS.values():
        for line in "\n".join(generate(header)).splitlines():
            assert len(line.partition("  # type:")[0]) <= 100


def test_a_function_must_be_in_the_list_and_in_the_header():
    with pytest.raises(ValueError, match="MEMBERS of tools/declarations.py lacks 'new': append it"):
        declarations.read_header(with_declaration("int softdraw_new(size_t n);"))
    with pytest.raises(ValueError, match="softdraw_version is gone, which breaks programs"):
        declarations.read_header(TEXT.replace(ONE, ""))


@pytest.mark.parametrize(
    "declaration",
    [
        "int softdraw_new(size_t n)[3];",
        "int softdraw_new(int (*f)(int (*g)(void)));",
        "int softdraw_new(size_t n = 3);",
        "int softdraw_new(size_t, int);",
        "extern int softdraw_new;",
        "#define SOFTDRAW_NEW 1\nint softdraw_new(size_t n);",
        "typedef struct { int n : 3; } softdraw_new;",
        "enum softdraw_new { SOFTDRAW_NEW = sizeof(int) };",
        "union softdraw_new { int i; float f; };",
    ],
)
def test_what_it_cannot_read_is_named(declaration):
    with pytest.raises(ValueError, match="cannot read '.*(new|NEW|n : 3|size_t|int)"):
        declarations.read_header(with_declaration(declaration))


def test_a_type_that_numba_is_not_told_of_is_named():
    with pytest.raises(ValueError, match="NUMBA_TYPES of tools/declarations.py lacks 'float'"):
        declarations.read_header(with_declaration("int softdraw_new(float x);"))


def test_parameters_of_every_kind_are_read():
    read = declarations.read_function(
        "const char *softdraw_f(const uint64_t state[4], uint64_t (*next)(void *state), "
        "void *state, double range[2], size_t n)"
    )
    assert (read.result, read.name) == ("const char *", "f")
    assert [p.name for p in read.parameters] == ["state", "next", "state", "range", "n"]
    assert [p.numba_type for p in read.parameters] == 4 * ["voidptr"] + ["uintp"]
    assert declarations.read_function("int softdraw_g(void)").parameters == []
