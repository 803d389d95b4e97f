// Part of kernels.h: a step of neurons.

// `n` neurons from `first` on.
template <class I, Reset R, bool Spiking, Current U, bool Pauses>
inline void step_lanes(const Chunk<I>& p, int64_t first, int64_t n, int32_t refractory,
                       int32_t* spikes) {
#pragma GCC ivdep  // no two arrays share memory
  for (int64_t j = 0; j < n; ++j) {
    const int64_t i = first + j;
    Neuron<I> neuron = {U == kKept ? p.u[i] : I{0}, p.v[i], Pauses ? p.pause[i] : 0, 0};
    neuron = stepped<I, R, Spiking, U != kUnseen>(neuron, p.a[i], U == kKept ? p.keep_u[i] : I{0},
                                                  p.keep_v[i], p.theta[i], p.bias[i], refractory);
    if (U != kUnseen) p.u[i] = neuron.u;
    p.v[i] = neuron.v;
    if (Pauses) p.pause[i] = neuron.pause;
    if (Spiking) spikes[j] = neuron.spike;
  }
}

#ifdef SNNC_AVX512
template <class I, Reset R, bool Spiking, Current U, bool Pauses>
int64_t step_neurons(const Chunk<I>& chunk, int64_t n, int32_t refractory, int32_t first,
                     int32_t* places) {
  const Chunk<I> p = chunk;
  int64_t count = 0;
  for (int64_t i = 0; i < n; i += 64) {
    const int64_t here = n - i < 64 ? n - i : 64;
    uint64_t spiking = 0;
    for (int64_t j = 0; j < here; j += kLanes) {
      alignas(64) int32_t spikes[kLanes];  // stays in a register
      step_lanes<I, R, Spiking, U, Pauses>(p, i + j, kLanes, refractory, spikes);
      if (!Spiking) continue;
      const __m512i values = _mm512_load_si512(spikes);
      spiking |= static_cast<uint64_t>(_mm512_test_epi32_mask(values, values)) << j;
    }
    if (!Spiking) continue;
    const int32_t from = first + static_cast<int32_t>(i);
    count += list_bits(spiking & (~uint64_t{0} >> (64 - here)), from, places + count);
  }
  return count;
}
#else
template <class I, Reset R, bool Spiking, Current U, bool Pauses>
int64_t step_neurons(const Chunk<I>& chunk, int64_t n, int32_t refractory, int32_t first,
                     int32_t* places) {
  const Chunk<I> p = chunk;
  alignas(64) int32_t spikes[kChunk];
  const int64_t room = (n + kLanes - 1) & ~(kLanes - 1);
  step_lanes<I, R, Spiking, U, Pauses>(p, 0, room, refractory, spikes);
  return Spiking ? list_spikes(spikes, n, first, places) : 0;
}
#endif

template <class I, Current U, bool Pauses>
Step<I> step_of(Reset reset) {
  switch (reset) {
    case kZero: return step_neurons<I, kZero, true, U, Pauses>;
    case kZeroNext: return step_neurons<I, kZeroNext, true, U, Pauses>;
    case kSubtract: return step_neurons<I, kSubtract, true, U, Pauses>;
    case kSubtractDelayed: return step_neurons<I, kSubtractDelayed, true, U, Pauses>;
    case kSubtractRetest: return step_neurons<I, kSubtractRetest, true, U, Pauses>;
    default: return step_neurons<I, kNone, true, U, Pauses>;
  }
}

template <Current U>
StepNarrow step_narrow(Reset reset, bool spiking, bool pauses) {
  if (!spiking) return step_neurons<int32_t, kNone, false, U, false>;
  return pauses ? step_of<int32_t, U, true>(reset) : step_of<int32_t, U, false>(reset);
}

StepNarrow step_narrow(Reset reset, bool spiking, Current u, bool pauses) {
  switch (u) {
    case kKept: return step_narrow<kKept>(reset, spiking, pauses);
    case kShown: return step_narrow<kShown>(reset, spiking, pauses);
    default: return step_narrow<kUnseen>(reset, spiking, pauses);
  }
}

StepWide step_wide(Reset reset, bool spiking) {
  if (!spiking) return step_neurons<int64_t, kNone, false, kKept, false>;
  return step_of<int64_t, kKept, true>(reset);
}
