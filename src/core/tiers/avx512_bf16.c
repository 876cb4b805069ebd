/* The kernels for bfloat16 on AVX-512 F, BW, DQ and VL. */
#include "../kernels.h"
#include "../simd/avx512.h"
#include "bf16.h"
