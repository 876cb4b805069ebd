"""Time per draw over the number of categories, of a million draws from a table."""

import speeds
import style


def draw():
    figure, axes = speeds.draw_lines("draws", "", 1e-9, left_out=["softdraw, PCG64"])
    axes.set_xlabel("categories")
    axes.set_ylabel("ns per draw")
    return figure


if __name__ == "__main__":
    style.write("speed_draws", draw)
