"""The page of the playground, in a headless Chromium, against softdraw in Python.

The page is opened as a file, as a reader without a network would. What it shows is compared with
what Python gives for the same logits, filters and seed, to the bit.
"""

import math
import shutil
import struct
import sys
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from processes import find, run

import softdraw

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "playground" / "softdraw_playground.html"
if not PAGE.exists():
    pytest.skip("playground/ is not beside tests/", allow_module_level=True)
api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
if not CHROMIUM:
    pytest.skip("no chromium on the path", allow_module_level=True)
pytestmark = pytest.mark.timeout(300)

GREETINGS = {"Ni Hao": 0.1, "Konnichiwa": 0, "Hola": 0.5, "Namaste": 1, "Hello": 4, "Ciao": 0.6}
LATEST = 32


@pytest.fixture(scope="module")
def browser():
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """A function that opens the page with a fragment in a context without a network. The test fails
    if the page has an error, opens a dialog or asks for anything but itself."""
    contexts, faults, requests = [], [], []

    def open_page(fragment="", width=1280, scheme="light", file=PAGE):
        context = browser.new_context(
            viewport={"width": width, "height": 844}, color_scheme=scheme, offline=True
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text))
        page.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url.split("#")[0]))
        page.goto(file.as_uri() + fragment)
        wait(page, "Boolean(window.softdraw)")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
    assert all(url.startswith("blob:") or url.endswith(".html") for url in requests), requests
    assert sum(url.endswith(".html") for url in requests) == len(contexts)


def fragment(words=GREETINGS, **state):
    """The link's end for words with their logits, and for T, k, p, m, seed and draws."""
    pairs = [pair for word, logit in words.items() for pair in (("word", word), ("logit", logit))]
    return "#" + urlencode([*state.items(), *pairs])


def wait(page, condition):
    """Waits until it is true. The policy of the page forbids how playwright itself would wait."""
    for _ in range(400):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"not within 20 seconds: {condition}")


def follow(page, fragment):
    """Follows a link to the page within the page."""
    page.evaluate(
        """hash => new Promise((done) => {
            addEventListener("hashchange", () => done(), {once: true});
            location.hash = hash;
        })""",
        fragment,
    )


def number(bits):
    return struct.unpack(">d", bytes.fromhex(bits))[0]


def shown(page):
    """The state and the results on the page; None if a field is invalid."""
    state = page.evaluate("softdraw.state()")
    if state is None:
        return None
    for name in ("logits", "before", "after"):
        state[name] = np.array([number(bits) for bits in state[name]])
    for name in ("T", "p", "m", "entropy", "perplexity", "entropyAfter", "perplexityAfter"):
        state[name] = number(state[name])
    return state


def check(state):
    """Assert that the numbers on the page are those of Python. The filtered ones are those of
    softmax and entropy of the logits that the page says are kept."""
    logits, temperature = state["logits"], state["T"]
    cut = np.array([reason != "" for reason in state["reasons"]])
    kept = np.where(cut, -np.inf, logits)
    for x, p, h, perplexity in (
        (logits, "before", "entropy", "perplexity"),
        (kept, "after", "entropyAfter", "perplexityAfter"),
    ):
        np.testing.assert_array_equal(state[p], softdraw.softmax(x, temperature=temperature))
        assert state[h] == softdraw.entropy(x, temperature=temperature)
        # the exponential is that of the C library, here and there
        assert state[perplexity] == pytest.approx(math.exp(state[h]), rel=2**-52, abs=0)
    drawn = softdraw.sample_logits(
        logits,
        temperature=temperature,
        top_k=state["k"],
        top_p=state["p"],
        min_p=state["m"],
        size=state["made"],
        rng=int(state["seed"]),
    )
    assert state["counts"] == np.bincount(drawn, minlength=len(logits)).tolist()
    assert state["latest"] == drawn[-LATEST:].tolist()


# ---- numbers -------------------------------------------------------------------------------------


