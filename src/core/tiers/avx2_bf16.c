/* The kernels for bfloat16 on AVX2, FMA and F16C. */
#include "../kernels.h"
#include "../simd/avx2.h"
#include "bf16.h"
