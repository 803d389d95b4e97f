// y = W x, event by event: 256 sources a block, those that sent something in a list that the
// threads share. Sums go to `y` by atomic addition, so `y` holds zeros or other sums before.
#pragma once

#include "values.h"

namespace snnc {

constexpr int32_t kSources = 256;  // of a block, one a thread
constexpr int32_t kLanes = 32;     // threads that share the synapses of a source

struct Events {
  int32_t count;
  int32_t place[kSources];
  int32_t value[kSources];
};

// Lists what sources `first` to `first + 255` sent. Ends with a barrier.
template <class X>
SNNC_DEVICE void list(const uint32_t* row, int32_t first, int32_t n_in, Events& events) {
  const int32_t j = first + static_cast<int32_t>(threadIdx.x);
  if (threadIdx.x == 0) events.count = 0;
  __syncthreads();
  const int32_t value = j < n_in ? X::at(row, j) : 0;
  if (value != 0) {
    const int32_t k = atomicAdd(&events.count, 1);
    events.place[k] = j;
    events.value[k] = value;
  }
  __syncthreads();
}

// Grid: x over the sources, y over the rows. Synapses `begin[j]` to `begin[j + 1]` leave source
// `j`. `up` shifts what is added.
template <class X, class W>
SNNC_DEVICE void sparse(const uint32_t* x, const W* w, const int32_t* target, const int64_t* begin,
                        int32_t* y, int32_t rows, int32_t n_in, int32_t n_out, int32_t x_pitch,
                        int32_t up) {
  __shared__ Events events;
  const int32_t lane = static_cast<int32_t>(threadIdx.x) % kLanes;
  const int32_t group = static_cast<int32_t>(threadIdx.x) / kLanes;
  for (int32_t row = static_cast<int32_t>(blockIdx.y); row < rows;
       row += static_cast<int32_t>(gridDim.y)) {
    list<X>(x + static_cast<int64_t>(row) * x_pitch,
            static_cast<int32_t>(blockIdx.x) * kSources, n_in, events);
    int32_t* sums = y + static_cast<int64_t>(row) * n_out;
    for (int32_t k = group; k < events.count; k += kSources / kLanes) {
      const int32_t j = events.place[k], value = events.value[k] * (1 << up);
      for (int64_t e = begin[j] + lane; e < begin[j + 1]; e += kLanes) {
        atomicAdd(&sums[target[e]], w[e] * value);
      }
    }
    __syncthreads();
  }
}

// The same for a matrix `w` [n_in, n_out] and few rows. Grid: x over the sources, y over the rows,
// z over the sums, 256 a block.
template <class X, class W>
SNNC_DEVICE void rows_of(const uint32_t* x, const W* w, int32_t* y, int32_t rows, int32_t n_in,
                         int32_t n_out, int32_t x_pitch, int32_t up) {
  __shared__ Events events;
  const int32_t out =
      static_cast<int32_t>(blockIdx.z) * kSources + static_cast<int32_t>(threadIdx.x);
  for (int32_t row = static_cast<int32_t>(blockIdx.y); row < rows;
       row += static_cast<int32_t>(gridDim.y)) {
    list<X>(x + static_cast<int64_t>(row) * x_pitch,
            static_cast<int32_t>(blockIdx.x) * kSources, n_in, events);
    if (out < n_out && events.count > 0) {
      int32_t sum = 0;
      for (int32_t k = 0; k < events.count; ++k) {
        sum += w[static_cast<int64_t>(events.place[k]) * n_out + out] * events.value[k];
      }
      atomicAdd(&y[static_cast<int64_t>(row) * n_out + out], sum * (1 << up));
    }
    __syncthreads();
  }
}

}  // namespace snnc

#define SNNC_SPARSE(name, X, W)                                                                   \
  extern "C" __global__ void __launch_bounds__(256, 2)                                            \
      name(const uint32_t* __restrict__ x, const W* __restrict__ w,                               \
           const int32_t* __restrict__ target, const int64_t* __restrict__ begin, int32_t* y,     \
           int32_t rows, int32_t n_in, int32_t n_out, int32_t x_pitch, int32_t up) {              \
    snnc::sparse<snnc::X, W>(x, w, target, begin, y, rows, n_in, n_out, x_pitch, up);             \
  }

#define SNNC_ROWS(name, X, W)                                                                     \
  extern "C" __global__ void __launch_bounds__(256, 2)                                            \
      name(const uint32_t* __restrict__ x, const W* __restrict__ w, int32_t* y, int32_t rows,     \
           int32_t n_in, int32_t n_out, int32_t x_pitch, int32_t up) {                            \
    snnc::rows_of<snnc::X, W>(x, w, y, rows, n_in, n_out, x_pitch, up);                           \
  }
