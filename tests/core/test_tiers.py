"""All tiers of kernels that this CPU can run give the same bits."""

import numpy as np
import pytest
from tiers import run_on_tier

import softdraw

TIERS = softdraw.cpu_info()["tiers"]
REDUCTIONS = [softdraw.logsumexp, softdraw.entropy]
VARIANTS = ["contiguous", "unaligned", "scattered", "reversed", "in place", "into columns"]


@pytest.fixture(scope="module")
def reference():
    return run_on_tier("scalar", "import tiers; tiers.print_digests()").splitlines()


@pytest.mark.parametrize("tier", [tier for tier in TIERS if tier != "scalar"])
def test_softmax_family_has_the_bits_of_the_scalar_tier(tier, reference):
    digests = run_on_tier(tier, "import tiers; tiers.print_digests()").splitlines()
    assert len(digests) == len(reference)
    pairs = zip(digests, reference, strict=True)
    differing = [line.split("\t")[0] for line, wanted in pairs if line != wanted]
    assert not differing


@pytest.mark.parametrize("tier", TIERS)
def test_no_way_to_pass_an_array_changes_a_bit(tier):
    printed = run_on_tier(tier, "import test_tiers; test_tiers.print_what_differs()")
    assert printed == "compared\n"


@pytest.mark.parametrize("tier", TIERS)
def test_all_minus_infinity_is_nan_on_every_tier(tier):
    """ONNX Runtime's answer depends on the CPU."""
    code = """
import numpy as np, softdraw
for dtype in (np.float32, np.float64):
    for n in range(1, 70):
        x = np.full((3, n), -np.inf, dtype)
        x[1] = 0
        y = softdraw.softmax(x)
        assert np.isnan(y[[0, 2]]).all() and (y[1] == dtype(1) / dtype(n)).all()
        y = softdraw.log_softmax(x)
        assert np.isnan(y[[0, 2]]).all() and not np.isnan(y[1]).any()
        assert (softdraw.logsumexp(x)[[0, 2]] == -np.inf).all()
"""
    run_on_tier(tier, code)


@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_is_within_the_promised_error(tier):
    code = """
import numpy as np, oracle, softdraw, tiers
for dtype in (np.float32, np.float64):
    rows = [(spread * tiers.bell(seed, (30, n))).astype(dtype)
            for seed, (spread, n) in enumerate([(1, 33), (3, 100), (30, 100), (200, 257)])]
    for x in rows:
        for temperature in (0.7, 1.0, 1e-30):
            for name in oracle.FUNCTIONS:
                result = getattr(softdraw, name)(x, temperature=temperature)
                oracle.check(name, result, x, temperature)
"""
    run_on_tier(tier, code)


@pytest.mark.parametrize("tier", TIERS)
def test_forced_tier_is_the_one_in_use(tier):
    printed = run_on_tier(tier, "import softdraw; print(softdraw.cpu_info()['tier'])")
    assert printed.strip() == tier


def test_no_forced_tier_is_the_last_available():
    info = run_on_tier("", "import softdraw; print(softdraw.cpu_info()['tier'])")
    assert info.strip() == TIERS[-1]


@pytest.mark.parametrize("tier", ["sse9", "AVX2", "avx2 ", "0", "scalar,avx2"])
def test_an_unknown_tier_is_an_import_error(tier):
    text = run_on_tier(tier, "import softdraw", status=1).strip().splitlines()[-1]
    assert text == (
        f"ImportError: SOFTDRAW_ISA={tier!r} names a tier that this CPU or build lacks; "
        f"it can run {', '.join(TIERS)}"
    )


def test_a_tier_is_chosen_once_per_process():
    code = """
import os
try:
    import softdraw
except ImportError:
    os.environ["SOFTDRAW_ISA"] = "scalar"
    import softdraw
"""
    text = run_on_tier("sse9", code, status=1).strip().splitlines()[-1]
    assert text.startswith(
        "ImportError: SOFTDRAW_ISA named a tier that this CPU or build lacks when"
    )


def test_a_tier_of_another_machine_is_an_import_error():
    (lacking, *_) = [t for t in ("neon", "avx512", "avx2", "scalar") if t not in TIERS]
    errors = run_on_tier(lacking, "import softdraw", status=1)
    assert f"ImportError: SOFTDRAW_ISA='{lacking}' names a tier" in errors


def test_cpu_info_names_the_tier_and_the_tiers():
    info = softdraw.cpu_info()
    assert set(info) == {"tier", "tiers"}
    assert info["tier"] in info["tiers"]
    assert info["tiers"][0] == "scalar"
    assert set(info["tiers"]) <= {"scalar", "avx2", "avx512", "neon"}


def test_cpu_info_is_a_fresh_dict():
    softdraw.cpu_info()["tiers"].clear()
    assert softdraw.cpu_info()["tiers"] == TIERS


def print_what_differs():
    """Run in a process of its own: the same rows passed in other ways, against one row alone."""
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for n in [*range(131), 1000, 4097, 70001]:
            x = rng.normal(0, 4, (3, n)).astype(dtype)
            for function in (softdraw.softmax, softdraw.log_softmax, *REDUCTIONS):
                wanted = np.array([function(row, temperature=0.7) for row in x], dtype).tobytes()
                for variant in VARIANTS:
                    if passed(variant, function, x).tobytes() != wanted:
                        print(f"{function.__name__} {np.dtype(dtype)} n={n} {variant}")
    print("compared")


def passed(variant, function, x):
    has_out = function not in REDUCTIONS
    if variant == "unaligned":
        memory = np.empty(x.nbytes + 1, np.uint8)
        copy = memory[1:].view(x.dtype).reshape(x.shape)
        copy[...] = x
        return function(copy, temperature=0.7, **({"out": copy} if has_out else {}))
    if variant == "scattered":
        memory = np.zeros((3, 2 * x.shape[1] + 1), x.dtype)
        memory[:, 1::2] = x
        return function(memory[:, 1::2], temperature=0.7)
    if variant == "reversed":
        return function(np.ascontiguousarray(x[:, ::-1])[:, ::-1], temperature=0.7)
    if variant == "in place" and has_out:
        return function(x.copy(), temperature=0.7, out=x.copy())
    if variant == "into columns":
        return np.ascontiguousarray(function(np.asfortranarray(x).T, temperature=0.7, axis=0).T)
    return function(x, temperature=0.7)
