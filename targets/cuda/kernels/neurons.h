// Neurons over time: a thread keeps one neuron of one sample for all steps of a launch.
#pragma once

#include "values.h"

namespace snnc {

// Steps `begin` to `end` of a chunk, of them those from `active[0]` to before `active[1]`: at the
// others the population rests. The rows of `a` count from `begin`, all others from the chunk's
// first step. `spikes` holds zeros before; `kept_u` and `kept_v` may be null.
template <class I, Reset R, bool Spiking>
SNNC_DEVICE void scan(const I* a, I* u, I* v, int32_t* pause, const int32_t* keep_u,
                      const int32_t* keep_v, const int32_t* theta, const int32_t* bias,
                      int32_t* spikes, int32_t* kept_u, int32_t* kept_v, const int32_t* active,
                      int32_t begin, int32_t end, int32_t batch, int32_t n, int32_t pitch,
                      int32_t refractory) {
  const int32_t first = begin > active[0] ? begin : active[0];
  const int32_t last = end < active[1] ? end : active[1];
  const int64_t count = static_cast<int64_t>(batch) * n;
  SNNC_FOR_ROWS(sample, batch) {
    SNNC_FOR(j, n) {
      const int64_t i = static_cast<int64_t>(sample) * n + j;
      const I ku = keep_u[j], kv = keep_v[j], th = theta[j], b = bias[j];
      Neuron<I> neuron = {u[i], v[i], pause[i], 0};
      for (int32_t t = first; t < last; ++t) {
        const I input = a[(t - begin) * count + i];
        neuron = stepped<I, R, Spiking>(neuron, input, ku, kv, th, b, refractory);
        if (Spiking && neuron.spike) {  // each bit is added once
          const int64_t row = t * static_cast<int64_t>(batch) + sample;
          atomicAdd(&spikes[row * pitch + (j >> 5)], static_cast<int32_t>(1u << (j & 31)));
        }
        if (kept_u) kept_u[t * count + i] = static_cast<int32_t>(neuron.u);
        if (kept_v) kept_v[t * count + i] = static_cast<int32_t>(neuron.v);
      }
      u[i] = neuron.u;
      v[i] = neuron.v;
      pause[i] = neuron.pause;
    }
  }
}

// Rest: a sample begins with u = 0, no refractory steps, and v as given for each neuron.
template <class I>
SNNC_DEVICE void rest(const int32_t* initial, I* u, I* v, int32_t* pause, int32_t batch,
                      int32_t n) {
  SNNC_FOR_ROWS(sample, batch) {
    SNNC_FOR(j, n) {
      const int64_t i = static_cast<int64_t>(sample) * n + j;
      u[i] = 0;
      v[i] = initial[j];
      pause[i] = 0;
    }
  }
}

}  // namespace snnc

#define SNNC_SCAN(name, I, R, Spiking)                                                            \
  extern "C" __global__ void __launch_bounds__(256, 2)                                            \
      name(const I* __restrict__ a, I* __restrict__ u, I* __restrict__ v,                         \
           int32_t* __restrict__ pause, const int32_t* __restrict__ keep_u,                       \
           const int32_t* __restrict__ keep_v, const int32_t* __restrict__ theta,                 \
           const int32_t* __restrict__ bias, int32_t* spikes, int32_t* __restrict__ kept_u,       \
           int32_t* __restrict__ kept_v, const int32_t* __restrict__ active, int32_t begin,       \
           int32_t end, int32_t batch, int32_t n, int32_t pitch, int32_t refractory) {            \
    snnc::scan<I, snnc::R, Spiking>(a, u, v, pause, keep_u, keep_v, theta, bias, spikes, kept_u,  \
                                    kept_v, active, begin, end, batch, n, pitch, refractory);     \
  }

#define SNNC_REST(name, I)                                                                        \
  extern "C" __global__ void __launch_bounds__(256, 2)                                            \
      name(const int32_t* __restrict__ initial, I* __restrict__ u, I* __restrict__ v,             \
           int32_t* __restrict__ pause, int32_t batch, int32_t n) {                               \
    snnc::rest<I>(initial, u, v, pause, batch, n);                                                \
  }
