/* The version of the library, and a text for each of its error codes. */
#include "softdraw.h"

int softdraw_version(void) { return SOFTDRAW_VERSION; }

const char *softdraw_strerror(int error) {
    switch (error) {
    case SOFTDRAW_OK: return "no error";
    case SOFTDRAW_ERROR_TEMPERATURE: return "temperature must be >= 0, and > 0 for softmax_vjp";
    case SOFTDRAW_ERROR_ISA: return "SOFTDRAW_ISA names a tier that this CPU or build lacks";
    case SOFTDRAW_ERROR_LENGTH: return "a length does not match, or is 0 or too large";
    case SOFTDRAW_ERROR_WEIGHT: return "weights must be finite and >= 0";
    case SOFTDRAW_ERROR_ZERO: return "all weights are zero";
    case SOFTDRAW_ERROR_ROW: return "a row index is out of range";
    case SOFTDRAW_ERROR_FILTER:
        return "top_k must be >= 1, top_p and min_p in [0, 1], one mask at most, and size as in the header";
    case SOFTDRAW_ERROR_LOGIT: return "logits must be finite or -inf";
    case SOFTDRAW_ERROR_NOTHING: return "a row has no item that may be drawn";
    case SOFTDRAW_ERROR_TARGET: return "no temperature gives the target value";
    case SOFTDRAW_ERROR_NULL: return "a pointer that must not be NULL is NULL";
    default: return "unknown error";
    }
}
