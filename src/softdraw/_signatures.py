"""Numba's signatures of the functions of softdraw.h, by their names in C."""

# mypy: disable-error-code="attr-defined, unused-ignore"

# Made from include/softdraw.h by tools/declarations.py: begin
from numba.types import intc, intp, uint64, uintc, uintp, voidptr  # type: ignore[import-not-found, import-untyped]

SIGNATURES = {
    "softdraw_strerror": voidptr(intc),
    "softdraw_version": intc(),
    "softdraw_tier_count": intc(),
    "softdraw_tier_name": voidptr(intc),
    "softdraw_tier_available": intc(intc),
    "softdraw_tier_in_use": intc(),
    "softdraw_softmax_f32": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_softmax_f64": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_softmax_f16": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_softmax_bf16": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_log_softmax_f32": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_log_softmax_f64": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_log_softmax_f16": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_log_softmax_bf16": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_logsumexp_f32": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_logsumexp_f64": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_logsumexp_f16": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_logsumexp_bf16": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_entropy_f32": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_entropy_f64": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_entropy_f16": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_entropy_bf16": intc(voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp),
    "softdraw_partial_f32": intc(voidptr, intp, voidptr, uintp, uintp, voidptr, intp),
    "softdraw_partial_f64": intc(voidptr, intp, voidptr, uintp, uintp, voidptr, intp),
    "softdraw_combine_partials": intc(voidptr, intp, voidptr, uintp, uintp),
    "softdraw_softmax_piece_f32": intc(voidptr, intp, voidptr, voidptr, intp, uintp, uintp, intc),
    "softdraw_softmax_piece_f64": intc(voidptr, intp, voidptr, voidptr, intp, uintp, uintp, intc),
    "softdraw_temperature_for_f64": intc(
        voidptr, intp, uintp, uintp, intc, voidptr, intp, voidptr, voidptr
    ),
    "softdraw_temperature_for_range_f64": intc(voidptr, uintp, intc, voidptr),
    "softdraw_softmax_vjp_f32": intc(
        voidptr, intp, voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp
    ),
    "softdraw_softmax_vjp_f64": intc(
        voidptr, intp, voidptr, intp, voidptr, intp, uintp, uintp, voidptr, intp
    ),
    "softdraw_xoshiro_seed": intc(voidptr, voidptr),
    "softdraw_xoshiro_next": uint64(voidptr),
    "softdraw_xoshiro_fill": intc(voidptr, voidptr, uintp),
    "softdraw_xoshiro_jump": intc(voidptr, uint64),
    "softdraw_xoshiro_advance": intc(voidptr, uint64, uint64),
    "softdraw_alias_bits": uintc(uintp),
    "softdraw_alias_build_f64": intc(voidptr, uintp, voidptr, voidptr, voidptr),
    "softdraw_alias_build_f32": intc(voidptr, uintp, voidptr, voidptr, voidptr),
    "softdraw_alias_build_u64": intc(voidptr, uintp, voidptr, voidptr, voidptr),
    "softdraw_alias_scratch": uintp(uintp),
    "softdraw_alias_units": intc(voidptr, uintc, uintp, voidptr),
    "softdraw_alias_map": intc(voidptr, uintc, voidptr, uintp, voidptr),
    "softdraw_alias_sample": intc(voidptr, uintc, voidptr, uintp, voidptr),
    "softdraw_alias_draw": intc(voidptr, uintc, voidptr, voidptr, uintp, voidptr),
    "softdraw_alias_rows_max_buckets": uintp(voidptr, uintp),
    "softdraw_alias_rows_max_length": uintp(voidptr, uintp),
    "softdraw_alias_rows_build_f64": intc(
        voidptr, voidptr, uintp, voidptr, voidptr, voidptr, voidptr
    ),
    "softdraw_alias_rows_build_f32": intc(
        voidptr, voidptr, uintp, voidptr, voidptr, voidptr, voidptr
    ),
    "softdraw_alias_rows_build_u64": intc(
        voidptr, voidptr, uintp, voidptr, voidptr, voidptr, voidptr
    ),
    "softdraw_alias_rows_map": intc(
        voidptr, voidptr, uintp, voidptr, voidptr, uintp, voidptr, voidptr
    ),
    "softdraw_sample_f32": intc(
        voidptr, intp, uintp, uintp, voidptr, voidptr, uintp, voidptr, voidptr, voidptr, voidptr
    ),
    "softdraw_sample_f64": intc(
        voidptr, intp, uintp, uintp, voidptr, voidptr, uintp, voidptr, voidptr, voidptr, voidptr
    ),
    "softdraw_sample_f16": intc(
        voidptr, intp, uintp, uintp, voidptr, voidptr, uintp, voidptr, voidptr, voidptr, voidptr
    ),
    "softdraw_sample_bf16": intc(
        voidptr, intp, uintp, uintp, voidptr, voidptr, uintp, voidptr, voidptr, voidptr, voidptr
    ),
    "softdraw_sample_scratch_f32": uintp(uintp),
    "softdraw_sample_scratch_f64": uintp(uintp),
}
# tools/declarations.py: end
