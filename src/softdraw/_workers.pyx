"""The argument `workers`, its default, and the pool of threads. docs/workers.md says how they are used.

The threads of the pool are those of the operating system, and know nothing of Python: they run
kernels only. All that they share is guarded by one lock, which nobody holds for longer than it takes
to claim a piece. A caller computes pieces of its job itself until none is left. So it waits only for
pieces that another thread is computing already, never for a thread to come.
"""

import atexit
import os
from contextlib import contextmanager
from contextvars import ContextVar

from cpython.contextvars cimport PyContextVar_Get
from cpython.long cimport PyLong_CheckExact
from cpython.ref cimport PyObject, Py_DECREF
from libc.stddef cimport size_t

from softdraw._arguments cimport whole_number
from softdraw._core cimport SOFTDRAW_OK, HostState, set_default_state

cdef extern from "pythread.h" nogil:
    void *PyThread_allocate_lock()
    void PyThread_free_lock(void *lock)
    int PyThread_acquire_lock(void *lock, int waits)
    void PyThread_release_lock(void *lock)
    unsigned long PyThread_start_new_thread(void (*run)(void *) noexcept nogil, void *argument)
    unsigned long PYTHREAD_INVALID_THREAD_ID
    size_t PyThread_get_stacksize()
    int PyThread_set_stacksize(size_t size)

# A thread begins with the mask of signals of the one that starts it.
cdef extern from * nogil:
    """
    #if defined(_WIN32) || defined(__EMSCRIPTEN__)
    typedef int signal_mask;
    static void block_signals(signal_mask *before) { *before = 0; }
    static void restore_signals(const signal_mask *before) { (void)before; }
    #else
    #include <signal.h>
    typedef sigset_t signal_mask;
    static void block_signals(signal_mask *before) {
        /* but for those of a fault, which are not kept waiting */
        static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
        sigset_t all;
        sigfillset(&all);
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&all, faults[i]);
        pthread_sigmask(SIG_BLOCK, &all, before);
    }
    static void restore_signals(const signal_mask *before) { pthread_sigmask(SIG_SETMASK, before, NULL); }
    #endif
    """
    ctypedef struct signal_mask:
        pass
    void block_signals(signal_mask *before)
    void restore_signals(const signal_mask *before)

cdef enum:
    # The most threads of a call, and so of the pool.
    MAX_WORKERS = 256
    # How many threads each thread wakes that begins with a job, which all of them so do soon.
    WAKES = 2
    # How often a thread looks, for about 50 us, whether it can go on, before it sleeps: the operating
    # system takes up to that long to wake it.
    LOOKS = 4000
    # Bytes of stack for a thread, at least. A kernel takes up to 60,000.
    STACK = 1 << 18


# ---- how many ----------------------------------------------------------------------------------

cdef object default_workers = ContextVar("softdraw.workers", default=1)


cdef int count_cpus() except -1:
    """Return how many CPUs this process may use."""
    if hasattr(os, "process_cpu_count"):  # since Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


cdef int given_workers(object workers) except -1:
    if workers is None:
        return 0
    if PyLong_CheckExact(workers) and 0 < workers <= MAX_WORKERS:  # what most give
        return workers
    return checked_workers(workers, " or None")


cdef int checked_workers(object workers, str others) except -1:
    """Return a number of workers, or raise. `others` says what else could be given."""
    if isinstance(workers, bool):
        raise TypeError(f"workers must be an integer{others}, got bool")
    number = whole_number(workers, "workers", others)
    if number == -1:
        number = count_cpus()
    if number < 1:
        raise ValueError(f"workers must be at least 1, or -1 for all CPUs, got {number}")
    return min(number, MAX_WORKERS)


cdef int workers_in_force(int given) except -1:
    cdef PyObject *number
    if given:
        return given
    PyContextVar_Get(default_workers, NULL, &number)
    given = <object>number
    Py_DECREF(<object>number)
    return max(1, min(given, MAX_WORKERS))  # the variable can be found, and set to anything


def get_workers():
    """Return how many threads a call uses that is not told: what `set_workers` has set, and 1 before.

    See Also
    --------
    set_workers : Sets the number.

    Examples
    --------
    >>> import softdraw
    >>> softdraw.get_workers()
    1
    """
    return workers_in_force(0)


