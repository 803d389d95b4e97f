// Part of kernels.h: a step of neurons.

// `n` is a multiple of 16. Where no current is kept, `u` is written and not read.
template <class I, Reset R, bool Spiking, bool Current, bool Pauses>
void step_neurons(const Chunk<I>& chunk, int64_t n, int32_t refractory) {
  const Chunk<I> p = chunk;
  n &= ~(kLanes - 1);
#pragma GCC ivdep  // no two arrays share memory
  for (int64_t i = 0; i < n; ++i) {
    Neuron<I> neuron = {Current ? p.u[i] : I{0}, p.v[i], Pauses ? p.pause[i] : 0, 0};
    neuron = stepped<I, R, Spiking>(neuron, p.a[i], Current ? p.keep_u[i] : I{0}, p.keep_v[i],
                                    p.theta[i], p.bias[i], refractory);
    p.u[i] = neuron.u;
    p.v[i] = neuron.v;
    if (Pauses) p.pause[i] = neuron.pause;
    if (Spiking) p.spikes[i] = neuron.spike;
  }
}

template <class I, bool Current, bool Pauses>
auto step_of(Reset reset) -> void (*)(const Chunk<I>&, int64_t, int32_t) {
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
