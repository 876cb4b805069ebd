/* Includes the intrinsics of x86 up to AVX-512, whatever flags a file is compiled with.
 *
 * clang in place of MSVC (clang-cl) leaves those that its flags do not allow out of immintrin.h, although
 * functions in a target region (compiler.h) may use them. Their own headers have them. */
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
