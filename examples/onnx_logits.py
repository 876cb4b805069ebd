"""Generate text from what ONNX Runtime returns: plain arrays of logits.

The model is made here, with the packages onnx and onnxruntime. For each letter of a batch it gives
the logits of the next letter, by how often letters follow each other in a few lines of text. Any
exported language model is used in the same way: take the logits of the last position, of shape
(batch, vocabulary), and pass them to `softdraw.sample_logits`, which draws one token per row.

    python examples/onnx_logits.py --seed 1
"""

import argparse
import sys

import numpy as np

import softdraw

TEXT = """
whose woods these are i think i know his house is in the village though
he will not see me stopping here to watch his woods fill up with snow
my little horse must think it queer to stop without a farmhouse near
between the woods and frozen lake the darkest evening of the year
"""
LETTERS = " abcdefghijklmnopqrstuvwxyz"


def make_session():
    """An ONNX Runtime session: tokens, int64 of shape (batch,) -> logits, float32, (batch, 27)."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    numbers = [LETTERS.index(letter) for letter in " ".join(TEXT.split())]
    counts = np.zeros((len(LETTERS), len(LETTERS)), np.float32)
    np.add.at(counts, (numbers[:-1], numbers[1:]), 1)
    table = numpy_helper.from_array(np.log(counts + np.float32(0.01)), "table")
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "tokens"], ["logits"])],
        "bigrams",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["batch"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(LETTERS)])],
        [table],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def generate(session, lines, length, rng, **options):
    """Lines of text; each call of the model adds a letter to all of them."""
    tokens = np.zeros((lines, length + 1), np.int64)  # a space to begin with
    for i in range(length):
        (logits,) = session.run(["logits"], {"tokens": tokens[:, i]})
        tokens[:, i + 1] = softdraw.sample_logits(logits, rng=rng, **options)
    return ["".join(LETTERS[token] for token in row[1:]) for row in tokens]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="seed of the draws (default: 1)")
    parser.add_argument("--lines", type=int, default=3, help="number of lines (default: 3)")
    parser.add_argument("--length", type=int, default=60, help="letters per line (default: 60)")
    parser.add_argument(
        "--temperature", type=float, default=0.8, help="of the softmax (default: 0.8)"
    )
    parser.add_argument(
        "--min-p",
        type=float,
        default=0.02,
        help="draw only letters at least so many times as likely as the likeliest (default: 0.02)",
    )
    options = parser.parse_args()
    if min(options.lines, options.length) < 1:
        parser.error("--lines and --length must be at least 1")
    try:
        session = make_session()
    except ModuleNotFoundError as error:
        sys.exit(f"onnx_logits: needs the packages onnx and onnxruntime ({error})")
    rng = softdraw.Xoshiro256(options.seed)
    filters = {"temperature": options.temperature, "min_p": options.min_p}
    try:
        for line in generate(session, options.lines, options.length, rng, **filters):
            print(line)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
