// Part of kernels.h: rows of weights, added up.
//
// A weight is a byte, `zero` more than it is, and so not negative; half of it where all are even
// and too far apart for two of them to add up to a byte. Where they do, rows are taken by two. A block of 2 N bytes holds N
// columns in its even bytes and the next N in its odd ones: two sums in 16 bits take two additions
// and a shift. Taken as words of 16 bits a block is even + 256 * odd, so what the even ones sum up
// to is the sum of the words less 256 times that of the odd ones, modulo 2**16.

#if defined(SNNC_AVX512)
constexpr int kWords = 32;  // of a vector
constexpr double kFewWeights = 0.025;  // where a list takes as long as a row, of 1,000 columns
#elif defined(SNNC_AVX2)
constexpr int kWords = 16;
constexpr double kFewWeights = 0.06;
#else
constexpr int kWords = 8;
constexpr double kFewWeights = 0.08;
#endif

template <int N>
struct Vector {
  static constexpr int words = N < kWords ? N : kWords;
  typedef uint16_t Memory __attribute__((vector_size(2 * words), aligned(1), may_alias));
  typedef uint16_t Sums __attribute__((vector_size(2 * words)));
  typedef uint8_t Bytes __attribute__((vector_size(2 * words)));
};

// Sums are added to others, times 2**unit,
struct Adds {
  int unit;
  int32_t* sums;
  void put(int64_t column, int32_t sum) const {
    sums[column] += static_cast<int32_t>(static_cast<uint32_t>(sum) << unit);
  }
};

// or become what arrives, times 2**(up - down), rounded down; More is added to what has arrived.
template <bool More>
struct Arrives {
  int up, down;
  int32_t* a;
  void put(int64_t column, int32_t sum) const {
    const int32_t here = static_cast<int32_t>(static_cast<uint32_t>(sum) << up) >> down;
    a[column] = More ? a[column] + here : here;
  }
};

// Gives `into` what the rows have in `B` blocks of 2 N columns, `from` the beginning of the first
// row; `column` is what `into` calls the first of them.
template <int N, int B, bool Pairs, class Into>
inline void add_blocks(const uint8_t* from, int64_t stride, int32_t zero, const int32_t* places,
                       int64_t count, int64_t column, const Into& into) {
  typedef typename Vector<N>::Memory Memory;
  typedef typename Vector<N>::Sums Sums;
  typedef typename Vector<N>::Bytes Bytes;
  constexpr int words = Vector<N>::words, in_block = N / words, vectors = B * in_block;
  Sums all[vectors] = {}, odd[vectors] = {};
  int64_t k = 0;
  for (; Pairs && k + 1 < count; k += 2) {
    const Memory* row = reinterpret_cast<const Memory*>(from + places[k] * stride);
    const Memory* next = reinterpret_cast<const Memory*>(from + places[k + 1] * stride);
    for (int j = 0; j < vectors; ++j) {
      const Sums one = row[j], other = next[j];
      const Sums two = (Sums)((Bytes)one + (Bytes)other);
      all[j] += two;
      odd[j] += two >> 8;
    }
  }
  for (; k < count; ++k) {
    const Memory* row = reinterpret_cast<const Memory*>(from + places[k] * stride);
    for (int j = 0; j < vectors; ++j) {
      const Sums two = row[j];
      all[j] += two;
      odd[j] += two >> 8;
    }
  }
  const int32_t zeros = static_cast<int32_t>(count) * zero;
  for (int j = 0; j < vectors; ++j) {
    const Sums even = all[j] - (odd[j] << 8);
    const int64_t at = column + j / in_block * 2 * N + j % in_block * words;
#pragma GCC ivdep
    for (int i = 0; i < words; ++i) into.put(at + i, even[i] - zeros);
#pragma GCC ivdep
    for (int i = 0; i < words; ++i) into.put(at + N + i, odd[j][i] - zeros);
  }
}

#if defined(SNNC_AVX512)
constexpr int kBlocks = 4;  // of 64 columns: no more, as rows are read from where there are many
#elif defined(SNNC_AVX2)
constexpr int kBlocks = 2;
#else
constexpr int kBlocks = 1;
#endif

// Gives `into` the sums of no more than kRowsOfBytes rows, of `columns` from `first` on: these are
// the rest of a row or whole blocks.
template <bool Pairs, class Into>
inline void add_columns(const Rows& rows, const int32_t* places, int64_t count, int64_t first,
                        int64_t columns, const Into& into) {
  const uint8_t* from = rows.bytes + first;
  const int64_t stride = rows.stride;
  const int32_t zero = rows.zero;
  int64_t c = 0;
  for (; c + 64 * kBlocks <= columns; c += 64 * kBlocks) {
    add_blocks<32, kBlocks, Pairs>(from + c, stride, zero, places, count, c, into);
  }
  if (kBlocks > 2 && columns - c >= 128) {
    add_blocks<32, 2, Pairs>(from + c, stride, zero, places, count, c, into);
    c += 128;
  }
  if (columns - c >= 64) {
    add_blocks<32, 1, Pairs>(from + c, stride, zero, places, count, c, into);
    c += 64;
  }
  if (columns - c >= 32) {
    add_blocks<16, 1, Pairs>(from + c, stride, zero, places, count, c, into);
    c += 32;
  }
  if (columns - c >= 16) add_blocks<8, 1, Pairs>(from + c, stride, zero, places, count, c, into);
}

