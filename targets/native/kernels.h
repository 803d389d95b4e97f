// The loops that take the time, compiled once for each set of instructions: see levels.h.
//
// Included several times, each time with another SNNC_LEVEL, a namespace, so no include guard and
// no include. Every sum is one of integers: instruction sets change the order and nothing else.

namespace SNNC_LEVEL {

// ---- rows of weights, added up ------------------------------------------------------------------

typedef int8_t Bytes __attribute__((vector_size(32), aligned(1), may_alias));
typedef int16_t Shorts __attribute__((vector_size(64), aligned(2), may_alias));
typedef int32_t Words __attribute__((vector_size(64), aligned(4), may_alias));
typedef int16_t HalfShorts __attribute__((vector_size(32), aligned(2), may_alias));

constexpr int64_t kRowsOfBytes = 255;  // 255 * 128 is the last multiple that 16 bits hold

// Adds `count` rows of bytes on columns [from, from + 32 * V) in 16-bit registers.
template <int V>
inline void add_byte_rows(const int8_t* weights, int64_t stride, const int32_t* rows,
                          int64_t count, int64_t from, int32_t* sums) {
  for (int64_t first = 0; first < count; first += kRowsOfBytes) {
    const int64_t last = count - first < kRowsOfBytes ? count : first + kRowsOfBytes;
    Shorts total[V] = {};
    for (int64_t k = first; k < last; ++k) {
      const Bytes* row = reinterpret_cast<const Bytes*>(weights + rows[k] * stride + from);
      for (int j = 0; j < V; ++j) total[j] += __builtin_convertvector(row[j], Shorts);
    }
    for (int j = 0; j < V; ++j) {
      for (int i = 0; i < 32; ++i) sums[from + 32 * j + i] += total[j][i];
    }
  }
}

// sums[c] += weights[r, c] over the rows r that spiked. The stride is a multiple of 32.
void add_rows(const int8_t* weights, int64_t stride, const int32_t* rows, int64_t count,
              int32_t* sums) {
  int64_t from = 0;
  for (; from + 256 <= stride; from += 256) {
    add_byte_rows<8>(weights, stride, rows, count, from, sums);
  }
  if (stride - from >= 128) {
    add_byte_rows<4>(weights, stride, rows, count, from, sums);
    from += 128;
  }
  for (; from < stride; from += 32) {
    add_byte_rows<1>(weights, stride, rows, count, from, sums);
  }
}

// The same for weights of 9 bits.
void add_rows(const int16_t* weights, int64_t stride, const int32_t* rows, int64_t count,
              int32_t* sums) {
  for (int64_t k = 0; k < count; ++k) {
    const int16_t* row = weights + rows[k] * stride;
    for (int64_t c = 0; c < stride; ++c) sums[c] += row[c];
  }
}

// sums[c] += weights[c] * value, for a run of columns.
template <class W>
inline void add_run(const W* weights, int64_t columns, int32_t value, int32_t* sums) {
  if (value == 1) {
    for (int64_t c = 0; c < columns; ++c) sums[c] += weights[c];
  } else {
    for (int64_t c = 0; c < columns; ++c) sums[c] += weights[c] * value;
  }
}

// sums[c] += weights[r, c] * value[r] over the rows r.
template <class W>
void add_scaled(const W* weights, int64_t stride, const int32_t* rows, const int32_t* values,
                int64_t count, int32_t* sums) {
  for (int64_t k = 0; k < count; ++k) {
    add_run(weights + rows[k] * stride, stride, values[k], sums);
  }
}

// ---- convolutions -------------------------------------------------------------------------------

typedef int32_t Sums __attribute__((vector_size(64), aligned(4), may_alias));
typedef int8_t SixteenBytes __attribute__((vector_size(16), aligned(1), may_alias));
typedef int16_t SixteenShorts __attribute__((vector_size(32), aligned(2), may_alias));

inline void widen(const int16_t* weights, Sums& into) {
  into = __builtin_convertvector(*reinterpret_cast<const SixteenShorts*>(weights), Sums);
}
// In two steps, each of which is one instruction.
inline void widen(const int8_t* weights, Sums& into) {
  const SixteenShorts shorts = __builtin_convertvector(
      *reinterpret_cast<const SixteenBytes*>(weights), SixteenShorts);
  into = __builtin_convertvector(shorts, Sums);
}

// sums += taps * value, for V times 16 columns.
template <int V, bool Ones, class W>
inline void add_vectors(const W* taps, int32_t value, int32_t* sums) {
  Sums* into = reinterpret_cast<Sums*>(sums);
  for (int j = 0; j < V; ++j) {
    Sums wide;
    widen(taps + 16 * j, wide);
    into[j] += Ones ? wide : wide * value;
  }
}

// The same for a row of a kernel, whose length is a multiple of 16.
template <bool Ones, class W>
inline void add_aligned_run(const W* taps, int64_t columns, int32_t value, int32_t* sums) {
  for (; columns >= 64; columns -= 64, taps += 64, sums += 64) {
    add_vectors<4, Ones>(taps, value, sums);
  }
  if (columns & 32) {
    add_vectors<2, Ones>(taps, value, sums);
    taps += 32, sums += 32;
  }
  if (columns & 16) add_vectors<1, Ones>(taps, value, sums);
}

// One row of the kernel of an event, position by position. `reach` is the event's column in the
// padded value.
template <class W>
inline void add_kernel_row(const Sweep& s, const W* taps, int64_t reach, int32_t value,
                           int32_t* sums) {
  for (int64_t j = 0; j < s.kernel[1]; ++j) {
    const int64_t x = reach - j * s.dilation[1];
    if (x < 0 || x % s.stride[1] || x / s.stride[1] >= s.out[1]) continue;
    add_run(taps + (s.kernel[1] - 1 - j) * s.group_out, s.group_out, value,
            sums + x / s.stride[1] * s.channels_out);
  }
}

// Adds the kernel of every event to the positions whose windows it lies under.
template <bool Ones, class W>
void add_events(const Sweep& s, const W* kernels, const int32_t* places, const int32_t* values,
                int64_t count, int32_t* sums) {
  const int64_t area = s.in[0] * s.in[1];
  for (int64_t k = 0; k < count; ++k) {
    const int64_t channel = places[k] / area, pixel = places[k] % area;
    const W* kernel = kernels + channel * s.kernel[0] * s.row_taps;
    int32_t* group = sums + channel / s.group_in * s.group_out;
    const int64_t row = pixel / s.in[1] + s.before[0];
    const int64_t reach = pixel % s.in[1] + s.before[1];
    const int32_t value = Ones ? 1 : values[k];
    for (int64_t i = 0; i < s.kernel[0]; ++i) {
      const int64_t y = row - i * s.dilation[0];
      if (y < 0 || y % s.stride[0] || y / s.stride[0] >= s.out[0]) continue;
      int32_t* line = group + y / s.stride[0] * s.pitch * s.channels_out;
      const W* taps = kernel + i * s.row_taps;
      if (s.runs) {
        add_aligned_run<Ones>(taps, s.row_taps, value, line + reach * s.channels_out);
      } else {
        add_kernel_row(s, taps, reach, value, line);
      }
    }
  }
}

template <class W>
void add_kernels(const Sweep& s, const W* kernels, const int32_t* places, const int32_t* values,
                 int64_t count, int32_t* sums) {
  if (values) return add_events<false>(s, kernels, places, values, count, sums);
  add_events<true>(s, kernels, places, values, count, sums);
}

// ---- pooling ------------------------------------------------------------------------------------

// Sum or largest under the window at every position; the channels run fastest.
template <bool Largest>
void pool(const Sweep& s, const int32_t* x, int32_t* y) {
  const int64_t channels = s.channels_out;
  for (int64_t row = 0; row < s.out[0]; ++row) {
    for (int64_t column = 0; column < s.out[1]; ++column, y += channels) {
      bool any = false;
      for (int64_t i = 0; i < s.kernel[0]; ++i) {
        const int64_t r = row * s.stride[0] - s.before[0] + i * s.dilation[0];
        if (r < 0 || r >= s.in[0]) continue;
        for (int64_t j = 0; j < s.kernel[1]; ++j) {
          const int64_t c = column * s.stride[1] - s.before[1] + j * s.dilation[1];
          if (c < 0 || c >= s.in[1]) continue;
          const int32_t* from = x + (r * s.pitch + s.origin + c) * channels;
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

// ---- events -------------------------------------------------------------------------------------

// Lists the places of what is not 0, and gives their number. `places` has room for n and 15 more.
int64_t list_events(const int32_t* x, int64_t n, int32_t* places) {
  int64_t count = 0, i = 0;
#ifdef SNNC_COMPRESS
  __m512i index = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (; i + 16 <= n; i += 16) {
    const __m512i values = _mm512_loadu_si512(x + i);
    const __mmask16 there = _mm512_test_epi32_mask(values, values);
    _mm512_storeu_si512(places + count, _mm512_maskz_compress_epi32(there, index));
    count += __builtin_popcount(there);
    index = _mm512_add_epi32(index, _mm512_set1_epi32(16));
  }
#endif
  for (; i < n; ++i) {
    places[count] = static_cast<int32_t>(i);
    count += x[i] != 0;
  }
  return count;
}

// ---- neurons ------------------------------------------------------------------------------------

template <class I, Reset R, bool Spiking, bool Pauses>
void step_neurons(const NeuronArrays<I>& arrays, int64_t n, int32_t refractory) {
  const NeuronArrays<I> p = arrays;
#pragma GCC ivdep  // no two arrays share memory
  for (int64_t i = 0; i < n; ++i) {
    Neuron<I> neuron = {p.u[i], p.v[i], Pauses ? p.pause[i] : 0, 0};
    neuron = stepped<I, R, Spiking>(neuron, p.a[i], p.keep_u[i], p.keep_v[i], p.theta[i],
                                    p.bias[i], refractory);
    p.a[i] = 0;
    p.u[i] = neuron.u;
    p.v[i] = neuron.v;
    if (Pauses) p.pause[i] = neuron.pause;
    p.spikes[i] = neuron.spike;
  }
}

template <class I, bool Spiking, bool Pauses>
void step_population(Reset reset, const NeuronArrays<I>& p, int64_t n, int32_t refractory) {
  switch (reset) {
    case kNone: return step_neurons<I, kNone, Spiking, Pauses>(p, n, refractory);
    case kZero: return step_neurons<I, kZero, Spiking, Pauses>(p, n, refractory);
    case kZeroNext: return step_neurons<I, kZeroNext, Spiking, Pauses>(p, n, refractory);
    case kSubtract: return step_neurons<I, kSubtract, Spiking, Pauses>(p, n, refractory);
    case kSubtractDelayed:
      return step_neurons<I, kSubtractDelayed, Spiking, Pauses>(p, n, refractory);
    case kSubtractRetest:
      return step_neurons<I, kSubtractRetest, Spiking, Pauses>(p, n, refractory);
  }
}

template <class I>
void step_any(Reset reset, bool spiking, const NeuronArrays<I>& p, int64_t n,
              int32_t refractory) {
  if (!spiking) return step_neurons<I, kNone, false, false>(p, n, 0);
  if (refractory) return step_population<I, true, true>(reset, p, n, refractory);
  return step_population<I, true, false>(reset, p, n, 0);
}

constexpr Kernels table() {
  return {
      static_cast<decltype(Kernels::add_bytes)>(add_rows),
      static_cast<decltype(Kernels::add_shorts)>(add_rows),
      add_scaled<int8_t>,
      add_scaled<int16_t>,
      add_kernels<int8_t>,
      add_kernels<int16_t>,
      pool<false>,
      pool<true>,
      list_events,
      step_any<int32_t>,
      step_any<int64_t>,
  };
}

}  // namespace SNNC_LEVEL
