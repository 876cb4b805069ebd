"""`softdraw` and `python -m softdraw`: the numbers, the layout, the complaints."""

import errno
import json
import math
import os
import re
import sys

import numpy as np
import processes
import pytest
from messages import exactly

from softdraw import AliasTable, Xoshiro256, __version__, cpu_info, softmax
from softdraw.__main__ import cells, fit, main

GREETINGS = {"Ni Hao": 0.1, "Konnichiwa": 0, "Hola": 0.5, "Namaste": 1, "Hello": 4, "Ciao": 0.6}
FEW = ["--draws", "1000", "--seed", "7"]


def run(*arguments, environment=None, **keywords):
    """The finished command, whose output is bytes."""
    command = [sys.executable, "-m", "softdraw", *arguments]
    environment = {"PYTHONUTF8": "1", **(environment or {})}
    return processes.run(command, environment=environment, text=False, **keywords)


@pytest.fixture(autouse=True)
def called_by_its_name(monkeypatch):
    monkeypatch.setattr("sys.argv", ["softdraw"])


def text(capsys, *arguments):
    assert main(arguments) == 0
    return capsys.readouterr().out


def blocks(output):
    """Temperature -> token -> [logit, probability, drawn] as they are printed."""
    found = {}
    for paragraph in output.split("\n\n")[1:]:
        heading, *rows, _ = paragraph.splitlines()
        rows = [re.match(r"(.+?)  +(\S+) +(\S+) +(\S+)", row).groups() for row in rows]
        found[heading.split("  ")[0].strip()] = {token: values for token, *values in rows}
    return found


def document(capsys, *arguments):
    return json.loads(text(capsys, "--json", *arguments))


def probabilities(capsys, *arguments):
    """Temperature -> probabilities, from the JSON."""
    results = document(capsys, "--draws", "0", *arguments)["results"]
    return {result["temperature"]: np.array(result["probabilities"]) for result in results}


def cut(digits, places):
    """A printed number cut, not rounded."""
    return digits[: digits.index(".") + 1 + places]


# ---- numbers -------------------------------------------------------------------------------------


def test_the_example_is_six_greetings(capsys):
    shown = document(capsys, "--draws", "0")
    assert dict(zip(shown["tokens"], shown["logits"], strict=True)) == GREETINGS


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("T = 0", "0.00 0.00 0.00 0.00 1.00 0.00"),
        ("T = 1", "0.01 0.01 0.02 0.04 0.86 0.02"),
        ("T = 5", "0.13 0.12 0.14 0.15 0.28 0.14"),
    ],
)
def test_the_example_shows_the_known_numbers(capsys, title, expected):
    rows = blocks(text(capsys, *FEW))[title]
    assert list(rows) == list(GREETINGS)
    assert [cut(p, 2) for _, p, _ in rows.values()] == expected.split()


def test_higher_temperatures_flatten_towards_equal_shares(capsys):
    rows = list(probabilities(capsys).values())
    spreads = [np.ptp(row) for row in rows]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[0] == 1
    assert rows[-1] == pytest.approx(1 / 6, abs=0.006)


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        (1, [0.26894142, 0.73105858]),
        (2, [0.37754067, 0.62245933]),
        (5, [0.450166, 0.549834]),
    ],
)
def test_softmax_of_one_and_two(capsys, temperature, expected):
    rows = blocks(text(capsys, "a=1", "b=2", *FEW))[f"T = {temperature}"]
    assert [float(p) for _, p, _ in rows.values()] == expected


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        ["a=1", "b=2"],
        ["a=1000", "b=1001", "c=-1000"],
        ["a=1e308", "b=-1e308"],
        ["a=-inf", "b=5e-324", "c=0", "d=0"],
    ],
)
def test_every_row_meets_the_criteria_of_a_softmax(capsys, pairs):
    temperatures = "0,5e-324,0.5,1,2,5,100,1e308,inf"
    shown = document(capsys, "--draws", "0", "-T", temperatures, *pairs)
    logits = np.array([float(logit) for logit in shown["logits"]])
    order = np.argsort(logits, kind="stable")
    assert len(shown["results"]) == 9
    for result in shown["results"]:
        row = np.array(result["probabilities"])
        assert row.shape == logits.shape
        assert (row >= 0).all()
        assert (np.diff(row[order]) >= 0).all()
        assert math.fsum(row) == pytest.approx(1, abs=1e-15 * len(row))


