/* Control states of this machine's floating-point unit, for tests that call functions in each of them.
 *
 * Between set_control and the next one nothing may compute with floating-point numbers but what is tested:
 * in some of the states it would give other results or end the program. */
#ifndef HOST_STATES_H
#define HOST_STATES_H

#include <fenv.h>
#include <stdint.h>

typedef struct {
    const char *name;
    uint64_t control;
} state_t;

#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#include <xmmintrin.h>

static const state_t states[] = {
    {"the default", 0x1f80},
    {"flush-to-zero", 0x9f80},
    {"denormals-are-zero", 0x1fc0},
    {"both", 0x9fc0},
    {"rounding down", 0x3f80},
    {"rounding up", 0x5f80},
    {"rounding towards zero", 0x7f80},
    {"all traps", 0},
    {"all traps, rounding up and both", 0xc040},
};

static void set_control(uint64_t control) { _mm_setcsr((unsigned)control); }
static uint64_t get_control(void) { return _mm_getcsr() & 0xffc0; }

#elif defined(__aarch64__)

static const state_t states[] = {
    {"the default", 0},
    {"flush-to-zero", 1 << 24},
    {"flush-to-zero of halves", 1 << 19},
    {"rounding up", 1 << 22},
    {"rounding down", 2 << 22},
    {"rounding towards zero", 3 << 22},
    {"default NaNs", 1 << 25},
    {"alternative halves", 1 << 26},
    {"all traps, if this machine has them", 0x9f00},
    {"all of these", 0x7c89f00},
};

static void set_control(uint64_t control) { __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory"); }
static uint64_t get_control(void) {
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control) : : "memory");
    return control;
}

#else

static const state_t states[] = {
    {"the default", FE_TONEAREST},
#ifdef FE_DOWNWARD
    {"rounding down", FE_DOWNWARD},
#endif
#ifdef FE_UPWARD
    {"rounding up", FE_UPWARD},
#endif
#ifdef FE_TOWARDZERO
    {"rounding towards zero", FE_TOWARDZERO},
#endif
};

static void set_control(uint64_t control) { fesetround((int)control); }
static uint64_t get_control(void) { return (uint64_t)fegetround(); }

#endif

enum { STATES = sizeof states / sizeof *states };

#endif
