/* The kernels for bfloat16 on NEON. */
#include "../kernels.h"
#include "../simd/neon.h"
#include "bf16.h"
