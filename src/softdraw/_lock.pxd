"""The lock of a generator, for the other modules of softdraw."""

from libc.stdint cimport int64_t

# How often this process has been forked from another.
cdef unsigned long fork_count() noexcept


cdef class Lock:
    cdef unsigned long owner  # the thread that holds it, while count > 0
    cdef unsigned long count  # how many times that holds it
    cdef unsigned long waiting  # threads that sleep until it is free
    cdef bint woken  # one of them has been woken and has not taken it yet
    cdef unsigned long passed_over  # of those that sleep, how many were woken and found it taken again
    cdef void *sleep_lock  # of the operating system, always held: who waits for it, sleeps; NULL before
    cdef unsigned long forks  # fork_count() when this was last looked at
    cdef bint take(self, int64_t microseconds) except -1  # False if not in that time; -1 is any time
    cdef bint wait(self, int64_t microseconds) except -1
    cdef int give(self) except -1
    cdef void let_go_first(self) noexcept
    cdef void forget_other_threads(self) noexcept
