// Part of kernels.h: lists of what is not 0, and sums gathered from where they were added up.

#ifdef SNNC_AVX512
// Lists `first` and more where a bit of 64 is set, and gives their number.
inline int64_t list_bits(uint64_t bits, int32_t first, int32_t* places) {
#ifdef SNNC_VBMI2
  alignas(64) static const uint8_t kBytes[64] = {
      0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
      22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
      44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
  alignas(64) uint8_t bytes[64];
  _mm512_store_si512(bytes, _mm512_maskz_compress_epi8(bits, _mm512_load_si512(kBytes)));
  const __m512i base = _mm512_set1_epi32(first);
  const int64_t count = __builtin_popcountll(bits);
  for (int64_t k = 0; k < count; k += 16) {
    const __m128i some = _mm_load_si128(reinterpret_cast<const __m128i*>(bytes + k));
    _mm512_storeu_si512(places + k,
                        _mm512_add_epi32(_mm512_maskz_cvtepu8_epi32(0xffff, some), base));
  }
  return count;
#else
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  int64_t count = 0;
  for (int shift = 0; shift < 64 && bits >> shift; shift += 16) {
    const __mmask16 some = static_cast<__mmask16>(bits >> shift);
    const __m512i index = _mm512_add_epi32(lanes, _mm512_set1_epi32(first + shift));
    _mm512_storeu_si512(places + count, _mm512_maskz_compress_epi32(some, index));
    count += __builtin_popcount(some);
  }
  return count;
#endif
}
#endif

// Lists the places of what is not 0, and gives their number; tells whether all of it is 1.
// `places` has room for a vector behind the last.
int64_t list_values(const int32_t* x, int64_t n, int32_t* places, bool* ones) {
  int64_t count = 0, i = 0;
  bool other = false;
#ifdef SNNC_AVX512
  const __m512i one = _mm512_set1_epi32(1);
  __m512i index = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __mmask16 others = 0;
  for (; i < n; i += 16) {
    const __mmask16 real = n - i < 16 ? static_cast<__mmask16>((1u << (n - i)) - 1) : 0xffff;
    const __m512i values = _mm512_maskz_loadu_epi32(real, x + i);
    const __mmask16 there = _mm512_test_epi32_mask(values, values);
    others |= _mm512_mask_cmpneq_epi32_mask(there, values, one);
    _mm512_storeu_si512(places + count, _mm512_maskz_compress_epi32(there, index));
    count += __builtin_popcount(there);
    index = _mm512_add_epi32(index, _mm512_set1_epi32(16));
  }
  other = others != 0;
#endif
  for (; i < n; ++i) {
    places[count] = static_cast<int32_t>(i);
    count += x[i] != 0;
    other |= (x[i] & ~1) != 0;
  }
  *ones = !other;
  return count;
}

// The same of bytes.
int64_t list_bytes(const int8_t* x, int64_t n, int32_t* places, bool* ones) {
  int64_t count = 0, i = 0;
  bool other = false;
#ifdef SNNC_AVX512
  const __m512i one = _mm512_set1_epi8(1);
  __mmask64 others = 0;
  for (; i < n; i += 64) {
    const __mmask64 real = n - i < 64 ? (uint64_t{1} << (n - i)) - 1 : ~uint64_t{0};
    const __m512i values = _mm512_maskz_loadu_epi8(real, x + i);
    const __mmask64 there = _mm512_test_epi8_mask(values, values);
    others |= _mm512_mask_cmpneq_epi8_mask(there, values, one);
    count += list_bits(there, static_cast<int32_t>(i), places + count);
  }
  other = others != 0;
#elif defined(SNNC_AVX2)
  const __m256i one = _mm256_set1_epi8(1), zero = _mm256_setzero_si256();
  for (; i + 32 <= n; i += 32) {
    const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i));
    const __m256i none = _mm256_cmpeq_epi8(values, zero);
    const __m256i known = _mm256_or_si256(none, _mm256_cmpeq_epi8(values, one));
    other |= _mm256_movemask_epi8(known) != -1;
    for (uint32_t mask = ~static_cast<uint32_t>(_mm256_movemask_epi8(none)); mask;
         mask &= mask - 1) {
      places[count++] = static_cast<int32_t>(i) + __builtin_ctz(mask);
    }
  }
