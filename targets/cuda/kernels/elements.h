// Element by element: one weight each, and sums that only need their exponent.
#pragma once

#include "values.h"

namespace snnc {

template <class X, class W, class I>
SNNC_DEVICE void scaling(const uint32_t* x, const W* w, I* a, int32_t rows, int32_t n,
                         int32_t x_pitch, int32_t up, int32_t down, int32_t add) {
  for (int64_t i = SNNC_FIRST; i < static_cast<int64_t>(rows) * n; i += SNNC_STRIDE) {
    const int32_t j = static_cast<int32_t>(i % n);
    deposit<I>(a, i, w[j] * X::at(x + i / n * x_pitch, j), up, down, add);
  }
}

template <class I>
SNNC_DEVICE void shift(const int32_t* y, I* a, int64_t count, int32_t up, int32_t down,
                       int32_t add) {
  for (int64_t i = SNNC_FIRST; i < count; i += SNNC_STRIDE) deposit<I>(a, i, y[i], up, down, add);
}

}  // namespace snnc

#define SNNC_SCALING(name, X, W, I)                                                                \
  extern "C" __global__ void __launch_bounds__(256)                                                \
      name(const uint32_t* __restrict__ x, const W* __restrict__ w, I* __restrict__ a,             \
           int32_t rows, int32_t n, int32_t x_pitch, int32_t up, int32_t down, int32_t add) {      \
    snnc::scaling<snnc::X, W, I>(x, w, a, rows, n, x_pitch, up, down, add);                        \
  }

#define SNNC_SHIFT(name, I)                                                                        \
  extern "C" __global__ void __launch_bounds__(256)                                                \
      name(const int32_t* __restrict__ y, I* __restrict__ a, int64_t count, int32_t up,            \
           int32_t down, int32_t add) {                                                            \
    snnc::shift<I>(y, a, count, up, down, add);                                                    \
  }