def set_workers(workers):
    """Set how many threads calls use, as a context manager.

    Parameters
    ----------
    workers : int
        At least 1, or -1 for as many as there are CPUs that the process may use. More than 256 count
        as 256.

    Returns
    -------
    context manager, for one ``with`` block, or decorator of functions (not of coroutines or generators)
        Within it, calls without `workers` use so many threads. It belongs to the context
        (`contextvars`): other threads and tasks that run at the same time keep their own number.

    Raises
    ------
    ValueError
        If `workers` is 0 or less than -1.
    TypeError
        If it is not an integer.

    See Also
    --------
    get_workers : The number in force.

    Notes
    -----
    Results, draws and the state of a generator afterwards are the same with any number. A call that is
    too small to gain from threads runs in the thread that calls. The threads are started when they are
    first used, stay for later calls, and end with the process.

    Examples
    --------
    >>> import softdraw
    >>> with softdraw.set_workers(2):
    ...     softdraw.get_workers()
    2
    """
    return _setting_of(checked_workers(workers, ""))


@contextmanager
def _setting_of(number):
    token = default_workers.set(number)
    try:
        yield
    finally:
        default_workers.reset(token)


# ---- pool --------------------------------------------------------------------------------------

# The work of one call, in memory of its caller's.
cdef struct Job:
    piece_function run
    void *data
    size_t pieces
    size_t next  # the first piece that nobody has claimed
    int error  # of the first piece that has one
    size_t failed  # which piece that is
    size_t where  # and the place that it reports
    int helpers  # most threads of the pool, and how many have been woken for it, have joined and are in it
    int woken
    int joined
    int present
    bint is_awaited  # the caller waits for `done`
    void *done  # a lock, released when the last of the pool leaves
    Job *later  # the next one in the list

# A thread of the pool.
cdef struct Thread:
    void *wake  # a lock, which it takes to sleep, and which is released to wake it
    void *ended  # a lock, released when it has ended
    Thread *other  # the next one that sleeps

cdef void *pool_lock = PyThread_allocate_lock()  # guards all that follows; NULL where there is no memory for it
cdef Job *first_job = NULL
cdef Thread[MAX_WORKERS - 1] threads
cdef int thread_count = 0
cdef Thread *sleeping = NULL  # the last to fall asleep first, as its caches are the warmest
cdef bint is_ending = False


cdef inline void enter() noexcept nogil:
    PyThread_acquire_lock(pool_lock, 1)


cdef inline void leave() noexcept nogil:
    PyThread_release_lock(pool_lock)


cdef void wait_for(void *lock) noexcept nogil:
    cdef int i
    for i in range(LOOKS):
        if PyThread_acquire_lock(lock, 0):
            return
    PyThread_acquire_lock(lock, 1)


cdef void wake_one() noexcept nogil:
    global sleeping
    cdef Thread *thread = sleeping
    sleeping = thread.other
    PyThread_release_lock(thread.wake)


cdef void wake_for(Job *job) noexcept nogil:
    """Wake some threads, if there is work for them."""
    cdef int i
    for i in range(WAKES):
        if sleeping != NULL and job.woken < job.helpers and <size_t>job.woken < job.pieces - job.next:
            job.woken += 1
            wake_one()


cdef void work_on(Job *job, int worker) noexcept nogil:
    """Compute pieces until none is left; worker 0 is the caller. The pool's lock is held before and after."""
    cdef size_t piece, where
    cdef int error
    while job.next < job.pieces and not (is_ending and worker):
        piece = job.next
        job.next += 1
        leave()
        where = 0
        error = job.run(job.data, piece, <size_t>worker, &where)
        enter()
        if error != SOFTDRAW_OK and (job.error == SOFTDRAW_OK or piece < job.failed):
            job.error, job.failed, job.where = error, piece, where
            job.next = job.pieces


cdef Job *find_job() noexcept nogil:
    cdef Job *job = first_job
    while job != NULL and (job.next == job.pieces or job.joined == job.helpers):
        job = job.later
    return job


cdef void serve(void *argument) noexcept nogil:
    """What a thread of the pool does."""
    global sleeping
    cdef Thread *me = <Thread *>argument
    cdef Job *job
    cdef HostState before
    set_default_state(&before)  # some of what runs here compares floating-point numbers
    enter()
    while not is_ending:
        job = find_job()
        if job == NULL:
            me.other, sleeping = sleeping, me
            leave()
            wait_for(me.wake)
            enter()
        else:
            job.joined += 1
            job.present += 1
            wake_for(job)
            work_on(job, job.joined)
            job.present -= 1
            if job.present == 0 and job.is_awaited:
                PyThread_release_lock(job.done)
    leave()
    PyThread_release_lock(me.ended)