def test_the_page_is_made_from_its_sources():
    run([sys.executable, ROOT / "playground" / "build.py", "--check"], timeout=60)


@pytest.mark.slow
def test_a_page_that_is_compiled_now_has_the_same_numbers(open_page, tmp_path):
    find("emcc")
    page = tmp_path / "page.html"
    command = [sys.executable, ROOT / "playground" / "build.py", "--output", page]
    run(command, timeout=600)
    check(shown(open_page(fragment(T=5, k=5, p=0.9, m=0.01, draws=100_000), file=page)))


def test_it_starts_with_the_six_greetings(open_page):
    state = shown(open_page())
    assert dict(zip(state["tokens"], state["logits"], strict=True)) == GREETINGS
    assert (state["T"], state["k"], state["p"], state["m"]) == (1, None, 1, 0)
    assert (state["seed"], state["made"]) == ("7", 100)
    check(state)


@pytest.mark.parametrize(
    "temperature", ["0", "1e-300", "0.05", "0.7", "1", "2", "5", "100", "1e308", "inf"]
)
def test_numbers_and_draws_are_those_of_python(open_page, temperature):
    page = open_page()
    for filters in ({}, {"k": 3}, {"p": 0.9}, {"m": 0.1}, {"k": 4, "p": 0.97, "m": 0.03}):
        follow(page, fragment(T=temperature, **filters, draws=5000, seed=7))
        state = shown(page)
        assert (state["T"], state["made"]) == (float(temperature), 5000)
        assert {name: state[name] for name in filters} == filters
        check(state)


@pytest.mark.parametrize(
    "logits",
    [
        [1, 2],
        [0],
        [3, 3, 3, 1],
        ["-inf", 0, 1, "-inf"],
        [1e308, -1e308, 0],
        [5e-324, 0],
        [1000, 999, 998, -1000],
        [round(math.sin(i), 3) for i in range(64)],
    ],
    ids=str,
)
def test_other_logits(open_page, logits):
    page = open_page()
    words = {f"w{i}": logit for i, logit in enumerate(logits)}
    for filters in ({}, {"k": 2, "p": 0.8, "m": 0.2}, {"T": 0}):
        follow(page, fragment(words, **filters, draws=1000))
        state = shown(page)
        assert state["logits"].tolist() == [float(logit) for logit in logits]
        check(state)


def test_a_seed_draws_what_it_draws_in_python(open_page):
    page = open_page()
    for seed in (0, 1, 2**32 - 1, 2**32, 12345678901234567890, 2**64 - 1):
        follow(page, fragment(T=5, seed=seed, draws=100_000))
        state = shown(page)
        assert (state["seed"], state["made"]) == (str(seed), 100_000)
        check(state)


def reasons_by_definition(logits, temperature, k, p, m):
    """What cuts each item, by a stable sort; None if a sum of probabilities is too close to p."""
    reasons = [""] * len(logits)
    order = np.argsort(-logits, kind="stable")
    kept, cut = order[:k], order[k:]
    for i in cut:
        reasons[i] = "cut by top_k"
    masses = softdraw.softmax(logits[kept], temperature=temperature)
    sums = np.cumsum(masses)
    if p < 1:
        if np.abs(sums - p).min() < 1e-9:
            return None
        for i in kept[np.searchsorted(sums, p) + 1 :]:
            reasons[i] = "cut by top_p"
    for i, mass in zip(kept, masses, strict=True):
        if abs(mass / masses[0] - m) < 1e-9:
            return None
        if reasons[i] == "" and mass < m * masses[0]:
            reasons[i] = "cut by min_p"
    return reasons