template <class Into>
inline void add_columns(const Rows& rows, const int32_t* places, int64_t count, int64_t first,
                        int64_t columns, const Into& into) {
  if (rows.pairs) return add_columns<true>(rows, places, count, first, columns, into);
  add_columns<false>(rows, places, count, first, columns, into);
}

// sums[c] += weights[r, c] over the rows r that spiked.
void add_rows(const Rows& rows, const int32_t* places, int64_t count, int32_t* sums) {
  for (int64_t first = 0; first < count; first += kRowsOfBytes) {
    const int64_t here = count - first < kRowsOfBytes ? count - first : kRowsOfBytes;
    add_columns(rows, places + first, here, 0, rows.stride, Adds{rows.unit, sums});
  }
}

// a[c] = or += the same of no more than kRowsOfBytes rows, times 2**(up - down).
void take_rows(const Rows& rows, const int32_t* places, int64_t count, int64_t first,
               int64_t columns, int up, int down, bool more, int32_t* a) {
  up += rows.unit;
  if (more) {
    add_columns(rows, places, count, first, columns, Arrives<true>{up, down, a});
  } else {
    add_columns(rows, places, count, first, columns, Arrives<false>{up, down, a});
  }
}

template <int N>
inline void add_scaled_block(const uint8_t* row, uint32_t value, uint32_t* sums) {
  typedef typename Vector<N>::Memory Memory;
  typedef typename Vector<N>::Sums Sums;
  constexpr int words = Vector<N>::words;
  for (int j = 0; j < N / words; ++j, sums += words) {
    const Sums two = reinterpret_cast<const Memory*>(row)[j];
    const Sums even = two & 255, odd = two >> 8;
    for (int i = 0; i < words; ++i) sums[i] += even[i] * value;
    for (int i = 0; i < words; ++i) sums[N + i] += odd[i] * value;
  }
}

// sums[c] += (weights[r, c] + zero) * value of one row. Unsigned, as what is on the way to a sum
// of 32 bits may need more of them.
inline void add_scaled_row(const uint8_t* row, int64_t stride, uint32_t value, uint32_t* sums) {
  int64_t c = 0;
  for (; c + 64 <= stride; c += 64) add_scaled_block<32>(row + c, value, sums + c);
  if (stride - c >= 32) {
    add_scaled_block<16>(row + c, value, sums + c);
    c += 32;
  }
  if (stride - c >= 16) add_scaled_block<8>(row + c, value, sums + c);
}

#ifdef SNNC_VNNI
// Four rows at once: their bytes, interleaved, are multiplied by four values and added up in one
// instruction. Of a vector of 64 columns the sums of bytes 16 L + 4 q + i stand in total[q], in
// element 4 L + i.
struct Four {
  __m512i bytes[4];
};

inline Four interleaved(const __m512i row[4]) {
  const __m512i ab_low = _mm512_unpacklo_epi8(row[0], row[1]);
  const __m512i ab_high = _mm512_unpackhi_epi8(row[0], row[1]);
  const __m512i cd_low = _mm512_unpacklo_epi8(row[2], row[3]);
  const __m512i cd_high = _mm512_unpackhi_epi8(row[2], row[3]);
  return {{_mm512_unpacklo_epi16(ab_low, cd_low), _mm512_unpackhi_epi16(ab_low, cd_low),
           _mm512_unpacklo_epi16(ab_high, cd_high), _mm512_unpackhi_epi16(ab_high, cd_high)}};
}

inline void add_four(const Four& four, __m512i values, __m512i total[4]) {
  for (int q = 0; q < 4; ++q) total[q] = _mm512_dpbusd_epi32(total[q], four.bytes[q], values);
}

// Adds `count` rows, a multiple of 4, on B blocks of 64 columns; `bytes` are their values.
template <int B>
inline void add_scaled_blocks(const uint8_t* rows, int64_t stride, const int32_t* places,
                              const int8_t* bytes, int64_t count, uint32_t* sums) {
  __m512i total[B][4];
  for (auto& block : total) {
    for (__m512i& t : block) t = _mm512_setzero_si512();
  }
  for (int64_t k = 0; k < count; k += 4) {
    int32_t four;
    __builtin_memcpy(&four, bytes + k, 4);
    const __m512i values = _mm512_set1_epi32(four);
    for (int j = 0; j < B; ++j) {
      __m512i row[4];
      for (int r = 0; r < 4; ++r) {
        row[r] = _mm512_loadu_si512(rows + places[k + r] * stride + 64 * j);
      }
      add_four(interleaved(row), values, total[j]);
    }
  }
  for (int j = 0; j < B; ++j) {
    alignas(64) uint32_t of[4][16];
    for (int q = 0; q < 4; ++q) _mm512_store_si512(of[q], total[j][q]);
    uint32_t* into = sums + 64 * j;
    for (int b = 0; b < 64; ++b) into[b % 2 * 32 + b / 2] += of[b / 4 % 4][b / 16 * 4 + b % 4];
  }
}

