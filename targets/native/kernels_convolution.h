// Part of kernels.h: kernels added to the positions that an event lies under, and pooling.

// sums += run * value, for V times 16 elements. In unsigned elements, as sums of places that do
// not count may leave their bits.
template <int V, bool Ones, class W, class S>
inline void add_run(const W* run, S value, S* sums) {
  typedef W Few __attribute__((vector_size(16 * sizeof(W)), aligned(1), may_alias));
  typedef S Some __attribute__((vector_size(16 * sizeof(S)), aligned(2), may_alias));
  typedef S Many __attribute__((vector_size(16 * sizeof(S))));
  const Few* from = reinterpret_cast<const Few*>(run);
  Some* into = reinterpret_cast<Some*>(sums);
  for (int j = 0; j < V; ++j) {
    const Many weights = (Many)__builtin_convertvector(from[j], Some);
    into[j] += Ones ? weights : weights * value;
  }
}

// V is the number of vectors in a run, 0 for any.
template <int V, bool Ones, class W, class S>
inline void add_kernels(const Runs& runs, const W* kernels, const Placed* table,
                        const int32_t* places, const int32_t* values, int64_t count, S* sums) {
  const int64_t units = V ? V : runs.units;
  for (int64_t k = 0; k < count; ++k) {
    const Placed at = table[places[k]];
    if (at.kernel < 0) continue;
    const W* kernel = kernels + at.kernel;
    const S value = Ones ? S{1} : static_cast<S>(values[k]);
    for (int64_t r = 0; r < runs.count; ++r, kernel += 16 * units) {
      S* into = sums + at.sums + runs.offsets[r];
      if (V) {
        add_run<V, Ones>(kernel, value, into);
      } else {
        int64_t j = 0;
        for (; j + 4 <= units; j += 4) add_run<4, Ones>(kernel + 16 * j, value, into + 16 * j);
        for (; j < units; ++j) add_run<1, Ones>(kernel + 16 * j, value, into + 16 * j);
      }
    }
  }
}

template <int V, class W, class S>
void convolve(const Runs& runs, const void* kernels, const Placed* table, const int32_t* places,
              const int32_t* values, int64_t count, void* sums) {
  const W* weights = static_cast<const W*>(kernels);
  S* into = static_cast<S*>(sums);
  if (values) {
    add_kernels<0, false>(runs, weights, table, places, values, count, into);
  } else {
    add_kernels<V, true>(runs, weights, table, places, values, count, into);
  }
}

template <class W, class S>
Convolve convolve_in(int64_t units) {
  switch (units) {
    case 1: return convolve<1, W, S>;
    case 2: return convolve<2, W, S>;
    case 3: return convolve<3, W, S>;
    case 4: return convolve<4, W, S>;
    default: return convolve<0, W, S>;
  }
}

Convolve convolve_of(bool wide_weights, bool wide_sums, int64_t units) {
  if (wide_weights) {
    return wide_sums ? convolve_in<int16_t, uint32_t>(units)
                     : convolve_in<int16_t, uint16_t>(units);
  }
  return wide_sums ? convolve_in<int8_t, uint32_t>(units) : convolve_in<int8_t, uint16_t>(units);
}

// Sum or largest under the window at every position.
template <bool Largest>
inline void pool_with(const Sweep& s, const int32_t* x, int32_t* y) {
  const int64_t channels = s.channels;
  for (int64_t row = 0; row < s.out[0]; ++row) {
    for (int64_t column = 0; column < s.out[1]; ++column, y += channels) {
      bool any = false;
      for (int64_t i = 0; i < s.kernel[0]; ++i) {
        const int64_t r = row * s.stride[0] - s.before[0] + i * s.dilation[0];
        if (r < 0 || r >= s.in[0]) continue;
        for (int64_t j = 0; j < s.kernel[1]; ++j) {
          const int64_t c = column * s.stride[1] - s.before[1] + j * s.dilation[1];
          if (c < 0 || c >= s.in[1]) continue;
          const int32_t* from = x + (r * s.in[1] + c) * channels;
          if (!any) {
            for (int64_t k = 0; k < channels; ++k) y[k] = from[k];
          } else if (Largest) {
            for (int64_t k = 0; k < channels; ++k) y[k] = from[k] > y[k] ? from[k] : y[k];
          } else {
            for (int64_t k = 0; k < channels; ++k) y[k] += from[k];
          }
          any = true;
        }
      }
      for (int64_t k = 0; !any && k < channels; ++k) y[k] = 0;
    }
  }
}

void pool(bool largest, const Sweep& s, const int32_t* x, int32_t* y) {
  if (largest) return pool_with<true>(s, x, y);
  pool_with<false>(s, x, y);
}