def test_what_a_filter_cuts_is_what_it_is_defined_to_cut(open_page):
    rng = np.random.default_rng(1)
    page = open_page()
    compared = 0
    for seed in range(60):
        n = int(rng.integers(1, 65))
        logits = rng.normal(size=n).round(2) * rng.choice([1, 10])
        temperature, k = float(rng.choice([0.1, 1, 3])), int(rng.integers(1, n + 1))
        p, m = (float(value) for value in rng.choice([0, 0.01, 0.05, 0.5, 0.9, 0.99, 1], size=2))
        expected = reasons_by_definition(logits, temperature, k, p, m)
        words = {f"w{i}": logit for i, logit in enumerate(logits)}
        follow(page, fragment(words, T=temperature, k=k, p=p, m=m, seed=seed))
        state = shown(page)
        assert state["seed"] == str(seed)
        check(state)
        if expected is not None:
            assert state["reasons"] == expected
            compared += 1
    assert compared > 30


@pytest.mark.parametrize("temperature", [0.2, 1, 5, math.inf])
def test_the_curve_is_the_exponential(open_page, temperature):
    """From the least logit, 0, to the largest, 4, at whose height the curve is cut."""
    page = open_page(fragment(T=temperature))
    path = page.get_attribute("#curve path:not(.one)", "d")
    x, y = np.array([point.split() for point in path[1:].split("L")], float).T
    logits = 4 * (x - x[0]) / (x[-1] - x[0])
    bottom = float(page.get_attribute("#curve line", "y1"))
    heights = (bottom - y) / (bottom - y[-1])
    np.testing.assert_allclose(heights, np.exp((logits - 4) / temperature), atol=5e-4, rtol=0)


def test_a_tie_at_temperature_0_is_said(open_page):
    state = shown(open_page(fragment({"a": 1, "b": 3, "c": 3}, T=0)))
    assert state["before"].tolist() == [0, 0.5, 0.5]
    assert state["reasons"][2] == "tie: the first wins"
    assert state["after"].tolist() == [0, 1, 0]


def test_the_temperature_for_a_perplexity(open_page):
    page = open_page()
    page.fill("#perplexity", "3")
    page.press("#perplexity", "Enter")
    logits = np.array(list(GREETINGS.values()), float)
    assert shown(page)["T"] == softdraw.temperature_for(logits, perplexity=3)
    check(shown(page))
    page.fill("#perplexity", "7")
    page.press("#perplexity", "Enter")
    message = "These logits can have a perplexity from 1 to 6."
    assert page.text_content("#perplexity-error") == message
    page.fill("#perplexity", "6")
    page.press("#perplexity", "Enter")
    assert shown(page)["T"] == math.inf


def test_the_python_that_it_shows_gives_what_it_shows(open_page):
    words = {'say "hi"': 1, "back\\slash": "-inf", "日本\u2028": 0.25, "'": 1e300}
    for state in ({"T": "inf", "k": 3}, {"T": 0.3, "p": 0.9, "m": 0.2, "seed": 2**64 - 1}):
        page = open_page(fragment(words, draws=500, **state))
        names = {"print": lambda *arguments: None}
        exec(page.text_content("#python"), names)
        assert names["tokens"] == list(words)
        assert names["counts"].tolist() == shown(page)["counts"]
        np.testing.assert_array_equal(names["p"], shown(page)["before"])
        assert names["entropy"] == shown(page)["entropy"]


# ---- use -----------------------------------------------------------------------------------------


def test_the_presets(open_page):
    page = open_page(fragment(T=3, k=1))
    page.click("text=two scores, 1 and 2")
    state = shown(page)
    assert state["logits"].tolist() == [1, 2]
    assert [page.inner_text(f"#rows li:nth-child({i}) .p") for i in (1, 2)] == ["26.89%", "73.11%"]
    check(state)
    page.click("text=twenty words")
    assert len(shown(page)["tokens"]) == 20
    check(shown(page))


def test_more_draws_continue_the_stream(open_page):
    page = open_page(fragment(T=5, draws=0))
    assert shown(page)["made"] == 0
    for button, made in (("1 more", 1), ("1 more", 2), ("100 more", 102), ("1,000 more", 1102)):
        page.click(f"button:text-is('{button}')")
        assert shown(page)["made"] == made
        check(shown(page))
    page.click("#clear")
    assert shown(page)["counts"] == [0] * 6


