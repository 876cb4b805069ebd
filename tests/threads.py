"""Threads that run together to their end, and one that repeats a function meanwhile."""

import contextlib
import threading


def run_threads(functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextlib.contextmanager
def repeated(function):
    """While this lasts, another thread calls the function again and again."""
    is_done = threading.Event()

    def repeat():
        while not is_done.is_set():
            function()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()
