// Part of kernels.h: kernels added to the positions that an event lies under, and pooling.

#ifdef SNNC_AVX512
constexpr int kShorts = 32;  // that are added at once
#else
constexpr int kShorts = 16;
#endif

// N elements at any place in memory, and how they are added: without signs, as sums of places
// that do not count may leave their bits.
template <class S, int N = 16>
struct Lanes {
  typedef S Here __attribute__((vector_size(N * sizeof(S)), aligned(2), may_alias));
  typedef S Many __attribute__((vector_size(N * sizeof(S))));
};

// sums += N weights * value. Some compilers make several steps of the conversion.
template <int N, bool Ones, class W, class S>
inline void add_lanes(const W* weights, S value, typename Lanes<S, N>::Many& sums) {
  typedef W Few __attribute__((vector_size(N * sizeof(W)), aligned(1), may_alias));
  typedef std::make_signed_t<S> Signed __attribute__((vector_size(N * sizeof(S))));
  typedef typename Lanes<S, N>::Many Many;
  Many widened;
  if constexpr (sizeof(W) == sizeof(S)) {
    widened = (Many)*reinterpret_cast<const Few*>(weights);
#if defined(SNNC_AVX512)
  } else if constexpr (N == 32) {
    const auto* from = reinterpret_cast<const __m256i*>(weights);
    widened = (Many)_mm512_maskz_cvtepi8_epi16(~__mmask32{0}, _mm256_loadu_si256(from));
  } else if constexpr (sizeof(W) == 2) {
    const auto* from = reinterpret_cast<const __m256i*>(weights);
    widened = (Many)_mm512_maskz_cvtepi16_epi32(0xffff, _mm256_loadu_si256(from));
  } else if constexpr (sizeof(S) == 4) {
    const auto* from = reinterpret_cast<const __m128i*>(weights);
    widened = (Many)_mm512_maskz_cvtepi8_epi32(0xffff, _mm_loadu_si128(from));
#endif
#if defined(SNNC_AVX2) || defined(SNNC_AVX512)
  } else if constexpr (sizeof(S) == 2) {
    const auto* from = reinterpret_cast<const __m128i*>(weights);
    widened = (Many)_mm256_cvtepi8_epi16(_mm_loadu_si128(from));
#endif
  } else {
    widened = (Many)__builtin_convertvector(*reinterpret_cast<const Few*>(weights), Signed);
  }
  sums += Ones ? widened : widened * value;
}

// sums += run * value, for V times 16 elements.
template <int V, bool Ones, class W, class S>
inline void add_run(const W* run, S value, S* sums) {
  auto* into = reinterpret_cast<typename Lanes<S>::Here*>(sums);
  for (int j = 0; j < V; ++j) {
    typename Lanes<S>::Many some = into[j];
    add_lanes<16, Ones>(run + 16 * j, value, some);
    into[j] = some;
  }
}

template <int V, bool Ones, class W, class S>
inline void add_long_run(const W* run, int64_t units, S value, S* sums) {
  if (V) return add_run<V, Ones>(run, value, sums);
  int64_t j = 0;
  for (; j + 4 <= units; j += 4) add_run<4, Ones>(run + 16 * j, value, sums + 16 * j);
  for (; j < units; ++j) add_run<1, Ones>(run + 16 * j, value, sums + 16 * j);
}

// R is the number of runs and V that of vectors in each, 0 for any.
template <int R, int V, bool Ones, class W, class S>
inline void add_kernel(const Runs& runs, const W* kernels, Placed at, S value, S* sums) {
  const int64_t rows = R ? R : runs.count, units = V ? V : runs.units;
  const W* kernel = kernels + at.kernel * (16 * rows * units);
  S* into = sums + at.sums;
#pragma GCC unroll 5
  for (int64_t r = 0; r < rows; ++r) {
    add_long_run<V, Ones>(kernel + 16 * units * r, units, value, into + runs.offsets[r]);
  }
}

// Events that follow each other are close and wait for each other's sums, so two parts of the list
// are taken in turns.
template <int R, int V, bool Ones, class W, class S>
inline void add_kernels(const Runs& runs, const W* kernels, const Placed* table,
                        const int32_t* places, const int32_t* values, int64_t count, S* sums) {
  int32_t kept[R ? R : 1];  // no sum is written there
  for (int r = 0; r < R; ++r) kept[r] = runs.offsets[r];
  const Runs own = {R ? kept : runs.offsets, runs.count, runs.units};
  const int64_t half = count / 2;
  for (int64_t k = 0; k < half; ++k) {
    const Placed one = table[places[k]], other = table[places[half + k]];
    const S first = Ones ? S{1} : static_cast<S>(values[k]);
    const S second = Ones ? S{1} : static_cast<S>(values[half + k]);
    if (one.kernel >= 0) add_kernel<R, V, Ones>(own, kernels, one, first, sums);
    if (other.kernel >= 0) add_kernel<R, V, Ones>(own, kernels, other, second, sums);
  }
  for (int64_t k = 2 * half; k < count; ++k) {
    const Placed at = table[places[k]];
    const S value = Ones ? S{1} : static_cast<S>(values[k]);
    if (at.kernel >= 0) add_kernel<R, V, Ones>(own, kernels, at, value, sums);
  }
}

