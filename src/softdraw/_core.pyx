# The C core as linked into this module, reached by cimport (see _core.pxd), as a capsule (see
# softdraw_capi.h) and as a shared library, and what it runs on.

from cpython.pycapsule cimport PyCapsule_New

include "_core_functions.pxi"

cdef extern from *:
    ctypedef struct softdraw_capi:
        pass
    const softdraw_capi functions
    const char *SOFTDRAW_CAPI_NAME

cdef extern from "softdraw.h" nogil:
    const int SOFTDRAW_VERSION_MAJOR, SOFTDRAW_VERSION_MINOR, SOFTDRAW_VERSION_PATCH

cdef extern from "../core/transpose.h" nogil:
    void sd_transpose(size_t itemsize, const void *x, ptrdiff_t x_stride, void *out,
                      ptrdiff_t out_stride, size_t rows, size_t columns, int past_caches) noexcept

cdef extern from "../core/arith/host_state.h" nogil:
    """
    typedef char state_fits_its_room[sizeof(sd_host_state) <= 128 ? 1 : -1];
    """
    ctypedef struct sd_host_state:
        pass
    sd_host_state sd_set_default_state() noexcept
    void sd_restore_state(sd_host_state before) noexcept


cdef void transpose(size_t itemsize, const void *x, ptrdiff_t x_stride, void *out,
                    ptrdiff_t out_stride, size_t rows, size_t columns,
                    int past_caches) noexcept nogil:
    sd_transpose(itemsize, x, x_stride, out, out_stride, rows, columns, past_caches)


cdef void set_default_state(HostState *before) noexcept nogil:
    (<sd_host_state *>before)[0] = sd_set_default_state()


cdef void restore_state(const HostState *before) noexcept nogil:
    sd_restore_state((<const sd_host_state *>before)[0])


__version__ = f"{SOFTDRAW_VERSION_MAJOR}.{SOFTDRAW_VERSION_MINOR}.{SOFTDRAW_VERSION_PATCH}"
_C_API = PyCapsule_New(<void *> &functions, SOFTDRAW_CAPI_NAME, NULL)


cdef list available_tiers():
    return [tier_name(tier).decode() for tier in range(tier_count()) if tier_available(tier)]


def cpu_info():
    """Tell which kernels run on this machine.

    Returns
    -------
    dict
        ``tier``: the instruction set in use, one of ``"scalar"``, ``"avx2"``, ``"avx512"`` and
        ``"neon"``; ``tiers``: all that this CPU and build could run. The environment variable
        ``SOFTDRAW_ISA`` set to one of them before the first import forces it. All tiers give the
        same bits.

    Examples
    --------
    >>> import softdraw
    >>> info = softdraw.cpu_info()
    >>> info["tier"] in info["tiers"]
    True
    """
    return {"tier": tier_name(tier_in_use()).decode(), "tiers": available_tiers()}


if tier_in_use() < 0:
    import os

    named = os.environ.get("SOFTDRAW_ISA")
    if named in (None, "", *available_tiers()):  # since the core has looked, which it does once
        raise ImportError(
            "SOFTDRAW_ISA named a tier that this CPU or build lacks when this process first imported "
            "softdraw; start another process"
        )
    raise ImportError(
        f"SOFTDRAW_ISA={named!r} names a tier that this CPU or build lacks; "
        f"it can run {', '.join(available_tiers())}"
    )
