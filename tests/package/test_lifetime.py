"""softdraw loaded again, in subinterpreters and in other processes, and used while Python ends.

Each test is a process of its own with a time limit, so that a crash or a hang is seen as such.
"""

import multiprocessing
import sys
import textwrap

import pytest
from processes import run

import softdraw

# What softdraw does, all through the package. The rng is given, so the result is always the same.
USE = """
def use(softdraw):
    table = softdraw.AliasTable([1, 2, 1])
    tables = softdraw.AliasTables([1, 2, 1], [0, 1, 3])
    return [
        softdraw.softmax([1.0, 2.0]).tolist(),
        float(softdraw.temperature_for([1.0, 2.0], entropy=0.5)),
        softdraw.sample_logits([1.0, 2.0], top_p=0.9, rng=7),
        table.sample(20, rng=softdraw.Xoshiro256(7)).tolist(),
        table.sampler(7)(20).tolist(),
        tables.sample([0, 1], 10, rng=7).tolist(),
        len(table.sample(5)),
    ]
"""
namespace = {}
exec(USE, namespace)
EXPECTED = namespace["use"](softdraw)


def python(code):
    """What a new Python prints that runs the code, after USE."""
    return run(
        [sys.executable, "-X", "faulthandler", "-c", USE + textwrap.dedent(code)], timeout=300
    )


def check_is_used(code):
    """The code makes the last line that is printed what use() returns, and nothing goes wrong."""
    done = python(code)
    assert done.stdout.splitlines()[-1:] == [str(EXPECTED)], done.stderr
    assert done.stderr == ""


# ---- loaded again ------------------------------------------------------------------------------


def test_reloaded_modules_work():
    check_is_used(
        """
        import importlib, sys, softdraw
        old = softdraw.AliasTable([1, 2]).sampler(7)
        for name in [name for name in sys.modules if name.startswith("softdraw")]:
            importlib.reload(sys.modules[name])
        old(), old(5)
        print(use(softdraw))
        """
    )


def test_modules_imported_again_after_they_were_forgotten_work():
    check_is_used(
        """
        import pickle, sys, softdraw
        table = softdraw.AliasTable([1, 2])
        for _ in range(3):
            for name in [name for name in sys.modules if name.startswith("softdraw")]:
                del sys.modules[name]
            import softdraw as again
            assert again is not softdraw
            assert use(again) == use(softdraw)
            assert pickle.loads(pickle.dumps(table)) == table
            assert again.AliasTable([1, 2]).sample(rng=softdraw.Xoshiro256(7)) in (0, 1)
        print(use(softdraw))
        """
    )


# ---- subinterpreters ---------------------------------------------------------------------------

# Each of them either imports softdraw and uses it, or gets an ImportError.
SUBINTERPRETERS = f"""
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

TRY = {USE!r} + '''
import warnings
warnings.simplefilter("ignore")  # NumPy's, that it may not work there
try:
    import softdraw
except ImportError:
    pass
else:
    assert use(softdraw) == {EXPECTED}
'''

def use_in_subinterpreters():
    if hasattr(interpreters, "new_config"):
        made = [interpreters.create("isolated"), interpreters.create("legacy")]
    else:
        made = [interpreters.create(isolated=True), interpreters.create(isolated=False)]
    for each in made:
        failed = getattr(interpreters, "exec", interpreters.run_string)(each, TRY)
        assert failed is None, failed
        interpreters.destroy(each)
"""

needs_subinterpreters = pytest.mark.skipif(
    sys.platform == "emscripten" or sys.implementation.name != "cpython",
    reason="needs the subinterpreters of CPython",
)


@needs_subinterpreters
def test_a_subinterpreter_works_or_gets_an_import_error_and_the_main_one_goes_on():
    check_is_used(
        SUBINTERPRETERS
        + """
import softdraw
use_in_subinterpreters()
print(use(softdraw))
"""
    )


@needs_subinterpreters
def test_after_a_subinterpreter_the_main_one_works_or_gets_an_import_error():
    check_is_used(
        SUBINTERPRETERS
        + f"""
use_in_subinterpreters()
try:
    import softdraw
except ImportError:
    print({EXPECTED})
else:
    print(use(softdraw))
"""
    )