template <int R, int V, class W, class S>
void convolve(const Runs& runs, const void* kernels, const Placed* table, const int32_t* places,
              const int32_t* values, int64_t count, void* sums) {
  const W* weights = static_cast<const W*>(kernels);
  S* into = static_cast<S*>(sums);
  if (values) {
    add_kernels<0, 0, false>(runs, weights, table, places, values, count, into);
  } else {
    add_kernels<R, V, true>(runs, weights, table, places, values, count, into);
  }
}

template <int R, class W, class S>
Convolve convolve_of(int64_t units) {
  switch (units) {
    case 1: return convolve<R, 1, W, S>;
    case 2: return convolve<R, 2, W, S>;
    case 3: return convolve<R, 3, W, S>;
    case 4: return convolve<R, 4, W, S>;
    default: return convolve<0, 0, W, S>;
  }
}

template <class W, class S>
Convolve convolve_of(const Runs& runs) {
  return runs.count == 3 ? convolve_of<3, W, S>(runs.units) : convolve_of<0, W, S>(runs.units);
}

Convolve convolve_of(bool wide_weights, bool wide_sums, const Runs& runs) {
  if (wide_sums) {
    return wide_weights ? convolve_of<0, int16_t, uint32_t>(runs.units)
                        : convolve_of<0, int8_t, uint32_t>(runs.units);
  }
  return wide_weights ? convolve_of<int16_t, uint16_t>(runs)
                      : convolve_of<int8_t, uint16_t>(runs);
}

// The first of the places from `from` on that is not below `bound`; it is not far.
inline int64_t first_from(const int32_t* places, int64_t from, int64_t count, int64_t bound) {
#ifdef SNNC_AVX512
  const __m512i least = _mm512_set1_epi32(static_cast<int32_t>(bound));
  for (; from + 16 <= count; from += 16) {
    const __mmask16 below = _mm512_cmplt_epi32_mask(_mm512_loadu_si512(places + from), least);
    if (below != 0xffff) return from + __builtin_popcount(below);
  }
#endif
  while (from < count && places[from] < bound) ++from;
  return from;
}

// Adds to V times N targets of row `row`.
template <int N, int V, bool Ones, class W, class S>
inline void add_band(const Bands& b, int64_t row, const W* kernels, const int32_t* places,
                     const int32_t* values, int64_t first, int64_t count, S* sums) {
  const int64_t last = b.last + row * b.apart, back = row * b.step;
  if (places[first] >= last) return;
  const int32_t* begin = b.begin;
  auto* into = reinterpret_cast<typename Lanes<S, N>::Here*>(sums);
  typename Lanes<S, N>::Many all[V];
  for (int j = 0; j < V; ++j) all[j] = into[j];
  for (int64_t k = first; k < count && places[k] < last; ++k) {
    const W* weights = kernels + (begin[places[k]] - back);
    const S value = Ones ? S{1} : static_cast<S>(values[k]);
    for (int j = 0; j < V; ++j) add_lanes<N, Ones>(weights + N * j, value, all[j]);
  }
  for (int j = 0; j < V; ++j) into[j] = all[j];
}

// The same from target `u` on, while there are as many; gives the first that is left.
template <int N, int V, bool Ones, class W, class S>
inline int64_t add_wide(const Bands& b, int64_t row, const W* kernels, const int32_t* places,
                        const int32_t* values, int64_t first, int64_t count, S* sums, int64_t u) {
  for (; u + V * N <= 16 * b.units; u += V * N) {
    add_band<N, V, Ones>(b, row, kernels + u, places, values, first, count, sums + u);
  }
  return u;
}

template <bool Ones, class W, class S>
inline void add_bands(const Bands& b, const W* kernels, const int32_t* places,
                      const int32_t* values, int64_t count, S* sums) {
  constexpr int N = sizeof(S) == 2 ? kShorts : 16;
  int64_t first = 0;
  for (int64_t row = 0; row < b.rows; ++row, sums += 16 * b.units) {
    int64_t u = 0;
    first = first_from(places, first, count, b.first + row * b.apart);
    if (first == count) return;
    u = add_wide<N, 4, Ones>(b, row, kernels, places, values, first, count, sums, u);
    u = add_wide<N, 3, Ones>(b, row, kernels, places, values, first, count, sums, u);
    u = add_wide<N, 2, Ones>(b, row, kernels, places, values, first, count, sums, u);
    add_wide<16, 1, Ones>(b, row, kernels, places, values, first, count, sums, u);
  }
}

template <class W, class S>
void add_bands(const Bands& bands, const void* kernels, const int32_t* places,
               const int32_t* values, int64_t count, void* sums) {
  const W* weights = static_cast<const W*>(kernels);
  S* into = static_cast<S*>(sums);
  if (values) return add_bands<false>(bands, weights, places, values, count, into);
  add_bands<true>(bands, weights, places, values, count, into);
}

AddBands add_bands_of(bool wide_weights, bool wide_sums) {
  if (wide_sums) return wide_weights ? add_bands<int16_t, uint32_t> : add_bands<int8_t, uint32_t>;
  return wide_weights ? add_bands<int16_t, uint16_t> : add_bands<int8_t, uint16_t>;
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
