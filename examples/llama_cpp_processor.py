"""Let softdraw choose the tokens that llama-cpp-python generates, as a logits processor.

    llama = llama_cpp.Llama("model.gguf")
    processors = llama_cpp.LogitsProcessorList([Draw(seed=1, temperature=0.7, top_p=0.95)])
    llama.create_completion("Once upon a time", logits_processor=processors)

The processor draws one token and makes all others impossible, so whatever samplers llama.cpp runs
after it choose that one. A seed then gives the same tokens on every machine that computes the same
logits. Run as a script, this needs neither llama-cpp-python nor a model, and shows a few steps on
logits that it makes up.

    python examples/llama_cpp_processor.py --seed 1
"""

import argparse

import numpy as np

import softdraw

try:
    from llama_cpp import LogitsProcessorList
except ImportError:

    class LogitsProcessorList(list):
        """What llama-cpp-python has under this name: processors that run in turn."""

        def __call__(self, input_ids, scores):
            for processor in self:
                scores = processor(input_ids, scores)
            return scores


class Draw:
    """A logits processor that keeps one token, which `softdraw.sample_logits` draws."""

    def __init__(self, seed=None, **options):
        self.rng = softdraw.Xoshiro256(seed)
        self.options = options

    def __call__(self, input_ids, scores):
        token = softdraw.sample_logits(scores, rng=self.rng, **self.options)
        left = np.full_like(scores, -np.inf)
        left[token] = scores[token]
        return left


WORDS = ["the", "cat", "dog", "sat", "ran", "on", "under", "a", "mat", "tree", "and"]
LIKELY = {  # which words a made-up model likes to see after which
    "the": "cat dog mat tree", "a": "cat dog mat tree", "cat": "sat ran and", "dog": "sat ran and",
    "sat": "on under and", "ran": "on under and", "on": "the a", "under": "the a",
    "mat": "and", "tree": "and", "and": "the a sat ran",
}  # fmt: skip


def made_up_logits(input_ids):
    """float32, as a model's last layer gives them for the next token."""
    scores = np.linspace(0, 1, len(WORDS), dtype=np.float32)
    for word in LIKELY[WORDS[input_ids[-1]]].split():
        scores[WORDS.index(word)] += 4
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="seed of the draws (default: 1)")
    parser.add_argument("--tokens", type=int, default=12, help="tokens to generate (default: 12)")
    parser.add_argument(
        "--temperature", type=float, default=0.7, help="of the softmax (default: 0.7)"
    )
    parser.add_argument(
        "--top-p",
        type=float,
        default=0.95,
        help="draw only from the likeliest tokens whose probabilities reach this (default: 0.95)",
    )
    options = parser.parse_args()
    processors = LogitsProcessorList(
        [Draw(options.seed, temperature=options.temperature, top_p=options.top_p)]
    )
    tokens = np.array([WORDS.index("the")], np.intc)
    for _ in range(options.tokens):
        try:
            scores = processors(tokens, made_up_logits(tokens))
        except ValueError as error:
            parser.error(str(error))
        tokens = np.append(tokens, np.intc(scores.argmax()))  # any sampler takes what is left
    print(" ".join(WORDS[token] for token in tokens))


if __name__ == "__main__":
    main()
