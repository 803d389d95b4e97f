// Element by element: one weight each, and sums that only need their exponent.
#pragma once

#include "values.h"

namespace snnc {

template <class X, class W, class I>
SNNC_DEVICE void scaling(const uint32_t* x, const W* w, I* a, int32_t rows, int32_t n,
                         int32_t x_pitch, int32_t up, int32_t down, int32_t add) {
  SNNC_FOR_ROWS(row, rows) {
    const uint32_t* values = x + static_cast<int64_t>(row) * x_pitch;
    SNNC_FOR(j, n) {
      deposit<I>(a, static_cast<int64_t>(row) * n + j, w[j] * X::at(values, j), up, down, add);
    }
  }
}

template <class I>
SNNC_DEVICE void shift(const int32_t* y, I* a, int32_t rows, int32_t n, int32_t up, int32_t down,
                       int32_t add) {
  SNNC_FOR_ROWS(row, rows) {
    SNNC_FOR(j, n) {
      const int64_t i = static_cast<int64_t>(row) * n + j;
      deposit<I>(a, i, y[i], up, down, add);
    }
  }
}

}  // namespace snnc

#define SNNC_SCALING(name, X, W, I)                                                               \
  extern "C" __global__ void __launch_bounds__(256, 2)                                            \
      name(const uint32_t* __restrict__ x, const W* __restrict__ w, I* __restrict__ a,            \
           int32_t rows, int32_t n, int32_t x_pitch, int32_t up, int32_t down, int32_t add) {     \
    snnc::scaling<snnc::X, W, I>(x, w, a, rows, n, x_pitch, up, down, add);                       \
  }

#define SNNC_SHIFT(name, I)                                                                       \
  extern "C" __global__ void __launch_bounds__(256, 2)                                            \
      name(const int32_t* __restrict__ y, I* __restrict__ a, int32_t rows, int32_t n, int32_t up, \
           int32_t down, int32_t add) {                                                           \
    snnc::shift<I>(y, a, rows, n, up, down, add);                                                 \
  }
