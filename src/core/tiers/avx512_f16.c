/* The kernels for float16 on AVX-512 F, BW, DQ and VL. */
#include "../kernels.h"
#include "../simd/avx512.h"
#include "f16.h"
