"""Find the best of several slot machines by Boltzmann exploration.

First each arm is pulled once. Then each step draws an arm from the softmax of the mean rewards so
far. The temperature falls: while it is high, all arms are tried equally often; when it is low, the
arm that seems best is pulled. Greedy play is the same at temperature 0, and uniform play at
infinity. The program prints the regret of each: how much more pulling the best arm all the time
would have brought, on average over many games.

    python examples/bandit.py --seed 1
"""

import argparse
import math

import numpy as np

import softdraw


def falling(step):
    """The temperature of a step: it falls, because the means become more certain."""
    return 1 / math.sqrt(step + 1)


SCHEDULES = {
    "greedy": lambda step: 0.0,
    "Boltzmann": falling,
    "uniform": lambda step: math.inf,
}


def play(chances, steps, temperature, rng):
    """The regret after each step of one game; an arm pays 1 with its chance, else 0."""
    pulls = np.zeros(len(chances))
    means = np.zeros(len(chances))
    lost = np.empty(steps)
    luck = np.random.Generator(rng)
    for step in range(steps):
        drawn = softdraw.sample_logits(means, temperature=temperature(step), rng=rng)
        arm = step if step < len(chances) else drawn
        reward = luck.random() < chances[arm]
        pulls[arm] += 1
        means[arm] += (reward - means[arm]) / pulls[arm]
        lost[step] = chances.max() - chances[arm]
    return lost.cumsum()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="seed of all draws (default: 1)")
    parser.add_argument("--arms", type=int, default=6, help="number of arms (default: 6)")
    parser.add_argument("--steps", type=int, default=500, help="steps per game (default: 500)")
    parser.add_argument("--games", type=int, default=50, help="number of games (default: 50)")
    options = parser.parse_args()
    if min(options.arms, options.steps, options.games) < 1:
        parser.error("--arms, --steps and --games must be at least 1")
    if options.seed < 0:
        parser.error("--seed must be at least 0")

    print(f"Regret of {options.games} games with {options.arms} arms, on average after")
    marks = sorted({options.steps // 10 or 1, options.steps // 2 or 1, options.steps})
    print(" " * 11 + "".join(f"{mark:8,}" for mark in marks) + " steps")
    for name, temperature in SCHEDULES.items():
        regrets = []
        for rng in softdraw.Xoshiro256(options.seed).spawn(options.games):  # the same games for all
            chances = np.random.Generator(rng).random(options.arms)
            regrets.append(play(chances, options.steps, temperature, rng))
        mean = np.mean(regrets, axis=0)
        print(f"{name:<11}" + "".join(f"{mean[mark - 1]:8.1f}" for mark in marks))


if __name__ == "__main__":
    main()