def test_a_stream_runs_until_it_is_stopped(open_page):
    page = open_page(fragment(T=5, draws=0))
    page.click("#stream")
    wait(page, "softdraw.state().made > 5")
    page.click("#stream")
    state = shown(page)
    check(state)
    page.wait_for_timeout(300)
    assert shown(page)["made"] == state["made"]
    assert page.input_value("#draws") == str(state["made"])


def test_a_stream_ends_at_the_most_draws(open_page):
    page = open_page(fragment(T=5, draws=99_990))
    page.click("#stream")
    wait(page, "softdraw.state().made === 100000")
    wait(page, "document.querySelector('#stream').ariaPressed === 'false'")
    check(shown(page))


def test_the_link_carries_all_of_it(open_page):
    page = open_page()
    page.fill("#T", "0.7")
    page.fill("#k", "4")
    page.fill("#p", "0.95")
    page.fill("#m", "0.02")
    page.fill("#seed", "99")
    page.fill("#draws", "321")
    page.fill("#rows li:nth-child(2) .token", "a&b=c#d%20 +é 🙂")
    page.fill("#rows li:nth-child(3) .logit", "-inf")
    page.click("#add")
    page.keyboard.type("new")
    link = page.input_value("#link")
    other = open_page(link[link.index("#") :])
    assert page.evaluate("softdraw.state()") == other.evaluate("softdraw.state()")
    assert other.input_value("#rows li:nth-child(2) .token") == "a&b=c#d%20 +é 🙂"
    check(shown(other))
    wait(page, "document.querySelector('#link').value === location.href")


def test_copying_the_link(open_page):
    page = open_page()
    page.click("#copy")
    wait(page, "document.querySelector('#copied').textContent !== ''")


def test_the_keyboard_alone(open_page):
    page = open_page()
    order = []
    for _ in range(60):
        page.keyboard.press("Tab")
        place = page.evaluate(
            "(({id, className, tagName, dataset}) => id || dataset.preset || className ||"
            " (dataset.more && 'more') || tagName)(document.activeElement)"
        )
        if place == "BODY":
            break
        order.append(place)
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline not in ("none", ""), place
    knobs = ["T", "T-slider", "k", "k-slider", "p", "p-slider", "m", "m-slider"]
    rest = ["add", "perplexity", "BUTTON", "SUMMARY", "seed", "draws", "more", "more", "more"]
    rest += ["stream", "clear", "link", "copy", "SUMMARY"]
    rows = ["token", "logit", "remove"] * 6
    assert order == ["greetings", "two", "once", *knobs, *rows, *rest]


def test_sliders_by_arrows(open_page):
    page = open_page()
    for slider, key, field, value in (
        ("T-slider", "ArrowRight", "T", "1.1"),
        ("T-slider", "Home", "T", "0"),
        ("k-slider", "ArrowLeft", "k", "5"),
        ("k-slider", "End", "k", "off"),
        ("p-slider", "ArrowLeft", "p", "0.99"),
        ("m-slider", "ArrowRight", "m", "0.01"),
    ):
        page.focus(f"#{slider}")
        page.keyboard.press(key)
        assert page.input_value(f"#{field}") == value
        check(shown(page))
    page.fill("#T", "123")
    assert page.input_value("#T-slider") == "10"
    assert page.get_attribute("#T-slider", "aria-valuetext") == "123"


def test_words_are_added_and_removed_by_keys(open_page):
    page = open_page()
    page.focus("#add")
    page.keyboard.press("Enter")
    page.keyboard.type("Servus")
    page.keyboard.press("Tab")
    page.keyboard.type("2.5")
    state = shown(page)
    assert (state["tokens"][-1], state["logits"][-1]) == ("Servus", 2.5)
    check(state)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert shown(page)["tokens"] == list(GREETINGS)
    assert page.evaluate("document.activeElement.ariaLabel") == "Remove word 6"