def test_probabilities_and_counts_are_those_of_the_library(capsys):
    arguments = ["-T", "0,0.7,inf", "--draws", "3000", "--seed", "11"]
    shown = document(capsys, *arguments)
    logits = np.array(list(GREETINGS.values()))
    for result in shown["results"]:
        temperature = float(result["temperature"])
        drawn = AliasTable.from_logits(logits, temperature=temperature).sample(
            3000, rng=Xoshiro256(11)
        )
        assert result["probabilities"] == softmax(logits, temperature=temperature).tolist()
        assert result["counts"] == np.bincount(drawn, minlength=6).tolist()


def test_more_draws_than_are_held_in_memory_at_a_time_make_one_stream(capsys, monkeypatch):
    whole = document(capsys, *FEW)["results"]
    monkeypatch.setattr("softdraw.__main__.CHUNK", 37)
    pieces = document(capsys, *FEW)["results"]
    assert [r["counts"] for r in whole] == [r["counts"] for r in pieces]


def test_shares_come_close_to_the_probabilities_in_a_million_draws(capsys):
    for result in document(capsys, "--seed", "7")["results"]:
        p = np.array(result["probabilities"])
        spread = np.sqrt(p * (1 - p) / 1e6)
        assert (np.abs(np.array(result["counts"]) / 1e6 - p) <= 5 * spread).all()


def test_numpy_gives_the_same_probabilities():
    from softdraw.__main__ import with_numpy, with_softdraw

    logits = np.array([*GREETINGS.values(), -math.inf, -1e308])
    for temperature in (0, 1e-300, 0.5, 1, 5, 1e300, math.inf):
        ours, _ = with_softdraw(logits, temperature, Xoshiro256(7))
        theirs, _ = with_numpy(logits, temperature, np.random.default_rng(7))
        assert ours == pytest.approx(theirs, rel=1e-13)


# ---- arguments -----------------------------------------------------------------------------------


def test_a_seed_repeats_the_draws_whatever_other_temperatures_are_shown(capsys):
    alone = document(capsys, "-T", "2", *FEW)["results"]
    among = document(capsys, "-T", "1", "-T", "5,2", *FEW)["results"]
    assert [result["temperature"] for result in among] == [1, 5, 2]
    assert among[2]["counts"] == alone[0]["counts"]


def test_without_a_seed_draws_differ(capsys):
    one, two = (document(capsys, "-T", "5")["results"][0]["counts"] for _ in range(2))
    assert one != two


@pytest.mark.parametrize(
    ("pair", "token", "logit"),
    [
        ("Ni Hao=0.1", "Ni Hao", 0.1),
        ("a=b=2", "a=b", 2.0),
        ("==1", "=", 1.0),
        (" the=-1e3", " the", -1000.0),
    ],
)
def test_a_pair_is_split_at_its_last_equals_sign(capsys, pair, token, logit):
    shown = document(capsys, pair, *FEW)
    assert (shown["tokens"], shown["logits"]) == ([token], [logit])


def test_a_logit_of_minus_infinity_is_never_drawn(capsys):
    shown = document(capsys, "yes=1", "never=-inf", "-T", "0,1,inf", *FEW)
    assert shown["logits"] == [1, "-inf"]
    assert [result["temperature"] for result in shown["results"]] == [0, 1, "inf"]
    assert all(result["counts"] == [1000, 0] for result in shown["results"])


def test_options_and_pairs_come_in_any_order(capsys):
    assert document(capsys, "a=1", "-T", "1", "b=2", *FEW)["tokens"] == ["a", "b"]


def test_tokens_that_begin_with_a_dash_follow_two_dashes(capsys):
    assert document(capsys, "a=1", *FEW, "--", "-b=2", "--c=3")["tokens"] == ["a", "-b", "--c"]


