"""The lock of Xoshiro256: threads and forks."""

import copy
import functools
import os
import pickle
import re
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from generators import TABLE
from processes import find, in_child, needs_fork, run
from threads import run_threads

import softdraw
from softdraw import AliasTable, Xoshiro256


@pytest.mark.parametrize(
    "use",
    [
        lambda generator: generator.state,
        lambda generator: setattr(generator, "state", Xoshiro256(8).state),
        lambda generator: generator.jumped(),
        lambda generator: generator.spawn(1),
        lambda generator: pickle.dumps(generator),
        lambda generator: generator.random_raw(),
        lambda generator: TABLE.sample(rng=generator),
        lambda generator: TABLE.sample(3, rng=generator),
        lambda generator: TABLE.sampler(generator)(),
        lambda generator: softdraw.AliasTables([1, 1], [0, 2]).sample(0, rng=generator),
        lambda generator: softdraw.sample_logits([0.0, 1.0], rng=generator),
        lambda generator: softdraw.sample_logits(np.array([0.0, 1.0]), rng=generator),
    ],
)
def test_whatever_reads_or_changes_a_generator_waits_for_its_lock(use):
    generator = Xoshiro256(7)
    done = threading.Event()

    def work():
        use(generator)
        done.set()

    thread = threading.Thread(target=work)
    with generator.lock:
        thread.start()
        assert not done.wait(0.05)
    thread.join()
    assert done.is_set()


def test_the_lock_can_be_tried_and_waited_for_in_vain():
    lock = Xoshiro256(7).lock
    assert lock.acquire(blocking=False)
    assert lock.acquire(True, 0.5)  # it is reentrant
    tried = []
    run_threads([lambda: tried.extend([lock.acquire(False), lock.acquire(timeout=0.01)])])
    assert tried == [False, False]
    lock.release()
    lock.release()
    run_threads([lambda: tried.extend([lock.acquire(timeout=10), lock.acquire(blocking=False)])])
    assert tried[2:] == [True, True]


def test_timeouts_of_numpy():
    lock = Xoshiro256(7).lock
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in (np.float16, np.float32, np.longdouble, np.int8):
            assert lock.acquire(timeout=kind(1))


@pytest.mark.parametrize("timeout", [-2, float("nan"), 1e300])
def test_timeouts_that_are_refused(timeout):
    got = re.escape(str(timeout))
    with pytest.raises(ValueError, match=f"^timeout must be from 0 to .*, or -1 .*, got {got}$"):
        Xoshiro256(7).lock.acquire(timeout=timeout)


def test_a_timeout_needs_blocking():
    with pytest.raises(ValueError, match="^timeout must be -1 if blocking is False, got 1$"):
        Xoshiro256(7).lock.acquire(False, 1)


def test_a_timedelta_is_no_timeout():
    with pytest.raises(TypeError, match="^timeout must be a number, got timedelta64$"):
        Xoshiro256(7).lock.acquire(timeout=np.timedelta64(1, "s"))


# Where Python's locks are semaphores, this aborts if one is released that is not held.
STRICT_SEMAPHORES = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <semaphore.h>
#include <stdlib.h>

int sem_post(sem_t *lock) {
    int (*post)(sem_t *) = (int (*)(sem_t *))dlsym(RTLD_NEXT, "sem_post");
    int times;
    if (sem_getvalue(lock, &times) || times) abort();
    return post(lock);
}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs LD_PRELOAD and semaphores")
def test_a_lock_of_the_operating_system_is_released_only_while_it_is_held(tmp_path):
    """Where it is a mutex, another release would end the process."""
    source, library = tmp_path / "strict.c", tmp_path / "strict.so"
    source.write_text(STRICT_SEMAPHORES)
    run([find("cc"), "-shared", "-fPIC", source, "-o", library, "-ldl"])
    code = (
        "import softdraw, threading, time\n"
        "lock = softdraw.Xoshiro256(7).lock\n"
        "def work():\n"
        "    for _ in range(100):\n"
        "        with lock: time.sleep(0.0001)\n"
        "        for _ in range(100):\n"
        "            with lock: pass\n"
        "threads = [threading.Thread(target=work) for _ in range(4)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
    )
    preloaded = f"{os.environ.get('LD_PRELOAD', '')} {library}"  # a sanitizer comes first
    run([sys.executable, "-c", code], environment={"LD_PRELOAD": preloaded})


def test_the_lock_is_reentrant():
    lock = Xoshiro256(7).lock
    with lock, lock:
        assert lock.acquire()
        lock.release()