// Rows, as many as are a multiple of 4, whose values times 2**unit are of 8 bits; gives the
// columns done.
inline int64_t add_small_rows(const Rows& rows, const int32_t* places, const int32_t* values,
                              int64_t count, uint32_t* sums) {
  const int64_t stride = rows.stride;
  constexpr int64_t few = 1024;
  int8_t bytes[few];
  int64_t c = 0;
  for (int64_t first = 0; first < count; first += few) {
    const int64_t n = count - first < few ? count - first : few;
    for (int64_t k = 0; k < n; ++k) {
      bytes[k] = static_cast<int8_t>(values[first + k] * (1 << rows.unit));
    }
    for (c = 0; c + 128 <= stride; c += 128) {
      add_scaled_blocks<2>(rows.bytes + c, stride, places + first, bytes, n, sums + c);
    }
    for (; c + 64 <= stride; c += 64) {
      add_scaled_blocks<1>(rows.bytes + c, stride, places + first, bytes, n, sums + c);
    }
  }
  return c;
}
#endif

#ifdef SNNC_VNNI
// The column of a byte in a row of `stride` bytes: blocks of 64, then one of 32 and of 16.
inline int64_t column_of(int64_t stride, int64_t byte) {
  int64_t first = byte / 64 * 64, block = 64;
  if (first + 64 > stride) {
    block = stride - first >= 32 ? 32 : 16;
    if (byte - first >= block) {
      first += block;
      block = 16;
    }
  }
  const int64_t in = byte - first;
  return first + in % 2 * (block / 2) + in / 2;
}

// Products of all rows with the values of kAhead steps: `bytes` are of each step `pitch`, 0 behind
// the last, `sums` of each step `stride`.
void multiply(const Rows& rows, const int8_t* bytes, int64_t pitch, int64_t count,
              int32_t* sums) {
  const int64_t stride = rows.stride;
  int32_t zeros[kAhead] = {};
  for (int s = 0; s < kAhead; ++s) {
    for (int64_t r = 0; r < count; ++r) zeros[s] += bytes[s * pitch + r];
    zeros[s] *= rows.zero;
  }
  for (int64_t c = 0; c < stride; c += 64) {
    const int64_t here = stride - c < 64 ? stride - c : 64;
    const __mmask64 real = ~uint64_t{0} >> (64 - here);
    __m512i total[kAhead][4];
    for (auto& of_step : total) {
      for (__m512i& t : of_step) t = _mm512_setzero_si512();
    }
    for (int64_t r = 0; r < count; r += 4) {
      __m512i row[4];
      for (int j = 0; j < 4; ++j) {
        const int64_t at = r + j < count ? r + j : r;
        row[j] = _mm512_maskz_loadu_epi8(real, rows.bytes + at * stride + c);
      }
      const Four four = interleaved(row);
      for (int s = 0; s < kAhead; ++s) {
        int32_t values;
        __builtin_memcpy(&values, bytes + s * pitch + r, 4);
        add_four(four, _mm512_set1_epi32(values), total[s]);
      }
    }
    for (int s = 0; s < kAhead; ++s) {
      alignas(64) uint32_t of[4][16];
      for (int q = 0; q < 4; ++q) _mm512_store_si512(of[q], total[s][q]);
      for (int64_t b = 0; b < here; ++b) {
        const uint32_t sum = of[b / 4 % 4][b / 16 * 4 + b % 4] - static_cast<uint32_t>(zeros[s]);
        sums[s * stride + column_of(stride, c + b)] = static_cast<int32_t>(sum << rows.unit);
      }
    }
  }
}
#endif

// sums[c] += weights[r, c] * value[r] over the rows r; `largest` is the magnitude of values, which
// times 2**unit is below 128 where it is itself.
void add_scaled_rows(const Rows& rows, const int32_t* places, const int32_t* values, int64_t count,
                     int64_t largest, int32_t* sums) {
  uint32_t all = 0;
  for (int64_t k = 0; k < count; ++k) all += static_cast<uint32_t>(values[k]) << rows.unit;
  const uint32_t zeros = all * static_cast<uint32_t>(rows.zero);
  uint32_t* into = reinterpret_cast<uint32_t*>(sums);
  for (int64_t c = 0; c < rows.stride; ++c) into[c] -= zeros;
  int64_t done = 0, columns = 0;
#ifdef SNNC_VNNI
  if (largest < 128) {
    done = count & ~int64_t{3};
    columns = add_small_rows(rows, places, values, done, into);
  }
#endif
  (void)largest;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t from = k < done ? columns : 0;
    const uint8_t* row = rows.bytes + places[k] * rows.stride;
    const uint32_t value = static_cast<uint32_t>(values[k]) << rows.unit;
    add_scaled_row(row + from, rows.stride - from, value, into + from);
  }
}
