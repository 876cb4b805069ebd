/* The kernels on 64-bit words on AVX2, FMA and F16C. */
#include "../kernels.h"
#include "../simd/avx2.h"
#include "words.h"