cdef bint start_serving(Thread *thread) noexcept:
    """Start a thread with enough stack, even where `threading.stack_size` asks for less. Signals are for the
    threads of the program, which may block them; in a thread of the pool, only handlers of faults run."""
    cdef size_t given = PyThread_get_stacksize()  # 0 for the default of the platform
    cdef bint is_small = 0 < given < STACK, started
    cdef signal_mask before
    if is_small:
        PyThread_set_stacksize(STACK)
    block_signals(&before)
    started = PyThread_start_new_thread(serve, thread) != PYTHREAD_INVALID_THREAD_ID
    restore_signals(&before)
    if is_small:
        PyThread_set_stacksize(given)
    return started


cdef bint start_thread() noexcept:
    """Add a thread to the pool, whose lock is held; False if there can be no more."""
    global thread_count
    cdef Thread *thread = &threads[thread_count]
    thread.wake = PyThread_allocate_lock()
    thread.ended = PyThread_allocate_lock()
    if thread.wake != NULL and thread.ended != NULL:
        PyThread_acquire_lock(thread.wake, 1)
        PyThread_acquire_lock(thread.ended, 1)
        if start_serving(thread):
            thread_count += 1
            return True
        PyThread_release_lock(thread.wake)
        PyThread_release_lock(thread.ended)
    if thread.wake != NULL:
        PyThread_free_lock(thread.wake)
    if thread.ended != NULL:
        PyThread_free_lock(thread.ended)
    return False


cdef void share(Job *job) noexcept nogil:
    """Compute all pieces of a job, together with threads of the pool."""
    global first_job
    cdef Job **place = &first_job
    enter()
    while place[0] != NULL:
        place = &place[0].later
    place[0] = job
    wake_for(job)
    work_on(job, 0)
    place = &first_job
    while place[0] != job:
        place = &place[0].later
    place[0] = job.later
    job.is_awaited = job.present > 0
    leave()
    if job.is_awaited:
        wait_for(job.done)
        enter()  # until the thread that has released it is done with it
        leave()


cdef int run_pieces(piece_function run, void *data, size_t pieces, int workers, size_t *where) except -1:
    cdef Job job
    job.run, job.data, job.pieces, job.next = run, data, pieces, 0
    job.error, job.failed, job.where = SOFTDRAW_OK, 0, 0
    job.helpers = <int>min(<size_t>workers, pieces) - 1
    job.woken = job.joined = job.present = 0
    job.is_awaited, job.done, job.later = False, NULL, NULL
    if job.helpers > 0 and pool_lock != NULL:
        enter()
        while thread_count < job.helpers and not is_ending and start_thread():
            pass
        leave()
        job.done = PyThread_allocate_lock()
    with nogil:
        if job.done != NULL:
            PyThread_acquire_lock(job.done, 1)
            share(&job)
        else:
            while job.next < pieces and job.error == SOFTDRAW_OK:
                job.error = run(data, job.next, 0, &job.where)
                job.next += 1
    if job.done != NULL:
        if not job.is_awaited:
            PyThread_release_lock(job.done)
        PyThread_free_lock(job.done)
    where[0] = job.where
    return job.error


# ---- the end of the process, and forks -----------------------------------------------------------


def _end_pool():
    global is_ending
    cdef int i
    if pool_lock == NULL:
        return
    enter()
    is_ending = True
    while sleeping != NULL:
        wake_one()
    leave()
    # The threads of the pool need no GIL to end. It is not released meanwhile, because CPython 3.11 would hang
    # if softdraw was imported in a subinterpreter that nobody has ended.
    for i in range(thread_count):
        PyThread_acquire_lock(threads[i].ended, 1)
        PyThread_release_lock(threads[i].ended)


# Now and not with the first thread: several threads may start the pool at once, even while the process ends, and
# free-threaded CPython 3.13 registers functions without a lock.
atexit.register(_end_pool)


def _after_fork_in_child():
    """Forget the threads, which are gone, and the locks, which may be in any state."""
    global pool_lock, first_job, thread_count, sleeping
    pool_lock = PyThread_allocate_lock()
    first_job = sleeping = NULL
    thread_count = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