def test_json_is_strict_and_complete(capsys):
    shown = document(capsys, "a=1", "b=-inf", "-T", "1", *FEW)
    (result,) = shown.pop("results")
    assert sorted(result["seconds"]) == ["numpy", "softdraw"]
    assert {key: shown[key] for key in ("softdraw", "numpy", "seed", "draws")} == {
        "softdraw": __version__,
        "numpy": np.__version__,
        "seed": 7,
        "draws": 1000,
    }
    assert shown.keys() == {"softdraw", "tier", "numpy", "seed", "draws", "tokens", "logits"}
    assert result.keys() == {"temperature", "probabilities", "counts", "seconds"}


def test_help_and_version(capsys):
    for option, expected in [("--help", "token=logit"), ("--version", f"softdraw {__version__}")]:
        with pytest.raises(SystemExit) as exit_:
            main([option])
        assert exit_.value.code == 0
        assert expected in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a"], "'a' is not token=logit"),
        (["=1"], "'=1' is not token=logit"),
        (["a=x"], "the logit of 'a' is not a number: 'x'"),
        (["a="], "the logit of 'a' is not a number: ''"),
        (["a=nan"], "the logit of 'a' must be finite or -inf, not nan"),
        (["a=1", "b=inf"], "the logit of 'b' must be finite or -inf, not inf"),
        (["a=1e400"], "the logit of 'a' must be finite or -inf, not 1e400"),
        (["a=1", "a=2"], "'a' is given twice"),
        (["a=-inf", "b=-inf"], "every logit is -inf"),
        (["two\nlines"], r"'two\nlines' is not token=logit"),
        (["-T", "-1"], "argument -T/--temperature: a temperature is at least 0, not -1"),
        (["-T", "1,nan"], "argument -T/--temperature: a temperature is at least 0, not nan"),
        (["-T", "hot"], "argument -T/--temperature: 'hot' is not a number"),
        (["-T", "1,"], "argument -T/--temperature: '' is not a number"),
        (["-T"], "argument -T/--temperature: expected one argument"),
        (["--draws", "-1"], "argument --draws: '-1' is not a whole number, 0 or more"),
        (["--draws", "1.5"], "argument --draws: '1.5' is not a whole number, 0 or more"),
        (["--seed", "-1"], "argument --seed: '-1' is not a whole number, 0 or more"),
        (["--see", "1"], "unrecognized arguments: --see"),
        (["--two\nlines"], r"unrecognized arguments: --two\nlines"),
        (
            ["a=1", "-b=1", "-c"],
            "unrecognized arguments: -b=1 -c; a token that begins with - comes after --,"
            " as in: softdraw -- -b=1",
        ),
        (["bench", "a=1"], "'bench' is not token=logit; 'softdraw bench' takes nothing else"),
        (["--file", "no/such"], f"cannot read no/such: {os.strerror(2)}"),
        (["a" * 10**6], f"'{'a' * 57}...' is not token=logit"),
        (
            ["--seed", "x" * 5000],
            f"argument --seed: '{'x' * 57}...' is not a whole number, 0 or more",
        ),
        (
            ["--seed", "1" * 5000],
            f"argument --seed: '{'1' * 57}...' has 5,000 digits, more than Python reads",
        ),
        (
            ["--seed", "+" + "1" * 5000],
            f"argument --seed: '+{'1' * 56}...' has 5,000 digits, more than Python reads",
        ),
        (["--file", ""], "argument --file: the name of the file is empty"),
        (["--plot", ""], "argument --plot: the name of the file is empty"),
        (["--plot", "bars"], "--plot needs a name with a suffix, such as bars.png, not bars"),
    ],
)
def test_bad_input_gets_a_clear_line_another_that_names_help_and_status_2(
    capsys, arguments, message
):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"softdraw: {message}\nTry 'softdraw --help'.\n"


# ---- files ---------------------------------------------------------------------------------------


def test_tokens_are_read_from_a_file_before_those_that_are_given(capsys, tmp_path):
    file = tmp_path / "logits.txt"
    file.write_bytes("\ufeffNi Hao=0.1\r\n\r\n你好=-inf\nb=2".encode())
    shown = document(capsys, "--file", str(file), "c=3", *FEW)
    assert shown["tokens"] == ["Ni Hao", "你好", "b", "c"]
    assert shown["logits"] == [0.1, "-inf", 2, 3]


