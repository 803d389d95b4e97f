// y = W x for many rows at once: tiles of 64 rows by 64 sums, 16 by 16 threads with 4 by 4 sums
// each. Where both sides have 8 bits, four products are one instruction.
#pragma once

#include "values.h"

namespace snnc {

constexpr int32_t kTile = 64;         // rows, and sums, of a block
constexpr int32_t kSide = 16;         // threads on each side
constexpr int32_t kEach = kTile / kSide;
constexpr int32_t kDepth = 8;         // words of a row that are in shared memory at once
constexpr int32_t kPitch = kDepth + 1;  // so that neighbors lie in different banks

// Words of a row: four bytes each where both sides pack, else one integer each.
template <class X, class W>
struct Packing {
  static constexpr bool kFour = X::kPacks && sizeof(W) == 1;
  SNNC_DEVICE int32_t words(int32_t n) { return kFour ? (n + 3) / 4 : n; }
  SNNC_DEVICE int32_t of_value(const uint32_t* row, int32_t k) {
    if constexpr (kFour) return static_cast<int32_t>(X::four(row, k));
    else return X::at(row, k);
  }
  // `pitch` counts elements; rows of bytes begin at a word.
  SNNC_DEVICE int32_t of_weight(const W* row, int32_t k) {
    if constexpr (kFour) return reinterpret_cast<const int32_t*>(row)[k];
    else return row[k];
  }
  SNNC_DEVICE int32_t multiplied(int32_t x, int32_t w, int32_t sum) {
    if constexpr (kFour) return __dp4a(x, w, sum);
    else return sum + x * w;
  }
};

// Grid: x over the sums, y over the rows. `w` is [n_out, w_pitch].
template <class X, class W, class I>
SNNC_DEVICE void dense(const uint32_t* x, const W* w, I* a, int32_t rows, int32_t n_in,
                       int32_t n_out, int32_t x_pitch, int32_t w_pitch, int32_t up, int32_t down,
                       int32_t add) {
  using P = Packing<X, W>;
  __shared__ int32_t xs[kTile][kPitch];
  __shared__ int32_t ws[kTile][kPitch];
  const int32_t tx = threadIdx.x, ty = threadIdx.y, thread = ty * kSide + tx;
  const int32_t first_out = static_cast<int32_t>(blockIdx.x) * kTile;
  const int32_t words = P::words(n_in);

  for (int32_t first = static_cast<int32_t>(blockIdx.y) * kTile; first < rows;
       first += static_cast<int32_t>(gridDim.y) * kTile) {
    int32_t sums[kEach][kEach] = {};
    for (int32_t k0 = 0; k0 < words; k0 += kDepth) {
      for (int32_t i = thread; i < kTile * kDepth; i += kSide * kSide) {
        const int32_t line = i / kDepth, k = k0 + i % kDepth;
        const int32_t row = first + line, out = first_out + line;
        xs[line][i % kDepth] =
            row < rows && k < words
                ? P::of_value(x + static_cast<int64_t>(row) * x_pitch, k) : 0;
        ws[line][i % kDepth] =
            out < n_out && k < words
                ? P::of_weight(w + static_cast<int64_t>(out) * w_pitch, k) : 0;
      }
      __syncthreads();
#pragma unroll
      for (int32_t k = 0; k < kDepth; ++k) {
#pragma unroll
        for (int32_t i = 0; i < kEach; ++i) {
#pragma unroll
          for (int32_t j = 0; j < kEach; ++j) {
            sums[i][j] = P::multiplied(xs[ty + i * kSide][k], ws[tx + j * kSide][k], sums[i][j]);
          }
        }
      }
      __syncthreads();
    }
#pragma unroll
    for (int32_t i = 0; i < kEach; ++i) {
      const int32_t row = first + ty + i * kSide;
#pragma unroll
      for (int32_t j = 0; j < kEach; ++j) {
        const int32_t out = first_out + tx + j * kSide;
        if (row < rows && out < n_out) {
          deposit<I>(a, static_cast<int64_t>(row) * n_out + out, sums[i][j], up, down, add);
        }
      }
    }
  }
}

}  // namespace snnc

#define SNNC_DENSE(name, X, W, I)                                                                 \
  extern "C" __global__ void __launch_bounds__(256, 2)                                            \
      name(const uint32_t* __restrict__ x, const W* __restrict__ w, I* __restrict__ a,            \
           int32_t rows, int32_t n_in, int32_t n_out, int32_t x_pitch, int32_t w_pitch,           \
           int32_t up, int32_t down, int32_t add) {                                               \
    snnc::dense<snnc::X, W, I>(x, w, a, rows, n_in, n_out, x_pitch, w_pitch, up, down, add);      \
  }
