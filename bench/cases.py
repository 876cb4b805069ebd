"""What is measured: a section is a list of cases, and a case gives contenders."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from timeit import Timer
from typing import Any, TypeAlias

from softdraw._bench import Clock, cpu_time

Function: TypeAlias = Callable[..., Any]
PEER = "the fastest peer"


def clock(function: Function) -> Clock:
    """The clock of a function, by the time that this process has CPUs, in all its threads."""
    return Timer(function, timer=cpu_time).timeit


def wall_clock(function: Function) -> Clock:
    """The clock of a function, by the time of day: what several threads take is less."""
    return Timer(function, timer=perf_counter).timeit


def is_peer(contender: str) -> bool:
    """Whether it is another library that does the same work. softdraw's own contenders begin with
    its name, and those that do less work, or other work, stand in parentheses."""
    return not contender.startswith(("softdraw", "("))


@dataclass
class Case:
    label: str  # the case within its series, such as "32,000"
    contenders: Mapping[str, Any]  # functions, or what `clock` takes; ratios are to the first
    x: float  # how large it is: where a plot shows it
    series: str = ""  # what the cases of one line in a plot have in common, such as "float32"
    units: float = 1  # the units of work in a call, such as elements
    check: Callable[[], None] = lambda: None  # compares outputs before they are timed
    clock: Callable[[Any], Clock] = clock

    @property
    def name(self) -> str:
        return ", ".join(filter(None, (self.series, self.label)))


@dataclass
class Row:
    """One contender in one case; a list of these is what the tool writes."""

    section: str
    tier: str
    case: str
    series: str
    x: float
    contender: str
    seconds: float | None  # per unit: the minimum over rounds
    spread: float | None  # by which part of the minimum the median is larger
    ulp: float | None  # what sections of accuracy have instead of seconds
    per: str
    ratio: float | None  # to the first contender of the case, which is softdraw's

    @property
    def value(self) -> float:
        value = self.ulp if self.seconds is None else self.seconds
        assert value is not None
        return value


@dataclass(frozen=True)
class Target:
    """What a contender should reach, in each case whose name matches."""

    text: str
    of: str  # a contender, or PEER
    to: str = ""  # the contender that its time is divided by, or nothing: nanoseconds are judged
    at_least: float | None = None
    at_most: float | None = None
    cases: str = ""
    tiers: tuple[str, ...] = ()  # all of them if none are named

    def measured(self, case: Iterable[Row]) -> float | None:
        """The value in one case, or None if this target does not concern it."""
        rows = {row.contender: row for row in case}
        first = next(iter(rows.values()))
        if not re.search(self.cases, first.case) or (self.tiers and first.tier not in self.tiers):
            return None
        peers = [row.value for row in rows.values() if is_peer(row.contender)]
        if self.of == PEER and peers:
            value = min(peers)
        elif self.of in rows:
            value = rows[self.of].value
        else:
            return None
        if not self.to:
            return value if first.ulp is not None else value * 1e9
        return value / rows[self.to].value if self.to in rows else None

    def met(self, value: float) -> bool:
        """As it is printed, with three digits."""
        value = float(f"{value:.3g}")
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


NEVER_SLOWER = Target("as fast as the fastest peer, at least", PEER, "softdraw", at_least=1)


@dataclass(frozen=True)
class Section:
    name: str
    about: str  # what the table shows, in a sentence or two
    cases: Callable[[bool], Iterable[Case]]  # few and small ones if told to be quick
    per: str = "call"
    unit: str = "ns"  # ns, us or ms; or ULP, and then contenders return errors
    axis: str = ""  # what x counts; without it there is no plot
    targets: tuple[Target, ...] = ()
    joined: bool = False  # one table of times and ratios for all tiers
    transposed: bool = False  # a line for each contender, for many of them and few cases