def test_tokens_are_read_from_the_standard_input():
    """Only what ends lines in files does, and no other character that may."""
    done = run("--file", "-", "--json", *FEW, input="a=1\nb\u2028c\f=2\r\nd=3\r".encode())
    assert json.loads(done.stdout)["tokens"] == ["a", "b\u2028c\f", "d"]


def test_a_closed_standard_input_is_said(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)  # as Python has it then
    with pytest.raises(SystemExit):
        main(["--file", "-"])
    assert "softdraw: cannot read the standard input: it is closed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a=1\nb\n", "'b' is not token=logit"),
        (b"\xff=1\n", "{} is not text in UTF-8"),
        (b"\n \n", "no token=logit in {}"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(capsys, tmp_path, content, message):
    file = tmp_path / "logits.txt"
    file.write_bytes(content)
    with pytest.raises(SystemExit):
        main(["--file", str(file)])
    assert capsys.readouterr().err.splitlines()[0] == "softdraw: " + message.format(file)


def test_bars_are_drawn_into_a_file(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    file = tmp_path / "bars.svg"
    text(capsys, "a$b=1", "c$d=2", "-T", "0,1,2,3", "--plot", str(file), *FEW)
    assert "<svg" in file.read_text(encoding="utf-8")


def test_a_plot_that_cannot_be_written_is_said(tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(SystemExit, match="^softdraw: --plot: Format 'foo' is not supported"):
        main(["--plot", str(tmp_path / "bars.foo"), *FEW])
    file = tmp_path / "nowhere" / "bars.png"
    said = f"softdraw: cannot write {file}: {os.strerror(errno.ENOENT)}"
    with pytest.raises(SystemExit, match=exactly(said)):
        main(["--plot", str(file), *FEW])


def test_without_matplotlib_a_plot_is_an_error_with_the_way_out(capsys, monkeypatch):
    monkeypatch.setattr("softdraw.__main__.find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        main(["--plot", "bars.png"])
    assert "--plot needs matplotlib; pip install matplotlib brings it" in capsys.readouterr().err


# ---- speed and tiers -----------------------------------------------------------------------------


def test_bench_compares_with_numpy_and_says_where_results_go(capsys, monkeypatch):
    monkeypatch.setattr("softdraw._bench.main.__defaults__", (0.01,))
    shown = text(capsys, "bench")
    tier = cpu_info()["tier"]
    assert shown.startswith(f"softdraw {__version__}, tier {tier}, one thread\nNumPy ")
    assert "(out=)" in shown
    rows = re.findall(r"^(.+?)  +\d\S* [mnu]s  +\d\S* [mnu]s +\d+\.\dx$", shown, re.MULTILINE)
    assert len(rows) == 6
    assert "a million draws from 1,000 weights" in rows


def test_both_libraries_of_bench_do_the_same(monkeypatch):
    from softdraw import _bench

    x = np.random.default_rng(1).normal(size=(3, 40)).astype(np.float32)
    out = np.empty_like(x)
    _bench.softmax_into(out, x)
    assert out == pytest.approx(softmax(x, temperature=0.7), rel=1e-4)
    rng = np.random.default_rng(2)
    drawn = [_bench.draw_from_logits(x[0, :4], rng) for _ in range(20_000)]
    p = softmax(x[0, :4], temperature=0.7)
    assert np.bincount(drawn, minlength=4) / 20_000 == pytest.approx(p, abs=0.02)


def test_draws_go_into_one_array(monkeypatch):
    """So that what is timed is not the system that gives memory."""
    from softdraw.__main__ import timed

    arrays = []

    def draw(out):
        arrays.append((out.base if out.base is not None else out).ctypes.data)
        return np.zeros(len(out), np.int64)

    monkeypatch.setattr("softdraw.__main__.CHUNK", 10)
    timed(lambda: (np.ones(1), draw), 35)
    assert len(arrays) == 4
    assert len(set(arrays)) == 1


@pytest.mark.parametrize("tier", cpu_info()["tiers"])
def test_the_tier_in_use_is_named_and_the_slow_one_explained(tier):
    environment = {"SOFTDRAW_ISA": tier, "COLUMNS": "1000"}
    shown = run("a=1", *FEW, environment=environment).stdout.decode()
    assert f"with its {tier} kernels" in shown
    assert ("x86 CPUs without AVX2 and fma" in shown) == (tier == "scalar")
    others = len(cpu_info()["tiers"]) > 1
    assert ("but SOFTDRAW_ISA asks for scalar" in shown) == (tier == "scalar" and others)


# ---- layout --------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_lines_fit_the_terminal(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    output = text(capsys, "Ni Hao=0.1", "你好=1", "🎉=2", "long " * 30 + "=-3", *FEW)
    widths = [cells(line) for line in output.splitlines()]
    assert max(widths) <= columns
    assert "█" in output


def test_a_very_narrow_terminal_goes_without_bars(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "45")
    assert "█" not in text(capsys, "a=1", "b=2", *FEW)


def test_columns_line_up_whatever_the_tokens(capsys):
    output = text(capsys, "Ni Hao=0.1", "你好=-inf", "🎉=2", "e\u0301=-30.25", "a\nb=-700", *FEW)
    for paragraph in output.split("\n\n")[1:]:
        heading, *rows, _ = paragraph.splitlines()
        ends = {cells(re.match(r".+?  +\S+ +\S+ +\S+", row)[0]) for row in [heading, *rows]}
        assert len(ends) == 1


def test_a_tiny_probability_does_not_look_like_zero(capsys):
    rows = blocks(text(capsys, "a=0", "b=-50", "c=-inf", "-T", "1", *FEW))["T = 1"]
    assert [p for _, p, _ in rows.values()] == ["1.00000000", "1.929e-22", "0.00000000"]


def test_equal_maxima_at_temperature_zero_are_explained(capsys):
    note = "at T = 0 equal maxima share the probability, and draws take the first"
    tied = text(capsys, "a=0", "b=2", "c=2", "-T", "0,1", *FEW)
    assert tied.count(note) == 1
    assert note not in text(capsys, "a=0", "b=2", "-T", "0,1", *FEW)


def test_fit_cuts_and_fills_by_cells():
    assert fit("ab", 4) == "ab  "
    assert fit("你好", 5) == "你好 "
    assert fit("你好你好", 7) == "你好..."
    assert fit("你好你好", 6) == "你... "


# ---- as a process --------------------------------------------------------------------------------


def test_the_command_runs_as_a_module():
    done = run(*FEW)
    assert done.stderr == b""
    assert "█" in done.stdout.decode("utf-8")
    assert b"Try 'python -m softdraw --help'" in run("a", status=2).stderr


def test_the_command_runs_by_its_name():
    command = [processes.find("softdraw"), "a=1", *FEW]
    done = processes.run(command, environment={"PYTHONUTF8": "1"})
    assert done.stderr == ""
    assert "█" in done.stdout


def test_output_that_cannot_say_a_character_escapes_it():
    done = run("你好=1", *FEW, environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.stderr == b""
    shown = done.stdout.decode("ascii")
    assert r"\u4f60\u597d" in shown
    assert "####" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="arguments are not bytes there")
def test_an_argument_in_no_known_encoding_is_escaped():
    done = run(b"\xff=1", *FEW)
    assert done.stderr == b""
    assert rb"\udcff" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close otherwise there")
@pytest.mark.parametrize("argument", ["--draws=1000", "--json", "--help"])
def test_a_reader_that_goes_away_is_no_error_to_speak_of(argument):
    reading, writing = os.pipe()
    os.close(reading)
    buffered = {"PYTHONUNBUFFERED": ""}  # argparse ignores the error where nothing is buffered
    done = run(argument, status=1, stdout=writing, environment=buffered)
    os.close(writing)
    assert done.stderr == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_is_one_line():
    with open("/dev/full", "w") as full:
        done = run("a=1", *FEW, status=1, stdout=full)
    assert re.fullmatch(rb"softdraw: cannot write: [^\n]+\n", done.stderr)


def test_a_closed_standard_output_is_said(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)  # as Python has it then
    for words in (["a=1", *FEW], ["bench"]):
        with pytest.raises(
            SystemExit, match=exactly("softdraw: cannot write: the standard output is closed")
        ):
            main(words)


def test_minus_zero_is_zero(capsys):
    assert document(capsys, "-T", "-0", *FEW)["results"][0]["temperature"] == 0
    assert "T = -0" not in text(capsys, "-T", "-0", *FEW)