@needs_subinterpreters
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the hang was seen in CPython 3.11")
def test_python_ends_where_a_subinterpreter_that_has_used_threads_is_left():
    check_is_used(
        f"""
import _xxsubinterpreters as interpreters
code = '''
import warnings
warnings.simplefilter("ignore")  # NumPy's, that it may not work there
import softdraw, numpy
softdraw.softmax(numpy.zeros((2000, 1000)), workers=2)
'''
left = interpreters.create()  # it would end if nothing referred to it
interpreters.run_string(left, code)
print({EXPECTED})
"""
    )


# ---- while Python ends -------------------------------------------------------------------------


def test_functions_run_at_exit_may_draw():
    check_is_used(
        """
        import atexit
        atexit.register(lambda: print(use(softdraw)))
        import softdraw
        atexit.register(lambda: use(softdraw))
        """
    )


@pytest.mark.parametrize("keep", ["sys.kept = Last()", "kept = Last()"])
def test_a_finalizer_may_draw_while_modules_are_torn_down(keep):
    """Into an array that is there: to make one, NumPy may need modules that are gone."""
    done = python(
        """
        import sys, softdraw

        class Last:
            def __init__(self):
                self.table, self.rng = softdraw.AliasTable([1, 2, 1]), softdraw.Xoshiro256(7)
                self.draw, self.write = self.table.sampler(7), sys.stdout.write
                self.use, self.softdraw = use, softdraw
            def __del__(self):
                self.write(str(self.table.sample(rng=self.rng) == self.draw()))
                self.table.sample()
                try:
                    self.use(self.softdraw)
                except Exception:
                    pass

        KEEP
        """.replace("KEEP", keep)
    )
    assert done.stdout == "True"
    assert done.stderr == ""


def test_daemon_threads_may_draw_while_python_ends():
    check_is_used(
        """
        import threading, numpy as np, softdraw
        rng, table = softdraw.Xoshiro256(7), softdraw.AliasTable(np.arange(1, 1000))
        draw, logits = table.sampler(rng), np.zeros((20, 1000), np.float32)
        begun = threading.Barrier(9)

        def work():
            begun.wait()
            while True:
                draw(), draw(5000), table.sample(5000, rng=rng), table.sample()
                softdraw.sample_logits(logits, top_p=0.9), softdraw.softmax(logits, axis=0)

        for _ in range(8):
            threading.Thread(target=work, daemon=True).start()
        begun.wait()
        print(use(softdraw))
        """
    )


# ---- other processes ---------------------------------------------------------------------------

PROCESSES = """
import multiprocessing, pickle, threading, warnings
import softdraw

def child(objects, queue):
    table, tables, rng = objects
    queue.put([
        table.sample(20, rng=rng).tolist(),
        tables.sample([0, 1], 10, rng=rng).tolist(),
        hash(table) == hash(softdraw.AliasTable([1, 2, 1])),
        table.sample(20).tolist(),  # from the generator of this process
    ])

if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork of several threads
    objects = (
        softdraw.AliasTable([1, 2, 1]),
        softdraw.AliasTables([1, 2, 1], [0, 1, 3]),
        softdraw.Xoshiro256(7),
    )
    objects[0].sample()
    context = multiprocessing.get_context(METHOD)
    queue = context.Queue()
    processes = [context.Process(target=child, args=(objects, queue)) for _ in range(3)]
    for process in processes:
        process.start()
    results = [queue.get(timeout=250) for _ in processes]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    copies = pickle.loads(pickle.dumps(objects))
    expected = [copies[0].sample(20, rng=copies[2]).tolist()]
    expected += [copies[1].sample([0, 1], 10, rng=copies[2]).tolist(), True]
    assert all(result[:3] == expected for result in results)
    assert len({tuple(result[3]) for result in results}) == 3
    print("done")
"""


@pytest.mark.skipif(sys.platform == "emscripten", reason="Pyodide starts no processes")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_started_by_each_method(method, tmp_path):
    """They get equal tables and generators, and without rng draw differently."""
    program = tmp_path / "program.py"
    program.write_text(PROCESSES.replace("METHOD", repr(method)), encoding="utf-8")
    done = run([sys.executable, "-X", "faulthandler", program], timeout=300)
    assert done.stdout == "done\n"
    assert done.stderr == ""
