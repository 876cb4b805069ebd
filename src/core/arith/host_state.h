/* The control state of the host's floating-point unit: the rounding mode, flush-to-zero, denormals-are-zero
 * and traps. A host may have changed it for its own arithmetic, but kernels give the documented bits only
 * in the default state. So a function of softdraw.h that computes with floating-point numbers first calls
 * sd_set_default_state, before it so much as compares two of them, and sd_restore_state before it returns.
 *
 * Where the state is the default, as almost always, it is only read and compared, which takes 2 to 3 ns. The
 * assembly clobbers memory, so that compilers move no load, and thus no computation with what was loaded,
 * across a change of the state. */
#ifndef SD_HOST_STATE_H
#define SD_HOST_STATE_H
#include "../compiler.h"

#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
typedef uint32_t sd_host_state; /* MXCSR; its low 6 bits are flags of what has happened */
#define SD_CONTROL_BITS 0xffc0u
#define SD_DEFAULT_STATE 0x1f80u /* only the bits that mask the traps are set */
#elif defined(__aarch64__) || defined(_M_ARM64)
typedef uint64_t sd_host_state; /* FPCR; flags are in a register of their own */
#define SD_CONTROL_BITS UINT64_MAX
#define SD_DEFAULT_STATE 0
#define SD_FPCR 0x5a20 /* its number for MSVC, as ARM64_FPCR in winnt.h */
#else
#include <fenv.h>
typedef fenv_t sd_host_state;
#endif

#ifdef SD_DEFAULT_STATE

SD_INLINE sd_host_state sd_read_state(void) {
    sd_host_state state;
#if defined(_MSC_VER) && !defined(__clang__)
    _ReadWriteBarrier();
#ifdef _M_ARM64
    state = (sd_host_state)_ReadStatusReg(SD_FPCR);
#else
    state = _mm_getcsr();
#endif
#elif defined(__aarch64__)
    __asm__ volatile("mrs %0, fpcr" : "=r"(state) : : "memory");
#else
    __asm__ volatile("stmxcsr %0" : "=m"(state) : : "memory");
#endif
    return state;
}

SD_INLINE void sd_write_state(sd_host_state state) {
#if defined(_MSC_VER) && !defined(__clang__)
    _ReadWriteBarrier();
#ifdef _M_ARM64
    _WriteStatusReg(SD_FPCR, (__int64)state);
#else
    _mm_setcsr(state);
#endif
    _ReadWriteBarrier();
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(state) : "memory");
#else
    __asm__ volatile("ldmxcsr %0" : : "m"(state) : "memory");
#endif
}

/* Returns the state before, for sd_restore_state. */
SD_INLINE sd_host_state sd_set_default_state(void) {
    const sd_host_state before = sd_read_state();
    if ((before & SD_CONTROL_BITS) != SD_DEFAULT_STATE) sd_write_state(SD_DEFAULT_STATE);
    return before;
}

SD_INLINE void sd_restore_state(sd_host_state before) {
    if ((before & SD_CONTROL_BITS) != SD_DEFAULT_STATE) sd_write_state(before);
}

#else /* as far as C can */

SD_INLINE sd_host_state sd_set_default_state(void) {
    sd_host_state before;
    fegetenv(&before);
    fesetenv(FE_DFL_ENV);
    return before;
}

SD_INLINE void sd_restore_state(sd_host_state before) { fesetenv(&before); }

#endif

#endif