def test_a_lock_cannot_be_pickled_or_copied():
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(
            TypeError, match="^a lock cannot be pickled or copied; its generator can$"
        ):
            attempt(Xoshiro256(7).lock)


def test_releasing_a_lock_that_is_not_held_is_an_error():
    lock = Xoshiro256(7).lock
    text = "^cannot release a lock that this thread does not hold$"
    with pytest.raises(RuntimeError, match=text):
        lock.release()
    with lock:
        failed = []

        def release():
            with pytest.raises(RuntimeError, match=text):
                lock.release()
            failed.append(True)

        thread = threading.Thread(target=release)
        thread.start()
        thread.join()
    assert failed


def test_the_lock_excludes_other_threads():
    lock = Xoshiro256(7).lock
    count = 0

    def work():
        nonlocal count
        for i in range(200):
            with lock, lock:
                before = count
                if i % 10 == 0:
                    time.sleep(0)
                count = before + 1

    run_threads([work] * 8)
    assert count == 8 * 200


@pytest.mark.parametrize(
    "draw",
    [
        lambda generator: TABLE.sample(20_000, rng=generator),
        lambda generator: np.random.Generator(generator).random(20_000),
        lambda generator: TABLE.sampler(generator)(20_000),
    ],
)
def test_a_thread_that_draws_all_the_time_leaves_turns_to_others(draw):
    """A draw that releases the GIL while it holds the lock took it again before other threads."""
    generator = Xoshiro256(7)
    is_done = threading.Event()
    others = [threading.Thread(target=draw, args=(generator,)) for _ in range(3)]

    def draw_on():
        for _ in range(10_000):
            if is_done.is_set():
                return
            draw(generator)
        others.append(None)

    thread = threading.Thread(target=draw_on)
    thread.start()
    for other in others:
        other.start()
    for other in others[:3]:
        other.join()
    is_done.set()
    thread.join()
    assert None not in others, "the others have drawn last of all"


@pytest.mark.parametrize("threads", [3, 5])
def test_threads_that_hold_the_lock_for_long_all_get_turns(threads):
    """Two of them could hand it to each other for ever."""
    lock, turns = Xoshiro256(7).lock, [0] * threads

    def work(i):
        while sum(turns) < 20 * threads:
            with lock:
                time.sleep(0.01)
                turns[i] += 1

    run_threads([functools.partial(work, i) for i in range(threads)])
    assert min(turns) >= 5


def test_threads_that_share_a_generator_get_each_word_once():
    generator = Xoshiro256(7)
    table = AliasTable(np.ones(2**20))
    drawn = []

    def work():
        for _ in range(20):
            drawn.append(table.sample(5000, rng=generator))
            drawn.append(np.array([table.sample(rng=generator)]))

    run_threads([work] * 4)
    expected = table.sample(4 * 20 * 5001, rng=Xoshiro256(7))
    assert np.sort(np.concatenate(drawn)).tolist() == np.sort(expected).tolist()


@needs_fork
def test_a_lock_that_another_thread_held_is_free_in_a_forked_child():
    generator = Xoshiro256(7)
    held, done = threading.Event(), threading.Event()

    def hold():
        with generator.lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        assert in_child(lambda: generator.lock.acquire()) is True
    finally:
        done.set()
        thread.join()
    with generator.lock:
        pass


@needs_fork
def test_a_lock_that_the_forking_thread_held_is_still_its_own_in_the_child():
    generator = Xoshiro256(7)

    def release_twice():
        with generator.lock:  # once more
            pass
        generator.lock.release()
        try:
            generator.lock.release()
        except RuntimeError:
            return "held once"

    with generator.lock:
        assert in_child(release_twice) == "held once"


@needs_fork
def test_a_lock_is_free_in_a_child_that_is_forked_while_its_thread_waits_for_it():
    code = """
import os, signal, threading
import softdraw

generator = softdraw.Xoshiro256(7)
held, go = threading.Event(), threading.Event()

def hold():
    with generator.lock:
        held.set()
        go.wait()

def fork(*_):
    if os.fork():
        os.wait()
        go.set()
    else:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(60)  # ends a child that hangs

threading.Thread(target=hold, daemon=True).start()
held.wait()
signal.signal(signal.SIGALRM, fork)
signal.setitimer(signal.ITIMER_REAL, 0.1)
softdraw.AliasTable([1, 2]).sample(3, rng=generator)
os.write(1, b"drew.")
os._exit(0)
"""
    assert run([sys.executable, "-c", code]).stdout == "drew.drew."


