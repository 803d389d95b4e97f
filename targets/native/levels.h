// Which instructions the loops use: chosen when a program is prepared, by what the machine has.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "arithmetic.h"

namespace snnc {

// The state of a population and what a step needs of it, an element for each neuron.
template <class I>
struct NeuronArrays {
  I* a;  // synaptic input; 0 afterwards
  I* u;
  I* v;
  int32_t* pause;
  int32_t* spikes;
  const I* keep_u;
  const I* keep_v;
  const I* theta;
  const I* bias;
};

// A window that moves over a value of rows and columns. The channels of results run fastest.
struct Sweep {
  int64_t in[2];
  int64_t out[2];
  int64_t kernel[2];
  int64_t stride[2];
  int64_t before[2];  // padding
  int64_t dilation[2];
  int64_t channels_out;
  int64_t group_in;  // channels of a group
  int64_t group_out;
  // Of a convolution: where the window moves by single columns, a row of the kernel is one run of
  // memory, and results have a margin on both sides so that no run has to be cut.
  bool runs;
  int64_t row_taps;  // elements of a row of the kernel, with zeros up to whole vectors in a run
  // Of the value with a margin, a convolution's result or what is pooled: columns of a row in
  // memory, and those before the first.
  int64_t pitch;
  int64_t origin;
};

struct Kernels {
  void (*add_bytes)(const int8_t*, int64_t, const int32_t*, int64_t, int32_t*);
  void (*add_shorts)(const int16_t*, int64_t, const int32_t*, int64_t, int32_t*);
  void (*scale_bytes)(const int8_t*, int64_t, const int32_t*, const int32_t*, int64_t, int32_t*);
  void (*scale_shorts)(const int16_t*, int64_t, const int32_t*, const int32_t*, int64_t, int32_t*);
  void (*convolve_bytes)(const Sweep&, const int8_t*, const int32_t*, const int32_t*, int64_t,
                         int32_t*);
  void (*convolve_shorts)(const Sweep&, const int16_t*, const int32_t*, const int32_t*, int64_t,
                          int32_t*);
  void (*pool_sum)(const Sweep&, const int32_t*, int32_t*);
  void (*pool_max)(const Sweep&, const int32_t*, int32_t*);
  int64_t (*list_events)(const int32_t*, int64_t, int32_t*);
  void (*step_narrow)(Reset, bool, const NeuronArrays<int32_t>&, int64_t, int32_t);
  void (*step_wide)(Reset, bool, const NeuronArrays<int64_t>&, int64_t, int32_t);
};

#define SNNC_LEVEL plain
#include "kernels.h"
#undef SNNC_LEVEL

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SNNC_HAS_LEVELS 1
#pragma GCC push_options
#pragma GCC target("avx2")
#define SNNC_LEVEL avx2
#include "kernels.h"
#undef SNNC_LEVEL
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512")
#define SNNC_LEVEL avx512
#define SNNC_COMPRESS
#include "kernels.h"
#undef SNNC_COMPRESS
#undef SNNC_LEVEL
#pragma GCC pop_options
#elif defined(__x86_64__) && defined(__clang__)
#define SNNC_HAS_LEVELS 1
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define SNNC_LEVEL avx2
#include "kernels.h"
#undef SNNC_LEVEL
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))), \
                             apply_to = function)
#define SNNC_LEVEL avx512
#define SNNC_COMPRESS
#include "kernels.h"
#undef SNNC_COMPRESS
#undef SNNC_LEVEL
#pragma clang attribute pop
#endif

// 0 baseline, 1 AVX2, 2 AVX-512.
inline int best_level() {
#ifdef SNNC_HAS_LEVELS
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    return 2;
  }
  if (__builtin_cpu_supports("avx2")) return 1;
#endif
  return 0;
}

inline Kernels kernels_of(int level) {
#ifdef SNNC_HAS_LEVELS
  if (level == 2) return avx512::table();
  if (level == 1) return avx2::table();
#endif
  (void)level;
  return plain::table();
}

}  // namespace snnc
