// All kernels of the CUDA target, a line each: whoever compiles for one network takes its lines.
// Integers, shared memory, barriers and atomic additions of integers; no float, no votes, no
// shuffles. Built with -I for arithmetic.h.
#pragma once

#include "dense.h"
#include "elements.h"
#include "events.h"
#include "neurons.h"
#include "windows.h"

SNNC_DENSE(dense_bits_i8_narrow, Bits, int8_t, int32_t)
SNNC_DENSE(dense_bits_i8_wide, Bits, int8_t, int64_t)
SNNC_DENSE(dense_bits_i16_narrow, Bits, int16_t, int32_t)
SNNC_DENSE(dense_bits_i16_wide, Bits, int16_t, int64_t)
SNNC_DENSE(dense_bytes_i8_narrow, Bytes, int8_t, int32_t)
SNNC_DENSE(dense_bytes_i8_wide, Bytes, int8_t, int64_t)
SNNC_DENSE(dense_bytes_i16_narrow, Bytes, int16_t, int32_t)
SNNC_DENSE(dense_bytes_i16_wide, Bytes, int16_t, int64_t)
SNNC_DENSE(dense_words_i8_narrow, Words, int8_t, int32_t)
SNNC_DENSE(dense_words_i8_wide, Words, int8_t, int64_t)
SNNC_DENSE(dense_words_i16_narrow, Words, int16_t, int32_t)
SNNC_DENSE(dense_words_i16_wide, Words, int16_t, int64_t)

SNNC_SCALING(scaling_bits_i8_narrow, Bits, int8_t, int32_t)
SNNC_SCALING(scaling_bits_i8_wide, Bits, int8_t, int64_t)
SNNC_SCALING(scaling_bits_i16_narrow, Bits, int16_t, int32_t)
SNNC_SCALING(scaling_bits_i16_wide, Bits, int16_t, int64_t)
SNNC_SCALING(scaling_bytes_i8_narrow, Bytes, int8_t, int32_t)
SNNC_SCALING(scaling_bytes_i8_wide, Bytes, int8_t, int64_t)
SNNC_SCALING(scaling_bytes_i16_narrow, Bytes, int16_t, int32_t)
SNNC_SCALING(scaling_bytes_i16_wide, Bytes, int16_t, int64_t)
SNNC_SCALING(scaling_words_i8_narrow, Words, int8_t, int32_t)
SNNC_SCALING(scaling_words_i8_wide, Words, int8_t, int64_t)
SNNC_SCALING(scaling_words_i16_narrow, Words, int16_t, int32_t)
SNNC_SCALING(scaling_words_i16_wide, Words, int16_t, int64_t)

SNNC_CONVOLUTION(convolution_bits_i8_narrow, Bits, int8_t, int32_t)
SNNC_CONVOLUTION(convolution_bits_i8_wide, Bits, int8_t, int64_t)
SNNC_CONVOLUTION(convolution_bits_i16_narrow, Bits, int16_t, int32_t)
SNNC_CONVOLUTION(convolution_bits_i16_wide, Bits, int16_t, int64_t)
SNNC_CONVOLUTION(convolution_bytes_i8_narrow, Bytes, int8_t, int32_t)
SNNC_CONVOLUTION(convolution_bytes_i8_wide, Bytes, int8_t, int64_t)
SNNC_CONVOLUTION(convolution_bytes_i16_narrow, Bytes, int16_t, int32_t)
SNNC_CONVOLUTION(convolution_bytes_i16_wide, Bytes, int16_t, int64_t)
SNNC_CONVOLUTION(convolution_words_i8_narrow, Words, int8_t, int32_t)
SNNC_CONVOLUTION(convolution_words_i8_wide, Words, int8_t, int64_t)
SNNC_CONVOLUTION(convolution_words_i16_narrow, Words, int16_t, int32_t)
SNNC_CONVOLUTION(convolution_words_i16_wide, Words, int16_t, int64_t)

SNNC_SPARSE(sparse_bits_i8, Bits, int8_t)
SNNC_SPARSE(sparse_bits_i16, Bits, int16_t)
SNNC_SPARSE(sparse_bytes_i8, Bytes, int8_t)
SNNC_SPARSE(sparse_bytes_i16, Bytes, int16_t)
SNNC_SPARSE(sparse_words_i8, Words, int8_t)
SNNC_SPARSE(sparse_words_i16, Words, int16_t)

SNNC_ROWS(rows_bits_i8, Bits, int8_t)
SNNC_ROWS(rows_bits_i16, Bits, int16_t)
SNNC_ROWS(rows_bytes_i8, Bytes, int8_t)
SNNC_ROWS(rows_bytes_i16, Bytes, int16_t)
SNNC_ROWS(rows_words_i8, Words, int8_t)
SNNC_ROWS(rows_words_i16, Words, int16_t)

SNNC_POOLING(pool_sum_bits, Bits, false)
SNNC_POOLING(pool_sum_bytes, Bytes, false)
SNNC_POOLING(pool_sum_words, Words, false)
SNNC_POOLING(pool_max_bits, Bits, true)
SNNC_POOLING(pool_max_bytes, Bytes, true)
SNNC_POOLING(pool_max_words, Words, true)

SNNC_SHIFT(shift_narrow, int32_t)
SNNC_REST(rest_narrow, int32_t)
SNNC_SCAN(scan_none_narrow, int32_t, kNone, true)
SNNC_SCAN(scan_zero_narrow, int32_t, kZero, true)
SNNC_SCAN(scan_zero_next_narrow, int32_t, kZeroNext, true)
SNNC_SCAN(scan_subtract_narrow, int32_t, kSubtract, true)
SNNC_SCAN(scan_subtract_delayed_narrow, int32_t, kSubtractDelayed, true)
SNNC_SCAN(scan_subtract_retest_narrow, int32_t, kSubtractRetest, true)
SNNC_SCAN(scan_readout_narrow, int32_t, kNone, false)

SNNC_SHIFT(shift_wide, int64_t)
SNNC_REST(rest_wide, int64_t)
SNNC_SCAN(scan_none_wide, int64_t, kNone, true)
SNNC_SCAN(scan_zero_wide, int64_t, kZero, true)
SNNC_SCAN(scan_zero_next_wide, int64_t, kZeroNext, true)
SNNC_SCAN(scan_subtract_wide, int64_t, kSubtract, true)
SNNC_SCAN(scan_subtract_delayed_wide, int64_t, kSubtractDelayed, true)
SNNC_SCAN(scan_subtract_retest_wide, int64_t, kSubtractRetest, true)
SNNC_SCAN(scan_readout_wide, int64_t, kNone, false)
