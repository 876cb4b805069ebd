/* Calls one function of the C API many times, so that Python takes no part in what is timed.
 *
 * Each parameter of the API is a pointer or an integer. The machines that we measure on pass either
 * as one word, and a function may be given more arguments than it has parameters. So one function
 * type serves for all calls: that with the 11 parameters of softdraw_sample_f32. */
#include <stddef.h>
#include <stdint.h>

typedef int api_function(intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t,
                         intptr_t, intptr_t, intptr_t, intptr_t);

/* 0, or the error codes of the calls, combined by |. */
int repeat(api_function *call, const intptr_t a[11], size_t calls) {
    int errors = 0;
    for (size_t i = 0; i < calls; i++)
        errors |= call(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10]);
    return errors;
}
