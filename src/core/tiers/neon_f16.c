/* The kernels for float16 on NEON. */
#include "../kernels.h"
#include "../simd/neon.h"
#include "f16.h"
