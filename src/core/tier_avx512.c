/* The kernels for one tier: AVX-512 F, BW, DQ and VL. */
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

SD_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")
#include "pack_avx512.h"
#include "tile_avx2.h"

#define SD_KERNELS sd_kernels_avx512
#include "kernels_body.h"
SD_TARGET_END
#else
typedef int sd_no_avx512_here; /* ISO C wants a declaration in every file */
#endif