def test_every_field_and_button_has_a_name_and_results_are_announced(open_page):
    page = open_page()
    unnamed = """[...document.querySelectorAll("input, textarea, button")].filter(
        (e) => !e.ariaLabel && !e.labels?.length && !e.textContent.trim()
    ).map((e) => e.outerHTML)"""
    assert page.evaluate(unnamed) == []
    for place in ("news", "T-error"):
        assert page.get_attribute(f"#{place}", "role") == "status"
    page.fill("#T", "5")
    wait(page, "document.querySelector('#news').textContent.startsWith('Perplexity 5.7183')")
    page.click("text=100 more")
    wait(page, "document.querySelector('#news').textContent === '200 draws of seed 7.'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 768, 390, 320])
def test_nothing_is_wider_than_the_screen(open_page, width, scheme):
    words = {"w" * 60: 1e300, "x" * 60: "-1.23456789012345e-300", "a b": 0}
    page = open_page(fragment(words, T="1.2345678901234567", draws=100), width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    light = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light == (scheme == "light")


# ---- bad input -----------------------------------------------------------------------------------


BAD_VALUES = [
    ("T", "", "Write a number here."),
    ("T", "abc", "“abc” is not a number."),
    ("T", "NaN", "“NaN” is not a number."),
    ("T", "0x10", "“0x10” is not a number."),
    ("T", "-1", "The temperature is 0 or more."),
    ("T", "0,7", "Write a point: 0.7"),
    ("T", "1e999", "“1e999” is too large; the largest number is 1.7e308."),
    ("k", "0", "top_k is a whole number from 1 to 1,000,000, not “0”; or write off."),
    ("k", "2.5", "top_k is a whole number from 1 to 1,000,000, not “2.5”; or write off."),
    ("p", "1.01", "top_p is from 0 to 1."),
    ("p", "0.999", "top_p has at most two decimals here."),
    ("m", "-inf", "min_p is from 0 to 1."),
    (
        "seed",
        "-1",
        "The seed is a whole number from 0 to 18,446,744,073,709,551,615, not “-1”.",
    ),
    ("seed", str(2**64), "not “18446744073709551616”."),
    (
        "draws",
        "100001",
        "The number of draws is a whole number from 0 to 100,000, not “100001”.",
    ),
    ("draws", "9" * 100, "not “99999999999999999999…”."),
]
BAD_WORDS = [
    ("token", " ", "Write a word here."),
    ("token", "Hello", "“Hello” is there already."),
    ("logit", "", "Write a number here."),
    ("logit", "--1", "“--1” is not a number."),
    ("logit", "inf", "A logit is a finite number, or -inf for a word that is never drawn."),
]


def test_a_bad_value_is_said_beside_its_field(open_page):
    page = open_page()
    for field, text, message in BAD_VALUES:
        before = page.input_value(f"#{field}")
        page.fill(f"#{field}", text)
        assert message in page.text_content(f"#{field}-error")
        assert page.get_attribute(f"#{field}", "aria-invalid") == "true"
        assert f"{field}-error" in page.get_attribute(f"#{field}", "aria-describedby")
        assert shown(page) is None
        assert page.is_disabled("text=100 more")
        page.fill(f"#{field}", before)
        assert page.text_content(f"#{field}-error") == ""
        check(shown(page))


def test_a_bad_word_or_logit_is_said_in_its_row(open_page):
    page = open_page()
    row = "#rows li:nth-child(6)"
    for name, text, message in BAD_WORDS:
        before = page.input_value(f"{row} .{name}")
        page.fill(f"{row} .{name}", text)
        assert page.text_content(f"{row} .error") == message
        assert page.get_attribute(f"{row} .{name}", "aria-invalid") == "true"
        assert shown(page) is None
        page.fill(f"{row} .{name}", before)
        check(shown(page))


def test_nothing_to_draw(open_page):
    page = open_page(fragment({"a": "-inf", "b": "-inf"}))
    assert "no word can be drawn" in page.inner_text("#rows-error")
    assert shown(page) is None
    page.fill("#rows li:nth-child(1) .logit", "1")
    check(shown(page))


def test_lists(open_page):
    page = open_page()
    page.click("summary:text('Paste a list')")

    def use(text):
        page.fill("#list", text)
        page.click("text=Use this list")
        return page.text_content("#list-error")

    assert use("Hello = 4\n\n a=b = -2.5\r\ntab\t1\n") == ""
    assert shown(page)["tokens"] == ["Hello", "a=b", "tab"]
    assert shown(page)["logits"].tolist() == [4, -2.5, 1]
    assert use("") == "Write a word and its logit, such as Hello = 4."
    assert use("a = 1\nHello") == "Line 2, “Hello”, is not a word = a logit."
    assert use("\n".join(f"w{i} = {i}" for i in range(65))).startswith("This list has 65 words;")
    assert shown(page)["tokens"] == ["Hello", "a=b", "tab"]
    assert use("\n".join(f"w{i} = {i / 8}" for i in range(64))) == ""
    assert page.is_disabled("#add")
    check(shown(page))


def test_a_long_list_is_refused_when_it_is_pasted(open_page):
    """Chromium would take minutes to insert it."""
    page = open_page()
    page.click("summary:text('Paste a list')")
    page.evaluate(
        """text => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text", text);
            const options = {clipboardData, bubbles: true, cancelable: true};
            window.inserted = document.querySelector("#list").dispatchEvent(
                new ClipboardEvent("paste", options));
        }""",
        "\n".join(f"w{i} = {i}" for i in range(10_000)),
    )
    assert page.evaluate("inserted") is False
    message = "This list has 10,000 words; the page shows at most 64."
    assert page.text_content("#list-error") == message


@pytest.mark.parametrize(
    "hash",
    [
        "#",
        "#%",
        "#%E0%A4%A&T=%FF",
        "#word=%3Cimg%20src=x%20onerror=alert(1)%3E&logit=1&T=%3Cscript%3Ealert(1)%3C/script%3E",
        "#word=%3C/script%3E%3Cscript%3Ealert(1)%3C/script%3E&logit=1&word=__proto__&logit=2",
        "#T=1e308&word=a&logit=1e308&word=b&logit=-1e308&draws=100000&seed=18446744073709551615",
        "#T=" + "9" * 5000,
        "#logit=1&logit=2&word=a",
        "#" + "word=a&logit=1&" * 1000,
        "#" + "x" * 1_000_000,
        "#constructor=1&__proto__=2&T=__proto__",
    ],
    ids=lambda text: text[:40],
)
def test_a_hostile_link_does_no_harm(open_page, hash):
    """Nothing in it runs or becomes markup; afterwards the page works as before."""
    page = open_page(hash)
    assert page.locator("#rows img, #rows script, #latest img, #curve img").count() == 0
    assert page.locator("script").count() == 2
    assert 1 <= page.locator("#rows li").count() <= 64
    page.click("text=six greetings")
    state = shown(page)
    assert state["tokens"] == list(GREETINGS)
    check(state)


def test_what_of_a_link_is_not_used_is_said(open_page):
    words = {f"w{i}": i / 100 for i in range(500)}
    page = open_page(fragment(words))
    assert page.inner_text("#link-error") == "The link has 500 words; the first 64 are shown."
    assert len(shown(page)["tokens"]) == 64
    page = open_page("#word=a&logit=1&word=b")
    assert page.inner_text("#link-error") == "The link has 2 words but 1 logit."
    page = open_page(fragment({f"w{i}": i for i in range(10_000)}))
    assert "too long" in page.inner_text("#link-error")
    assert shown(page)["tokens"] == list(GREETINGS)


def test_markup_in_a_word_is_text(open_page):
    word = "<img src=x onerror=alert(1)>"
    page = open_page(fragment({word: 5, "b": 1}, draws=10))
    assert page.text_content("#latest li") == word
    assert page.locator("main img").count() == 0
    check(shown(page))
