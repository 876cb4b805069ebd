/* What differs between compilers, in one place: contraction, inlining, prefetching, counting bits, target
 * regions; and the standard headers that the core uses.
 *
 * Every source of the core includes this first. It turns contraction off, so that a * b + c is rounded
 * twice with every compiler and -O level: one fused multiply-add more or less would change a result. */
#ifndef SD_COMPILER_H
#define SD_COMPILER_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

#if defined(__FAST_MATH__) || defined(_M_FP_FAST)
#error "softdraw: compile without -ffast-math; its results are exact by IEEE arithmetic"
#endif
/* 16 is 0 for float and double; it differs only for _Float16, which is not used here. */
#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16
#error "softdraw: needs FLT_EVAL_METHOD 0 (32-bit x86: -msse2 -mfpmath=sse; s390x: -std=gnu11)"
#endif

#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
/* GCC ignores STDC FP_CONTRACT, and fuses even intrinsics unless it is told not to. */
#pragma GCC optimize("fp-contract=off")
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#else
#pragma STDC FP_CONTRACT OFF
#endif

/* SD_X86 and SD_NEON: whether the tiers for x86 and for aarch64 are built. GCC for 64-bit Windows keeps
 * vectors on a stack that it does not align for them (its bug 54412), which crashes, unless a distributor
 * has fixed it. */
#if defined(_WIN64) && defined(__GNUC__) && !defined(__clang__)
#define SD_X86 0
#elif defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#define SD_X86 1
#else
#define SD_X86 0
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
#define SD_NEON 1
#else
#define SD_NEON 0
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define SD_INLINE static __forceinline
#define SD_NOINLINE __declspec(noinline)
#else
#define SD_INLINE static inline __attribute__((always_inline))
#define SD_NOINLINE __attribute__((noinline, unused))
#endif

/* Unrolls the loop that follows, of at most 16 rounds, completely. */
#if defined(__clang__)
#define SD_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define SD_UNROLL _Pragma("GCC unroll 16")
#else
#define SD_UNROLL
#endif

/* Makes a value in a register, of a kind such as "x", one that the compiler cannot load again from where it came:
 * what else it does with the value, it does with this one. */
#if defined(SD_KEEP) /* for packs that no register holds: of SIMDe, in tests/c */
#elif defined(__GNUC__) || defined(__clang__)
#define SD_KEEP(kind, value) __asm__("" : "+" kind(value))
#else
#define SD_KEEP(kind, value) ((void)0)
#endif

/* Starts loading memory that will be read soon. */
#if defined(__GNUC__) || defined(__clang__)
#define SD_FETCH(address) __builtin_prefetch(address)
#else
#define SD_FETCH(address) ((void)(address))
#endif

/* How many of 64 bits are set. */
#if defined(__GNUC__) || defined(__clang__)
#define SD_COUNT_BITS(bits) ((unsigned)__builtin_popcountll(bits))
#else
SD_INLINE unsigned sd_count_bits(uint64_t bits) {
    bits -= bits >> 1 & 0x5555555555555555;
    bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)(bits * 0x0101010101010101 >> 56);
}
#define SD_COUNT_BITS(bits) sd_count_bits(bits)
#endif

/* The index of the lowest of 64 bits that is set; at least one must be. */
#if defined(__GNUC__) || defined(__clang__)
#define SD_FIRST_BIT(bits) ((unsigned)__builtin_ctzll(bits))
#else
SD_INLINE unsigned sd_first_bit(uint64_t bits) {
#if defined(_M_X64) || defined(_M_ARM64)
    unsigned long index;
    _BitScanForward64(&index, bits);
    return index;
#else
    return SD_COUNT_BITS((bits & (0 - bits)) - 1);
#endif
}
#define SD_FIRST_BIT(bits) sd_first_bit(bits)
#endif

/* Functions between SD_TARGET_BEGIN("avx2,fma") and SD_TARGET_END are compiled for that target, in a file
 * that is compiled without flags for it. MSVC needs neither: it takes intrinsics anywhere. */
#define SD_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define SD_TARGET_BEGIN(isa) \
    SD_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define SD_TARGET_END SD_PRAGMA(clang attribute pop)
#elif defined(__GNUC__)
#define SD_TARGET_BEGIN(isa) SD_PRAGMA(GCC push_options) SD_PRAGMA(GCC target(isa))
#define SD_TARGET_END SD_PRAGMA(GCC pop_options)
#else
#define SD_TARGET_BEGIN(isa)
#define SD_TARGET_END
#endif

#endif
