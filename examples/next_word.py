"""Let a next-word model write, at three temperatures.

The model is a table of English word pairs with their counts on the web, from the package
symspellpy. The logits of the words that follow a word are the logarithms of their counts, so the
probability of one at temperature T is proportional to count ** (1 / T): at 0.5 the text is
predictable, at 2 it is gibberish. Filters drop unlikely words before the draw, which keeps text at
high temperatures readable. The perplexity below a text is the number of equally likely words that
would be as hard to guess. The web has crude words, too.

    python examples/next_word.py --seed 1
    python examples/next_word.py --temperature 2 --top-p 0.8
"""

import argparse
import sys
from collections import defaultdict
from importlib.resources import files

import numpy as np

import softdraw

PAIRS = "frequency_bigramdictionary_en_243_342.txt"
START = ""  # its followers are all the words that have followers


class NextWord:
    """Words, each with the words that follow it and the logarithms of their counts."""

    def __init__(self, lines):
        counts = defaultdict(dict)
        for line in lines:
            word, follower, count = line.split()
            counts[word][follower] = int(count)
        counts[START] = {word: sum(row.values()) for word, row in counts.items()}
        self.rows = {word: (list(row), np.log(list(row.values()))) for word, row in counts.items()}

    def sentence(self, start, longest, temperature, rng, **filters):
        """Up to `longest` words, until one has no follower, and the log-probability of each draw.

        The log-probabilities are those at temperature 1, of all followers, so that texts can be
        compared.
        """
        words = [start] if start else []
        logs = []
        last = start
        while last in self.rows and len(words) < longest:
            followers, logits = self.rows[last]
            drawn = softdraw.sample_logits(logits, temperature=temperature, rng=rng, **filters)
            logs.append(softdraw.log_softmax(logits)[drawn])
            last = followers[drawn]
            words.append(last)
        return " ".join(words).capitalize() + ".", logs


def load():
    """The model of symspellpy's word pairs."""
    text = (files("symspellpy") / PAIRS).read_text(encoding="utf-8-sig")
    return NextWord(text.splitlines())


def write(model, temperature, options):
    """Print sentences at a temperature, and how hard they are to guess."""
    rng = softdraw.Xoshiro256(options.seed)
    print(f"T = {temperature:g}")
    filters = {"top_k": options.top_k, "top_p": options.top_p, "min_p": options.min_p}
    logs = []
    for _ in range(options.sentences):
        text, drawn = model.sentence(options.start, options.words, temperature, rng, **filters)
        print(f"  {text}")
        logs += drawn
    print(f"  Perplexity: {np.exp(-np.mean(logs)):,.0f} words\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="seed of the draws (default: 1)")
    parser.add_argument("--start", default=START, help="first word (default: a random one)")
    parser.add_argument("--words", type=int, default=12, help="words per sentence (default: 12)")
    parser.add_argument(
        "--sentences", type=int, default=3, help="sentences per temperature (default: 3)"
    )
    parser.add_argument(
        "--temperature", type=float, nargs="+", default=[0.5, 1, 2], help="(default: 0.5 1 2)"
    )
    parser.add_argument("--top-k", type=int, help="draw only from the K likeliest words")
    parser.add_argument(
        "--top-p", type=float, help="only from the likeliest whose probabilities reach P"
    )
    parser.add_argument(
        "--min-p", type=float, help="only from those at least P times as likely as the likeliest"
    )
    options = parser.parse_args()
    try:
        model = load()
    except ModuleNotFoundError as error:
        sys.exit(f"next_word: needs the package symspellpy ({error})")
    if options.start not in model.rows:
        parser.error(f"no word follows {options.start!r}")
    if options.words < 2 or options.sentences < 1:
        parser.error("nothing to write: --words is at least 2, --sentences at least 1")
    try:
        for temperature in options.temperature:
            write(model, temperature, options)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
