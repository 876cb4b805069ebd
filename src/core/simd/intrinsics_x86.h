/* x86's intrinsics up to AVX-512, whatever flags a file is compiled with.
 *
 * clang in MSVC's place (clang-cl) keeps those that its flags do not allow to itself until their own
 * headers are asked for, although a region of functions for a target may use them. */
#ifndef SD_INTRINSICS_X86_H
#define SD_INTRINSICS_X86_H

#include <immintrin.h>

#if defined(__clang__) && defined(_MSC_VER)
#include <tmmintrin.h>

#include <smmintrin.h>

#include <avxintrin.h>

#include <avx2intrin.h>
#include <f16cintrin.h>
#include <fmaintrin.h>

#include <avx512fintrin.h>

#include <avx512bwintrin.h>
#include <avx512dqintrin.h>
#include <avx512vlintrin.h>

#include <avx512vlbwintrin.h>
#include <avx512vldqintrin.h>
#endif

#endif
