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
constexpr int64_t kRowsOfBytes = 257;  // 257 * 255 is the last that 16 bits hold

// What a step needs of a chunk of neurons. Where all neurons have the same parameter, its pointer
// is to a chunk of them and stays.
template <class I>
struct Chunk {
  const int32_t* a;  // synaptic input
  I* u;
  I* v;
  int32_t* pause;
  const I* keep_u;
  const I* keep_v;
  const I* theta;
  const I* bias;
};

// What becomes of u: it is kept from step to step; it is new in each step, and written; or it is
// looked at by nobody, and so small that it needs no wrap.
enum Current { kKept, kShown, kUnseen };

// Weights of each source element, one byte each, as kernels_dense.h has them.
struct Rows {
  const uint8_t* bytes;
  int64_t stride;  // bytes of a row, a multiple of 16
  int32_t zero;    // the byte of a weight that is 0
  int unit;        // a byte more is 2**unit more
  bool pairs;      // two bytes add up to no more than 255
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
// Steps `n` neurons, lists those that spike from `first` on, and gives their number. `places` has
// room for a vector behind the last.
template <class I>
using Step = int64_t (*)(const Chunk<I>&, int64_t n, int32_t refractory, int32_t first,
                         int32_t* places);
using StepNarrow = Step<int32_t>;
using StepWide = Step<int64_t>;

struct Kernels {
  double few;  // share of weights that are not zero, up to which a list of them is faster
  void (*add_rows)(const Rows&, const int32_t* places, int64_t count, int32_t* sums);
  void (*take_rows)(const Rows&, const int32_t* places, int64_t count, int64_t first,
                    int64_t columns, int up, int down, bool more, int32_t* a);
  void (*add_scaled_rows)(const Rows&, const int32_t* places, const int32_t* values,
                          int64_t count, int64_t largest, int32_t* sums);
  // Products with the values of several steps, null where there are no instructions for them.
  void (*multiply)(const Rows&, const int8_t* bytes, int64_t pitch, int64_t count, int32_t* sums);
  // For weights of 8 or 16 bits and sums of 16 or 32; `values` is null where all are 1.
  Convolve (*convolve)(bool wide_weights, bool wide_sums, const Runs&);
  AddBands (*add_bands)(bool wide_weights, bool wide_sums);
  void (*pool)(bool largest, const Sweep&, const int32_t* x, int32_t* y);
  int64_t (*list_values)(const int32_t* x, int64_t n, int32_t* places, bool* ones);
  int64_t (*list_bytes)(const int8_t* x, int64_t n, int32_t* places, bool* ones);
  void (*gather)(const Tally&, void* sums, int64_t first, int64_t n, int up, int down, bool more,
                 int32_t* a);
  StepNarrow (*step_narrow)(Reset, bool spiking, Current u, bool pauses);
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
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2,prefer-vector-width=512")
namespace vbmi2 {
#define SNNC_AVX512
#define SNNC_VBMI2
#include "kernels_events.h"
#include "kernels_neurons.h"
#undef SNNC_VBMI2
#undef SNNC_AVX512
}  // namespace vbmi2
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
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2"))), apply_to = function)
namespace vbmi2 {
#define SNNC_AVX512
#define SNNC_VBMI2
#include "kernels_events.h"
#include "kernels_neurons.h"
#undef SNNC_VBMI2
#undef SNNC_AVX512
}  // namespace vbmi2
#pragma clang attribute pop
#endif

// 0 baseline, 1 AVX2, 2 AVX-512, 3 with VNNI, 4 with VNNI and VBMI2.
inline int best_level() {
#ifdef SNNC_HAS_LEVELS
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    if (!__builtin_cpu_supports("avx512vnni")) return 2;
    return __builtin_cpu_supports("avx512vbmi2") ? 4 : 3;
  }
  if (__builtin_cpu_supports("avx2")) return 1;
#endif
  return 0;
}

inline Kernels kernels_of(int level) {
#ifdef SNNC_HAS_LEVELS
  if (level >= 3) {
    Kernels kernels = avx512::table();
    kernels.add_scaled_rows = vnni::add_scaled_rows;
    kernels.multiply = vnni::multiply;
    if (level == 3) return kernels;
    kernels.list_bytes = vbmi2::list_bytes;
    kernels.step_narrow = vbmi2::step_narrow;
    kernels.step_wide = vbmi2::step_wide;
    return kernels;
  }
  if (level == 2) return avx512::table();
  if (level == 1) return avx2::table();
#endif
  (void)level;
  return plain::table();
}

}  // namespace snnc
