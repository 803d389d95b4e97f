// What a source sent, and where sums go. Row `r` of a value is step `r / batch` of sample
// `r % batch`; a row has `pitch` words of 32 bits, and what pads its last word is zero.
#pragma once

#include <cstdint>

#include "arithmetic.h"

#define SNNC_DEVICE static __device__ __forceinline__

namespace snnc {

// Spikes, one bit each, the first in the lowest bit.
struct Bits {
  static constexpr bool kPacks = true;
  SNNC_DEVICE int32_t at(const uint32_t* row, int32_t j) {
    return static_cast<int32_t>((row[j >> 5] >> (j & 31)) & 1u);
  }
  // Elements 4 k to 4 k + 3 as the four bytes of a word.
  SNNC_DEVICE uint32_t four(const uint32_t* row, int32_t k) {
    const uint32_t nibble = (row[k >> 3] >> (4 * (k & 7))) & 15u;
    return (nibble * 0x00204081u) & 0x01010101u;  // bit b to bit 8 b; the others are masked
  }
};

// Integers of 8 bits.
struct Bytes {
  static constexpr bool kPacks = true;
  SNNC_DEVICE int32_t at(const uint32_t* row, int32_t j) {
    return static_cast<int8_t>((row[j >> 2] >> (8 * (j & 3))) & 255u);
  }
  SNNC_DEVICE uint32_t four(const uint32_t* row, int32_t k) { return row[k]; }
};

// Integers of 32 bits.
struct Words {
  static constexpr bool kPacks = false;
  SNNC_DEVICE int32_t at(const uint32_t* row, int32_t j) { return static_cast<int32_t>(row[j]); }
  SNNC_DEVICE uint32_t four(const uint32_t* row, int32_t k) { return row[k]; }
};

// (1) The exponent shifts the sum; `up` or `down` is zero. `add` is zero for the first projection.
template <class I>
SNNC_DEVICE void deposit(I* a, int64_t place, int32_t y, int32_t up, int32_t down, int32_t add) {
  const I value = (static_cast<I>(y) * (I{1} << up)) >> down;
  a[place] = add ? a[place] + value : value;
}

// Elements of a row lie along the first axis of a grid, rows along the second. Both loops go on
// where a grid is too small, and no element needs a division to find its row.
#define SNNC_FOR_ROWS(row, rows)                                                                  \
  for (int32_t row = static_cast<int32_t>(blockIdx.y); row < (rows);                              \
       row += static_cast<int32_t>(gridDim.y))
#define SNNC_FOR(i, n)                                                                            \
  for (int32_t i = static_cast<int32_t>(blockIdx.x * blockDim.x + threadIdx.x); i < (n);          \
       i += static_cast<int32_t>(gridDim.x * blockDim.x))

}  // namespace snnc
