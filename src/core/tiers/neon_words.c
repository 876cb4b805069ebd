/* The kernels on 64-bit words on NEON. */
#include "../kernels.h"
#include "../simd/neon.h"
#include "words.h"