#endif
  for (; i < n; ++i) {
    places[count] = static_cast<int32_t>(i);
    count += x[i] != 0;
    other |= (x[i] & ~1) != 0;
  }
  *ones = !other;
  return count;
}

#ifndef SNNC_AVX512
// Lists `first` and more where there is a spike.
int64_t list_spikes(const int32_t* spikes, int64_t n, int32_t first, int32_t* places) {
  int64_t count = 0, i = 0;
#ifdef SNNC_AVX2
  for (; i + 8 <= n; i += 8) {
    const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(spikes + i));
    const __m256i there = _mm256_slli_epi32(values, 31);
    int mask = _mm256_movemask_ps(_mm256_castsi256_ps(there));
    for (; mask; mask &= mask - 1) {
      places[count++] = first + static_cast<int32_t>(i) + __builtin_ctz(mask);
    }
  }
#endif
  for (; i < n; ++i) {
    places[count] = first + static_cast<int32_t>(i);
    count += spikes[i];
  }
  return count;
}
#endif

// a = or += sums * 2**(up - down), rounded down (1); sums become 0. For N of them.
template <int N, bool More, class S>
inline void gather_some(S* sums, int up, int down, int32_t* a) {
  typedef S From __attribute__((vector_size(N * sizeof(S)), aligned(2), may_alias));
  typedef int32_t Here __attribute__((vector_size(4 * N), aligned(4), may_alias));
  typedef int32_t Wide __attribute__((vector_size(4 * N)));
  typedef uint32_t Bits __attribute__((vector_size(4 * N)));
  Wide wide;
#if defined(SNNC_AVX512)
  if constexpr (N == 16 && sizeof(S) == 2) {
    const __m256i some = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums));
    wide = (Wide)_mm512_maskz_cvtepi16_epi32(0xffff, some);
  } else
#elif defined(SNNC_AVX2)
  if constexpr (N == 8 && sizeof(S) == 2) {
    const __m128i some = _mm_loadu_si128(reinterpret_cast<const __m128i*>(sums));
    wide = (Wide)_mm256_cvtepi16_epi32(some);
  } else
#endif
  {
    wide = __builtin_convertvector(*reinterpret_cast<const From*>(sums), Wide);
  }
  wide = (Wide)((Bits)wide << up) >> down;
  Here* into = reinterpret_cast<Here*>(a);
  *into = More ? *into + wide : wide;
  *reinterpret_cast<From*>(sums) = From{};
}

template <bool More, class S>
inline void gather_run(S* sums, int64_t n, int up, int down, int32_t* a) {
#ifdef SNNC_AVX512
  constexpr int lanes = 16;
#else
  constexpr int lanes = 8;
#endif
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) gather_some<lanes, More>(sums + i, up, down, a + i);
  for (; i < n; ++i) {
    const int32_t sum = static_cast<int32_t>(static_cast<uint32_t>(int32_t{sums[i]}) << up) >> down;
    a[i] = More ? a[i] + sum : sum;
    sums[i] = 0;
  }
}

template <bool More, class S>
inline void gather_rows(const Tally& t, S* sums, int64_t first, int64_t n, int up, int down,
                        int32_t* a) {
  if (t.run >= t.size) return gather_run<More>(sums + t.origin + first, n, up, down, a);
  int64_t row = first / t.run, column = first % t.run;
  S* plane = sums + t.origin + row / t.rows * t.plane;
  row %= t.rows;
  for (int64_t done = 0; done < n; column = 0) {
    const int64_t left = n - done, here = t.run - column < left ? t.run - column : left;
    gather_run<More>(plane + row * t.pitch + column, here, up, down, a + done);
    done += here;
    if (++row < t.rows) continue;
    row = 0;
    plane += t.plane;
  }
}

// Of neurons [first, first + n).
void gather(const Tally& t, void* sums, int64_t first, int64_t n, int up, int down, bool more,
            int32_t* a) {
  if (t.shorts) {
    int16_t* from = static_cast<int16_t*>(sums);
    if (more) return gather_rows<true>(t, from, first, n, up, down, a);
    return gather_rows<false>(t, from, first, n, up, down, a);
  }
  int32_t* from = static_cast<int32_t*>(sums);
  if (more) return gather_rows<true>(t, from, first, n, up, down, a);
  gather_rows<false>(t, from, first, n, up, down, a);
}
