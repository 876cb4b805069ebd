"""Time per token over the size of the vocabulary."""

import speeds
import style


def draw():
    figure, axes = speeds.draw_lines("token", "no filter, sigma 3", 1e-6)
    axes.set_xlabel("logits of the vocabulary, float32")
    axes.set_ylabel("microseconds per token")
    return figure


if __name__ == "__main__":
    style.write("speed_tokens", draw)
