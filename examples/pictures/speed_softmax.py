"""Time per element of softmax over the length of the row, with what copying the row takes."""

import speeds
import style


def draw():
    figure, axes = speeds.draw_lines(
        "softmax", "float32", 1e-9, left_out=["softdraw, new array"], limit="(copy)"
    )
    axes.set_ylim(0.06, 3000)
    axes.set_xlabel("logits in the row, float32")
    axes.set_ylabel("ns per element")
    return figure


if __name__ == "__main__":
    style.write("speed_softmax", draw)
