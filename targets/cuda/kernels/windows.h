// Windows that move over two axes: convolution and pooling, a thread for each place of the result.
#pragma once

#include "values.h"

namespace snnc {

// All in elements; one axis is the second of two.
struct Window {
  int32_t channels_in, in[2];
  int32_t channels_out, out[2];
  int32_t kernel[2], stride[2], before[2], dilation[2];
  int32_t groups;
};

struct Place {
  int32_t channel, first[2];  // where the window begins, which may be in the padding
};

// Place `i` of a row of the result.
SNNC_DEVICE Place place_of(int32_t i, const Window& s) {
  Place p;
  const int32_t line = i / s.out[1];
  p.first[1] = i % s.out[1] * s.stride[1] - s.before[1];
  p.first[0] = line % s.out[0] * s.stride[0] - s.before[0];
  p.channel = line / s.out[0];
  return p;
}

SNNC_DEVICE bool inside(const Place& p, const Window& s, int32_t e, int32_t f, int32_t& line,
                        int32_t& column) {
  line = p.first[0] + e * s.dilation[0];
  column = p.first[1] + f * s.dilation[1];
  return line >= 0 && line < s.in[0] && column >= 0 && column < s.in[1];
}

SNNC_DEVICE int32_t places(const Window& s) { return s.channels_out * s.out[0] * s.out[1]; }

template <class X, class W, class I>
SNNC_DEVICE void convolution(const uint32_t* x, const W* w, const Window* window, I* a,
                             int32_t rows, int32_t x_pitch, int32_t up, int32_t down,
                             int32_t add) {
  const Window s = *window;
  const int32_t depth = s.channels_in / s.groups, share = s.channels_out / s.groups;
  const int32_t n = places(s);
  SNNC_FOR_ROWS(row, rows) {
    const uint32_t* values = x + static_cast<int64_t>(row) * x_pitch;
    SNNC_FOR(i, n) {
      const Place p = place_of(i, s);
      const W* kernel = w + static_cast<int64_t>(p.channel) * depth * s.kernel[0] * s.kernel[1];
      int32_t sum = 0;
      for (int32_t k = 0; k < depth; ++k) {
        const int32_t plane = (p.channel / share * depth + k) * s.in[0];
        for (int32_t e = 0; e < s.kernel[0]; ++e) {
          for (int32_t f = 0; f < s.kernel[1]; ++f, ++kernel) {
            int32_t line = 0, column = 0;
            if (inside(p, s, e, f, line, column)) {
              sum += *kernel * X::at(values, (plane + line) * s.in[1] + column);
            }
          }
        }
      }
      deposit<I>(a, static_cast<int64_t>(row) * n + i, sum, up, down, add);
    }
  }
}

constexpr int32_t kSmallest = -2147483647 - 1;  // below all values: the padding of the largest

template <class X, bool Largest>
SNNC_DEVICE void pooling(const uint32_t* x, const Window* window, int32_t* y, int32_t rows,
                         int32_t x_pitch) {
  const Window s = *window;
  const int32_t n = places(s);
  SNNC_FOR_ROWS(row, rows) {
    const uint32_t* values = x + static_cast<int64_t>(row) * x_pitch;
    SNNC_FOR(i, n) {
      const Place p = place_of(i, s);
      int32_t result = Largest ? kSmallest : 0;
      for (int32_t e = 0; e < s.kernel[0]; ++e) {
        for (int32_t f = 0; f < s.kernel[1]; ++f) {
          int32_t line = 0, column = 0;
          if (!inside(p, s, e, f, line, column)) continue;
          const int32_t value = X::at(values, (p.channel * s.in[0] + line) * s.in[1] + column);
          if constexpr (Largest) {
            result = value > result ? value : result;
          } else {
            result += value;
          }
        }
      }
      y[static_cast<int64_t>(row) * n + i] = result;
    }
  }
}

}  // namespace snnc

#define SNNC_CONVOLUTION(name, X, W, I)                                                           \
  extern "C" __global__ void __launch_bounds__(256, 2)                                            \
      name(const uint32_t* __restrict__ x, const W* __restrict__ w,                               \
           const snnc::Window* __restrict__ window, I* __restrict__ a, int32_t rows,              \
           int32_t x_pitch, int32_t up, int32_t down, int32_t add) {                              \
    snnc::convolution<snnc::X, W, I>(x, w, window, a, rows, x_pitch, up, down, add);              \
  }

#define SNNC_POOLING(name, X, Largest)                                                            \
  extern "C" __global__ void __launch_bounds__(256, 2)                                            \
      name(const uint32_t* __restrict__ x, const snnc::Window* __restrict__ window,               \
           int32_t* __restrict__ y, int32_t rows, int32_t x_pitch) {                              \
    snnc::pooling<snnc::X, Largest>(x, window, y, rows, x_pitch);                                 \
  }
