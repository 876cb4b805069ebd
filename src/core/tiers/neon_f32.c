/* The kernels for float32 on NEON. */
#include "../kernels.h"
#include "../simd/neon.h"
#include "f32.h"
