// Part of kernels.h: rows of weights, added up.
//
// A weight is a byte, `zero` more than it is, and so not negative. A block of 2 N bytes holds N
// columns in its even bytes and the next N in its odd ones: two sums in 16 bits take two additions
// and a shift. Taken as words of 16 bits a block is even + 256 * odd, so what the even ones sum up
// to is the sum of the words less 256 times that of the odd ones, modulo 2**16.

constexpr int64_t kRowsOfBytes = 257;  // 257 * 255 is the last that 16 bits hold

#if defined(SNNC_AVX512)
constexpr int kWords = 32;  // of a vector
constexpr double kFewWeights = 0.025;  // measured: a row takes as long as a list of so many
#elif defined(SNNC_AVX2)
constexpr int kWords = 16;
constexpr double kFewWeights = 0.05;
#else
constexpr int kWords = 8;
constexpr double kFewWeights = 0.08;
#endif

template <int N>
struct Vector {
  static constexpr int words = N < kWords ? N : kWords;
  typedef uint16_t Memory __attribute__((vector_size(2 * words), aligned(1), may_alias));
  typedef uint16_t Sums __attribute__((vector_size(2 * words)));
};

// sums[c] += what the rows have at c, for `B` blocks of 2 N columns.
template <int N, int B>
inline void add_blocks(const uint8_t* rows, int64_t stride, int32_t zero, const int32_t* places,
                       int64_t count, int32_t* sums) {
  typedef typename Vector<N>::Memory Memory;
  typedef typename Vector<N>::Sums Sums;
  constexpr int words = Vector<N>::words, in_block = N / words, vectors = B * in_block;
  for (int64_t first = 0; first < count; first += kRowsOfBytes) {
    const int64_t last = count - first < kRowsOfBytes ? count : first + kRowsOfBytes;
    Sums all[vectors] = {}, odd[vectors] = {};
    for (int64_t k = first; k < last; ++k) {
      const Memory* row = reinterpret_cast<const Memory*>(rows + places[k] * stride);
      for (int j = 0; j < vectors; ++j) {
        const Sums two = row[j];
        all[j] += two;
        odd[j] += two >> 8;
      }
    }
    const int32_t zeros = static_cast<int32_t>(last - first) * zero;
    for (int j = 0; j < vectors; ++j) {
      const Sums even = all[j] - (odd[j] << 8);
      int32_t* into = sums + j / in_block * 2 * N + j % in_block * words;
      for (int i = 0; i < words; ++i) into[i] += even[i] - zeros;
      for (int i = 0; i < words; ++i) into[N + i] += odd[j][i] - zeros;
    }
  }
}

#if defined(SNNC_AVX512)
constexpr int kBlocks = 8;  // of 64 columns: half of the registers
#elif defined(SNNC_AVX2)
constexpr int kBlocks = 2;
#else
constexpr int kBlocks = 1;
#endif

// sums[c] += weights[r, c] over the rows r that spiked. The stride is a multiple of 16.
void add_rows(const uint8_t* rows, int64_t stride, int32_t zero, const int32_t* places,
              int64_t count, int32_t* sums) {
  int64_t c = 0;
  for (; c + 64 * kBlocks <= stride; c += 64 * kBlocks) {
    add_blocks<32, kBlocks>(rows + c, stride, zero, places, count, sums + c);
  }
  if (kBlocks > 4 && stride - c >= 256) {
    add_blocks<32, 4>(rows + c, stride, zero, places, count, sums + c);
    c += 256;
  }
  if (kBlocks > 2 && stride - c >= 128) {
    add_blocks<32, 2>(rows + c, stride, zero, places, count, sums + c);
    c += 128;
  }
  if (stride - c >= 64) {
    add_blocks<32, 1>(rows + c, stride, zero, places, count, sums + c);
    c += 64;
  }
  if (stride - c >= 32) {
    add_blocks<16, 1>(rows + c, stride, zero, places, count, sums + c);
    c += 32;
  }
  if (stride - c >= 16) add_blocks<8, 1>(rows + c, stride, zero, places, count, sums + c);
}

template <int N>
inline void add_scaled_block(const uint8_t* row, int32_t zero, int32_t value, int32_t* sums) {
  for (int i = 0; i < N; ++i) sums[i] += (row[2 * i] - zero) * value;
  for (int i = 0; i < N; ++i) sums[N + i] += (row[2 * i + 1] - zero) * value;
}

// sums[c] += weights[r, c] * value[r] over the rows r.
void add_scaled_rows(const uint8_t* rows, int64_t stride, int32_t zero, const int32_t* places,
                     const int32_t* values, int64_t count, int32_t* sums) {
  for (int64_t k = 0; k < count; ++k) {
    const uint8_t* row = rows + places[k] * stride;
    int64_t c = 0;
    for (; c + 64 <= stride; c += 64) add_scaled_block<32>(row + c, zero, values[k], sums + c);
    if (stride - c >= 32) {
      add_scaled_block<16>(row + c, zero, values[k], sums + c);
      c += 32;
    }
    if (stride - c >= 16) add_scaled_block<8>(row + c, zero, values[k], sums + c);
  }
}
