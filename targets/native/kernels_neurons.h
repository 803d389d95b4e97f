// Part of kernels.h: a step of neurons.

// `n` neurons from `first` on. Where no current is kept, `u` is written and not read.
template <class I, Reset R, bool Spiking, bool Current, bool Pauses>
inline void step_lanes(const Chunk<I>& p, int64_t first, int64_t n, int32_t refractory,
                       int32_t* spikes) {
#pragma GCC ivdep  // no two arrays share memory
  for (int64_t j = 0; j < n; ++j) {
    const int64_t i = first + j;
    Neuron<I> neuron = {Current ? p.u[i] : I{0}, p.v[i], Pauses ? p.pause[i] : 0, 0};
    neuron = stepped<I, R, Spiking>(neuron, p.a[i], Current ? p.keep_u[i] : I{0}, p.keep_v[i],
                                    p.theta[i], p.bias[i], refractory);
    p.u[i] = neuron.u;
    p.v[i] = neuron.v;
    if (Pauses) p.pause[i] = neuron.pause;
    if (Spiking) spikes[j] = neuron.spike;
  }
}

#ifdef SNNC_AVX512
template <class I, Reset R, bool Spiking, bool Current, bool Pauses>
int64_t step_neurons(const Chunk<I>& chunk, int64_t n, int32_t refractory, int32_t first,
                     int32_t* places) {
  const Chunk<I> p = chunk;
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __m512i index = _mm512_add_epi32(lanes, _mm512_set1_epi32(first));
  int64_t count = 0;
  for (int64_t i = 0; i < n; i += kLanes) {
    alignas(64) int32_t spikes[kLanes];  // stays in a register
    step_lanes<I, R, Spiking, Current, Pauses>(p, i, kLanes, refractory, spikes);
    if (!Spiking) continue;
    const __mmask16 real = n - i < 16 ? static_cast<__mmask16>((1u << (n - i)) - 1) : 0xffff;
    const __m512i values = _mm512_load_si512(spikes);
    const __mmask16 there = _mm512_mask_test_epi32_mask(real, values, values);
    _mm512_storeu_si512(places + count, _mm512_maskz_compress_epi32(there, index));
    count += __builtin_popcount(there);
    index = _mm512_add_epi32(index, _mm512_set1_epi32(16));
  }
  return count;
}
#else
template <class I, Reset R, bool Spiking, bool Current, bool Pauses>
int64_t step_neurons(const Chunk<I>& chunk, int64_t n, int32_t refractory, int32_t first,
                     int32_t* places) {
  const Chunk<I> p = chunk;
  alignas(64) int32_t spikes[kChunk];
  const int64_t room = (n + kLanes - 1) & ~(kLanes - 1);
  step_lanes<I, R, Spiking, Current, Pauses>(p, 0, room, refractory, spikes);
  return Spiking ? list_spikes(spikes, n, first, places) : 0;
}
#endif

template <class I, bool Current, bool Pauses>
Step<I> step_of(Reset reset) {
  switch (reset) {
    case kZero: return step_neurons<I, kZero, true, Current, Pauses>;
    case kZeroNext: return step_neurons<I, kZeroNext, true, Current, Pauses>;
    case kSubtract: return step_neurons<I, kSubtract, true, Current, Pauses>;
    case kSubtractDelayed: return step_neurons<I, kSubtractDelayed, true, Current, Pauses>;
    case kSubtractRetest: return step_neurons<I, kSubtractRetest, true, Current, Pauses>;
    default: return step_neurons<I, kNone, true, Current, Pauses>;
  }
}

StepNarrow step_narrow(Reset reset, bool spiking, bool current, bool pauses) {
  if (!spiking && current) return step_neurons<int32_t, kNone, false, true, false>;
  if (!spiking) return step_neurons<int32_t, kNone, false, false, false>;
  if (current && pauses) return step_of<int32_t, true, true>(reset);
  if (current) return step_of<int32_t, true, false>(reset);
  if (pauses) return step_of<int32_t, false, true>(reset);
  return step_of<int32_t, false, false>(reset);
}

StepWide step_wide(Reset reset, bool spiking) {
  if (!spiking) return step_neurons<int64_t, kNone, false, true, false>;
  return step_of<int64_t, true, true>(reset);
}
