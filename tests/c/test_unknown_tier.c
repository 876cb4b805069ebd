/* With SOFTDRAW_ISA=sse9, which is no tier, functions return an error and write nothing. */
#include "transpose.h"

#include "check.h"

int main(void) {
    const float x = 1;
    const double t = 1;
    float y = 7;
    CHECK(softdraw_tier_in_use() < 0);
    CHECK(softdraw_softmax_f32(&x, 1, &y, 1, 1, 1, &t, 0) == SOFTDRAW_ERROR_ISA);
    sd_transpose(sizeof x, &x, sizeof x, &y, sizeof y, 1, 1, 0);
    CHECK(y == 7);
    return finish();
}
