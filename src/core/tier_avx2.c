/* The kernels for one tier: AVX2, FMA and F16C. */
#include "compiler.h"

#if SD_X86
#include "intrinsics_x86.h"
#include "kernels.h"
#include "softdraw.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

SD_TARGET_BEGIN("avx2,fma,f16c")
#include "pack_avx2.h"
#include "tile_avx2.h"

#define SD_KERNELS sd_kernels_avx2
#include "kernels_body.h"
SD_TARGET_END
#else
typedef int sd_no_avx2_here; /* ISO C wants a declaration in every file */
#endif
