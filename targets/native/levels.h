// Which instructions the loops use: chosen when a program is prepared, by what the machine has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "arithmetic.h"

namespace snnc {

constexpr int64_t kChunk = 256;  // neurons that are stepped at once, in the innermost cache
constexpr int kAhead = 4;        // steps of an input that are multiplied at once
constexpr int64_t kLanes = 16;   // neurons come in whole vectors

// What a step needs of a chunk of neurons. Where all neurons have the same parameter, its pointer
// is to a chunk of them and stays.
template <class I>
struct Chunk {
  const int32_t* a;  // synaptic input
  I* u;
  I* v;
  int32_t* pause;
  int32_t* spikes;
  const I* keep_u;
  const I* keep_v;
  const I* theta;
  const I* bias;
};

// How the sums of a population lie in memory: rows of `run` of them, with a margin between.
struct Tally {
  int64_t size = 0;     // sums that count
  int64_t run = 0;      // of them in a row
  int64_t rows = 1;     // rows in a plane
  int64_t pitch = 0;    // elements from one row to the next
  int64_t plane = 0;    // and from one plane to the next
  int64_t origin = 0;   // of the first
  int64_t room = 0;     // elements in all
  bool shorts = false;  // of 16 bits, which hold every sum there can be; else of 32
};

// The kernel of a source element, and where among the sums it is added to.
struct Placed {
  int32_t kernel;  // its number; below 0 where the element reaches nothing
  int32_t sums;
};

// The runs of memory that a kernel consists of, each of `units` times 16 elements.
struct Runs {
  const int32_t* offsets;  // of each run among the sums
  int64_t count;
  int64_t units;
};

// Rows of targets, each reached by the places from `first` to `last` - 1 and so many more.
struct Bands {
  const int32_t* begin;  // of each place the weights of 16 times `units` targets of the first row
  int64_t rows;
  int64_t units;
  int64_t step;   // by which those for the next row of targets lie before them
  int64_t first, last;
  int64_t apart;  // places from one row of targets to the next
};

// A window that moves over a value of rows and columns, the channels of which run fastest.
struct Sweep {
  int64_t in[2];
  int64_t out[2];
  int64_t kernel[2];
  int64_t stride[2];
  int64_t before[2];  // padding
  int64_t dilation[2];
  int64_t channels;
};

using AddBands = void (*)(const Bands&, const void* kernels, const int32_t* places,
                          const int32_t* values, int64_t count, void* sums);
using Convolve = void (*)(const Runs&, const void* kernels, const Placed* table,
                          const int32_t* places, const int32_t* values, int64_t count, void* sums);
using StepNarrow = void (*)(const Chunk<int32_t>&, int64_t n, int32_t refractory);
using StepWide = void (*)(const Chunk<int64_t>&, int64_t n, int32_t refractory);

struct Kernels {
  double few;  // share of weights that are not zero, up to which a list of them is faster
  void (*add_rows)(const uint8_t* rows, int64_t stride, int32_t zero, const int32_t* places,
                   int64_t count, int32_t* sums);
  void (*add_scaled_rows)(const uint8_t* rows, int64_t stride, int32_t zero,
                          const int32_t* places, const int32_t* values, int64_t count,
                          int64_t largest, int32_t* sums);
  // Products with the values of several steps, null where there are no instructions for them.
  void (*multiply)(const uint8_t* rows, int64_t stride, int32_t zero, const int8_t* bytes,
                   int64_t pitch, int64_t count, int32_t* sums);
  // For weights of 8 or 16 bits and sums of 16 or 32; `values` is null where all are 1.
  Convolve (*convolve)(bool wide_weights, bool wide_sums, const Runs&);
  AddBands (*add_bands)(bool wide_weights, bool wide_sums);
  void (*pool)(bool largest, const Sweep&, const int32_t* x, int32_t* y);
  int64_t (*list_values)(const int32_t* x, int64_t n, int32_t* places, bool* ones);
  int64_t (*list_bytes)(const int8_t* x, int64_t n, int32_t* places, bool* ones);
  int64_t (*list_spikes)(const int32_t* spikes, int64_t n, int32_t first, int32_t* places);
  void (*gather)(const Tally&, void* sums, int64_t first, int64_t n, int up, int down, bool more,
                 int32_t* a);
  StepNarrow (*step_narrow)(Reset, bool spiking, bool current, bool pauses);
  StepWide (*step_wide)(Reset, bool spiking);
};

#define SNNC_LEVEL plain
#include "kernels.h"
#undef SNNC_LEVEL

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SNNC_HAS_LEVELS 1
#pragma GCC push_options
#pragma GCC target("avx2")
#define SNNC_LEVEL avx2
#define SNNC_AVX2
#include "kernels.h"
#undef SNNC_AVX2
#undef SNNC_LEVEL
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512")
#define SNNC_LEVEL avx512
#define SNNC_AVX512
#include "kernels.h"
#undef SNNC_AVX512
#undef SNNC_LEVEL
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,prefer-vector-width=512")
namespace vnni {
#define SNNC_AVX512
#define SNNC_VNNI
#include "kernels_dense.h"
#undef SNNC_VNNI
#undef SNNC_AVX512
}  // namespace vnni
#pragma GCC pop_options
#elif defined(__x86_64__) && defined(__clang__)
#define SNNC_HAS_LEVELS 1
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define SNNC_LEVEL avx2
#define SNNC_AVX2
#include "kernels.h"
#undef SNNC_AVX2
#undef SNNC_LEVEL
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))), \
                             apply_to = function)
#define SNNC_LEVEL avx512
#define SNNC_AVX512
#include "kernels.h"
#undef SNNC_AVX512
#undef SNNC_LEVEL
#pragma clang attribute pop
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"))), apply_to = function)
namespace vnni {
#define SNNC_AVX512
#define SNNC_VNNI
#include "kernels_dense.h"
#undef SNNC_VNNI
#undef SNNC_AVX512
}  // namespace vnni
#pragma clang attribute pop
#endif

// 0 baseline, 1 AVX2, 2 AVX-512, 3 AVX-512 with VNNI.
inline int best_level() {
#ifdef SNNC_HAS_LEVELS
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    return __builtin_cpu_supports("avx512vnni") ? 3 : 2;
  }
  if (__builtin_cpu_supports("avx2")) return 1;
#endif
  return 0;
}

inline Kernels kernels_of(int level) {
#ifdef SNNC_HAS_LEVELS
  if (level == 3) {
    Kernels kernels = avx512::table();
    kernels.add_scaled_rows = vnni::add_scaled_rows;
    kernels.multiply = vnni::multiply;
    return kernels;
  }
  if (level == 2) return avx512::table();
  if (level == 1) return avx2::table();
#endif
  (void)level;
  return plain::table();
}

}  // namespace snnc
