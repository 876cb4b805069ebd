"""The lock that an Xoshiro256 brings, and how it finds out that the process has been forked."""

import os
import threading
from time import monotonic_ns

import numpy as np

cimport cython
from libc.stdint cimport int64_t

cdef extern from "Python.h":
    ctypedef struct PyThreadState
    PyThreadState *PyEval_SaveThread()
    void PyEval_RestoreThread(PyThreadState *state)
    int PyErr_CheckSignals() except -1

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident()
    void *PyThread_allocate_lock()
    void PyThread_free_lock(void *lock)
    int PyThread_acquire_lock_timed(void *lock, long long microseconds, int interruptible)
    void PyThread_release_lock(void *lock)
    int PY_LOCK_ACQUIRED, PY_LOCK_INTR


# ---- forks -------------------------------------------------------------------------------------

cdef unsigned long forks = 0
cdef unsigned long forking_thread = 0  # the one that came along into this process
cdef unsigned long forked_since = 0  # the number of forks since which it has been the same


cdef unsigned long fork_count() noexcept:
    return forks


def _after_fork_in_child():
    global forks, forking_thread, forked_since
    if forking_thread != PyThread_get_thread_ident():
        forking_thread, forked_since = PyThread_get_thread_ident(), forks
    forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


# ---- lock --------------------------------------------------------------------------------------

cdef enum:
    # How often a thread that has passed over another one looks, each time after so many microseconds, whether
    # that has taken the lock.
    LOOKS = 100
    PAUSE = 50

cdef tuple NUMBERS = (int, float, np.integer, np.floating)


# Python then checks self: a method called as one of the class may get anything.
@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Lock:
    """A reentrant lock for what takes nanoseconds: `acquire()`, `release()` and `with`.

    Its fields are only touched under the GIL (without one, in a critical section), so taking a
    lock that is free is a comparison and two assignments. A thread that has to wait sleeps on a
    lock of the operating system. When it wakes, another thread may have been faster; until it has
    had its turn, who gives the lock back lets others go first, for up to 5 ms. If each draw did so,
    every draw of threads that share a generator would be a switch between threads. docs/streams.md
    has the time, and that of other locks.

    Nothing here points to the stack of a thread: Python ends daemon threads wherever they wait.
    """

    def __dealloc__(self):
        if self.sleep_lock != NULL:
            PyThread_release_lock(self.sleep_lock)
            PyThread_free_lock(self.sleep_lock)

    cdef bint take(self, int64_t microseconds) except -1:
        cdef unsigned long me = PyThread_get_thread_ident()
        cdef bint taken = True
        with cython.critical_section(self):
            if self.forks != forks:
                self.forget_other_threads()
            if self.count and self.owner != me:
                taken = self.wait(microseconds)
            if taken:
                self.owner = me
                self.count += 1
        return taken

    cdef bint wait(self, int64_t microseconds) except -1:
        cdef PyThreadState *state
        cdef int status
        cdef bint passed_over = False
        cdef int64_t end = microseconds + monotonic_ns() // 1000
        try:
            while self.count and self.owner != PyThread_get_thread_ident():
                if microseconds >= 0:
                    microseconds = end - monotonic_ns() // 1000
                    if microseconds <= 0:
                        return False
                if self.sleep_lock == NULL:
                    self.sleep_lock = PyThread_allocate_lock()
                    if self.sleep_lock == NULL:
                        raise MemoryError
                    PyThread_acquire_lock_timed(self.sleep_lock, -1, 0)
                self.waiting += 1
                state = PyEval_SaveThread()  # ends a critical section too, until the thread is back
                status = PyThread_acquire_lock_timed(self.sleep_lock, microseconds, 1)
                PyEval_RestoreThread(state)
                self.waiting -= 1
                if status == PY_LOCK_INTR:
                    PyErr_CheckSignals()
                    if self.forks != forks:  # by a signal handler
                        self.forget_other_threads()
                elif status == PY_LOCK_ACQUIRED:
                    self.woken = False
                    if self.count and not passed_over:
                        passed_over = True
                        self.passed_over += 1
            return True
        finally:
            if passed_over and self.passed_over:  # a fork forgets them
                self.passed_over -= 1

    cdef int give(self) except -1:
        with cython.critical_section(self):
            if self.forks != forks:
                self.forget_other_threads()
            if self.count == 0 or self.owner != PyThread_get_thread_ident():
                raise RuntimeError("cannot release a lock that this thread does not hold")
            self.count -= 1
            if self.count == 0 and self.waiting and not self.woken:
                self.woken = True
                PyThread_release_lock(self.sleep_lock)
                if self.passed_over:
                    self.let_go_first()
        return 0

    cdef void let_go_first(self) noexcept:
        """Wait until the thread that has just been woken has the lock."""
        cdef PyThreadState *state
        cdef void *never = PyThread_allocate_lock()
        cdef int i
        if never == NULL:
            return
        PyThread_acquire_lock_timed(never, -1, 0)
        for i in range(LOOKS):
            if not self.woken:
                break
            state = PyEval_SaveThread()
            PyThread_acquire_lock_timed(never, PAUSE, 0)
            PyEval_RestoreThread(state)
        PyThread_release_lock(never)
        PyThread_free_lock(never)

    cdef void forget_other_threads(self) noexcept:
        # In a forked child, threads that held this lock or waited for it are gone; sleep_lock may
        # be in any state and is left behind, as CPython does with its own.
        if self.owner != forking_thread or self.forks < forked_since:
            self.count = 0
        self.waiting = 0
        self.woken = False
        self.passed_over = 0
        self.sleep_lock = NULL
        self.forks = forks

    def acquire(self, blocking=True, timeout=-1):
        """Take the lock; as for `threading.RLock`, False if it is not free, or not in time."""
        longest = threading.TIMEOUT_MAX
        if not isinstance(timeout, NUMBERS) or isinstance(timeout, np.timedelta64):
            raise TypeError(f"timeout must be a number, got {type(timeout).__name__}")
        if isinstance(timeout, np.floating):
            timeout = float(timeout)  # a float16 has no room for microseconds
        if timeout != -1 and not blocking:
            raise ValueError(f"timeout must be -1 if blocking is False, got {timeout}")
        if timeout != -1 and not 0 <= timeout <= longest:
            raise ValueError(f"timeout must be from 0 to {longest} seconds, or -1 for any time, got {timeout}")
        if not blocking:
            return self.take(0)
        return self.take(-1 if timeout == -1 else int(1e6 * timeout))

    def release(self):
        """Give the lock back; as often as it was taken."""
        self.give()

    def __enter__(self):
        return self.take(-1)

    def __exit__(self, *exception):
        self.give()

    def __reduce__(self):
        raise TypeError("a lock cannot be pickled or copied; its generator can")