@needs_fork
def test_a_lock_is_free_in_a_child_of_a_thread_that_has_the_number_of_its_holder():
    """Systems number threads again, and those of the parent are gone in a forked child."""
    generator = Xoshiro256(7)
    held, done = threading.Event(), threading.Event()
    numbers = []

    def hold():
        with generator.lock:
            numbers.append(threading.get_ident())
            held.set()
            done.wait()

    def is_free():
        taken = []
        run_threads([lambda: taken.append(generator.lock.acquire(timeout=10))])
        return taken == [True]

    def fork_from_thread():
        found = []
        for _ in range(10):  # threads, until one has the number
            run_threads(
                [lambda: threading.get_ident() in numbers and found.append(in_child(is_free))]
            )
        return found[0] if found else "another number"

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        assert in_child(fork_from_thread) in (True, "another number")
    finally:
        done.set()
        thread.join()


def test_a_signal_handler_may_wait_for_a_thread_that_waits_for_the_lock():
    code = """
import signal, threading
import softdraw

lock = softdraw.Xoshiro256(7).lock
held, go = threading.Event(), threading.Event()

def hold():
    with lock:
        held.set()
        go.wait()

def take():
    with lock:
        pass

def handle(*_):
    other = threading.Thread(target=take)
    other.start()
    go.set()
    other.join()
    with lock:
        print("taken", end=" ")

signal.signal(signal.SIGALRM, handle)
threading.Thread(target=hold).start()
held.wait()
signal.setitimer(signal.ITIMER_REAL, 0.1)
with lock:
    print("twice")
"""
    assert run([sys.executable, "-c", code]).stdout == "taken twice\n"


@needs_fork
def test_a_forked_child_gives_back_a_lock_that_threads_of_its_parent_wait_for():
    code = """
import os, threading, time
import softdraw

lock = softdraw.Xoshiro256(7).lock
waiting = [threading.Thread(target=lock.acquire, daemon=True) for _ in range(8)]
with lock:
    for thread in waiting:
        thread.start()
    time.sleep(0.1)
    child = os.fork()
    if child == 0:  # where threads get the stacks of those that are gone
        for _ in range(3):
            thread = threading.Thread(target=int)
            thread.start()
            thread.join()
if child == 0:
    with lock:
        os._exit(0)
print(os.waitpid(child, 0)[1], flush=True)
os._exit(0)
"""
    assert run([sys.executable, "-W", "ignore", "-c", code]).stdout == "0\n"


def test_python_may_end_while_daemon_threads_wait_for_the_lock():
    code = """
import sys, threading, time, types
import softdraw

rng, table = softdraw.Xoshiro256(7), softdraw.AliasTable([1, 2])

class Last:
    def __init__(self):
        self.rng, self.table, self.sleep = rng, table, time.sleep

    def __del__(self):
        self.sleep(0.5)  # the threads have waited in vain, and Python ends them
        self.table.sample(rng=self.rng)
        self.rng.lock.release()
        print("drew")

rng.lock.acquire()
for _ in range(12):
    threading.Thread(target=rng.lock.acquire, kwargs={"timeout": 0.4}, daemon=True).start()
time.sleep(0.1)
sys.modules["last"] = types.ModuleType("last")
sys.modules["last"].last = Last()
"""
    assert run([sys.executable, "-c", code]).stdout == "drew\n"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
@pytest.mark.parametrize(
    "draw",
    [
        "table.sample(10**6, rng=rng)",
        "sampler(10**6)",
        "softdraw.sample_logits(x, rng=rng, size=9)",
    ],
)
def test_a_signal_handler_may_wait_for_a_thread_that_draws(draw):
    """It runs when the call that it interrupts has taken its last word and given the lock back."""
    code = f"""
import signal, threading
import numpy as np, softdraw

rng, table, x = softdraw.Xoshiro256(7), softdraw.AliasTable([1, 2]), np.zeros((1000, 300))
sampler = table.sampler(rng)
is_done = False

def handle(*_):
    global is_done
    thread = threading.Thread(target=lambda: table.sample(rng=rng))
    thread.start()
    thread.join()
    is_done = True

signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.001)
while not is_done:
    {draw}
"""
    run([sys.executable, "-c", code], timeout=100)


def test_a_timeout_whose_class_raises_raises_that():
    class Hostile:
        @property
        def __class__(self):
            raise LookupError("no class")

    with pytest.raises(LookupError, match="no class"):
        Xoshiro256(7).lock.acquire(timeout=Hostile())
