/* The kernels on 64-bit words on AVX-512 F, BW, DQ and VL. */
#include "../kernels.h"
#include "../simd/avx512.h"
#include "words.h"
