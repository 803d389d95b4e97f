// What one core of this machine can do at most: prints a line of JSON. Each figure is the best of
// several tries, by the processor time of the thread.
//
// Compiled by roofline.py with -O3 -march=native; where the machine has no int8 dot product, that
// figure is 0.
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
#if defined(__AVX512VNNI__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace {

double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

template <class Work>
double best(int tries, Work work) {
  double least = 1e9;
  for (int i = 0; i < tries; i++) {
    double begin = now();
    work();
    least = std::min(least, now() - begin);
  }
  return least;
}

// An optimizer must think that this reads what p points to.
void used(const void* p) { asm volatile("" : : "r"(p) : "memory"); }

uint64_t drawn(uint64_t& state) {  // xorshift64
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

template <class T>
T* pages(size_t count) {
  size_t bytes = (count * sizeof(T) + (2 << 20)) & ~static_cast<size_t>((2 << 20) - 1);
  void* p = std::aligned_alloc(2 << 20, bytes);
  if (p == nullptr) std::exit(1);
#ifdef MADV_HUGEPAGE
  madvise(p, bytes, MADV_HUGEPAGE);
#endif
  std::memset(p, 1, bytes);
  return static_cast<T*>(p);
}

typedef uint64_t Words __attribute__((vector_size(64)));
typedef int8_t Bytes32 __attribute__((vector_size(32)));
typedef uint8_t Bytes64 __attribute__((vector_size(64)));
typedef uint16_t Lanes32 __attribute__((vector_size(64)));
typedef int16_t Shorts32 __attribute__((vector_size(64)));

// Bytes a second that are read from a block of this size.
double read_bandwidth(size_t bytes) {
  size_t count = bytes / sizeof(Words);
  Words* block = pages<Words>(count);
  size_t passes = std::max<size_t>(1, (64 << 20) / bytes);
  double seconds = best(7, [&] {
    Words a{}, b{}, c{}, d{};
    for (size_t pass = 0; pass < passes; pass++) {
      for (size_t i = 0; i + 4 <= count; i += 4) {
        a ^= block[i];
        b ^= block[i + 1];
        c ^= block[i + 2];
        d ^= block[i + 3];
      }
      used(block);
    }
    a ^= b ^ c ^ d;
    used(&a);
  });
  std::free(block);
  return static_cast<double>(passes) * static_cast<double>(count * sizeof(Words)) / seconds;
}

// Weights a second of rows of 256 int8 weights that are added up in int16 in registers. The matrix
// is the first one of the MLP, of which a tenth of the rows is added.
double row_adds() {
  const int inputs = 784, active = 78, steps = 4000;
  Bytes32* weights = pages<Bytes32>(inputs * 8);
  std::vector<int> rows(active);
  uint64_t state = 88172645463325252ull;
  for (int& row : rows) row = static_cast<int>(drawn(state) % inputs);
  std::sort(rows.begin(), rows.end());
  double seconds = best(9, [&] {
    for (int step = 0; step < steps; step++) {
      Shorts32 sums[8] = {};
      for (int row : rows) {
        const Bytes32* w = weights + 8 * row;
#pragma GCC unroll 8
        for (int k = 0; k < 8; k++) sums[k] += __builtin_convertvector(w[k], Shorts32);
      }
      used(sums);
    }
  });
  std::free(weights);
  return 256.0 * active * steps / seconds;
}

// The same of weights so narrow that those of two rows are added as bytes first: then the bytes at
// odd places and those at even places are added up in lanes of 16 bits.
double pair_adds() {
  const int inputs = 784, active = 78, steps = 4000;
  Bytes64* weights = pages<Bytes64>(inputs * 4);
  std::vector<int> rows(active);
  uint64_t state = 88172645463325252ull;
  for (int& row : rows) row = static_cast<int>(drawn(state) % inputs);
  std::sort(rows.begin(), rows.end());
  double seconds = best(9, [&] {
    for (int step = 0; step < steps; step++) {
      Lanes32 sums[8] = {};
      for (int i = 0; i < active; i += 2) {
        const Bytes64 *a = weights + 4 * rows[i], *b = weights + 4 * rows[i + 1];
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
          const Lanes32 both = reinterpret_cast<Lanes32>(a[k] + b[k]);
          sums[2 * k] += both;
          sums[2 * k + 1] += both >> 8;
        }
      }
      used(sums);
    }
  });
  std::free(weights);
  return 256.0 * active * steps / seconds;
}

// Products of int8 a second that are added up in int32 in registers.
double dot_products() {
#ifdef __AVX512VNNI__
  const int64_t turns = 4000000;
  __m512i sums[8];
  for (auto& sum : sums) sum = _mm512_setzero_si512();
  const __m512i a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(3);
  double seconds = best(7, [&] {
    for (int64_t i = 0; i < turns; i++) {
#pragma GCC unroll 8
      for (int k = 0; k < 8; k++) sums[k] = _mm512_dpbusd_epi32(sums[k], a, b);
      asm volatile("" : "+v"(sums[0]), "+v"(sums[1]), "+v"(sums[2]), "+v"(sums[3]));
      asm volatile("" : "+v"(sums[4]), "+v"(sums[5]), "+v"(sums[6]), "+v"(sums[7]));
    }
  });
  used(sums);
  return 8.0 * 64.0 * static_cast<double>(turns) / seconds;
#else
  return 0.0;
#endif
}

// Adds the synapses of `sources` to sums: of each `fan` targets of 16 bits, and weights.
void scatter(const std::vector<int>& sources, const uint8_t* lists, size_t stride, int fan,
             int16_t* sums) {
  const size_t ahead = 8;
  for (size_t k = 0; k < sources.size(); k++) {
    if (k + ahead < sources.size()) {
      const uint8_t* next = lists + static_cast<size_t>(sources[k + ahead]) * stride;
      for (size_t line = 0; line < stride; line += 64) __builtin_prefetch(next + line, 0, 2);
    }
    const uint8_t* list = lists + static_cast<size_t>(sources[k]) * stride;
    const uint16_t* targets = reinterpret_cast<const uint16_t*>(list);
    const int8_t* weights = reinterpret_cast<const int8_t*>(targets + fan);
    int e = 0;
    for (; e + 4 <= fan; e += 4) {  // four targets are read before a sum is written
      const int t[4] = {targets[e], targets[e + 1], targets[e + 2], targets[e + 3]};
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++) sums[t[j]] += weights[e + j];
    }
    for (; e < fan; e++) sums[targets[e]] += weights[e];
  }
}

// Synapses a second that are added to one of n targets each: lists of 100, of 4 % of n sources, in
// order, fetched ahead. More targets than 16 bits tell apart are two blocks with lists of 50.
double scatter_adds(int n) {
  const int blocks = n > 65536 ? 2 : 1, fan = 100 / blocks, steps = std::max(4, 400000 / n);
  const size_t stride = (3 * fan + 31) / 32 * 32, block = stride * n;
  uint8_t* lists = pages<uint8_t>(block * blocks);
  int16_t* sums = pages<int16_t>(n);
  uint64_t state = 88172645463325252ull;
  const int stretch = n / 100;
  for (size_t list = 0; list < static_cast<size_t>(n) * blocks; list++) {
    uint16_t* targets = reinterpret_cast<uint16_t*>(lists + list * stride);
    for (int e = 0; e < fan; e++) targets[e] = e * stretch + drawn(state) % stretch;
    std::memset(targets + fan, 3, fan);
  }
  double least = 1e9;
  for (int attempt = 0; attempt < 9; attempt++) {
    std::vector<std::vector<int>> spikes(steps);
    int64_t count = 0;
    for (auto& list : spikes) {
      for (int i = 0; i < n; i++)
        if (drawn(state) % 25 == 0) list.push_back(i);
      count += static_cast<int64_t>(list.size());
    }
    double begin = now();
    for (const auto& list : spikes) {
      for (int b = 0; b < blocks; b++)
        scatter(list, lists + b * block, stride, fan, sums + b * (n / blocks));
      used(sums);
    }
    least = std::min(least, (now() - begin) / static_cast<double>(count * 100));
  }
  std::free(lists);
  std::free(sums);
  return 1 / least;
}

// Neurons a second that take a step: decay, input, bias, clip, threshold, reset, input cleared.
double neuron_steps(int n) {
  const int steps = std::max(8, 8000000 / n);
  int32_t *v = pages<int32_t>(n), *arriving = pages<int32_t>(n), *bias = pages<int32_t>(n);
  uint8_t* spikes = pages<uint8_t>(n);
  for (int i = 0; i < n; i++) bias[i] = 1500 + i % 2500;
  const int32_t keep = 4056, theta = 64000, limit = (1 << 23) - 1;
  double seconds = best(7, [&] {
    for (int step = 0; step < steps; step++) {
      for (int i = 0; i < n; i++) {
        int32_t size = v[i] < 0 ? -v[i] : v[i];
        int32_t kept = (size >> 12) * keep + (((size & 4095) * keep) >> 12);
        int32_t sum = (v[i] < 0 ? -kept : kept) + 64 * arriving[i] + bias[i];
        sum = sum > limit ? limit : sum < -limit ? -limit : sum;
        bool spike = sum > theta;
        v[i] = spike ? 0 : sum;
        arriving[i] = 0;
        spikes[i] = spike;
      }
      used(v);
      used(arriving);
    }
  });
  std::free(v);
  std::free(arriving);
  std::free(bias);
  std::free(spikes);
  return static_cast<double>(n) * steps / seconds;
}

}  // namespace

int main(int, char** given) {
  // the caller says how large the caches are
  const char* names[] = {"read_L1", "read_L2", "read_L3", "read_DRAM"};
  std::printf("{");
  for (int i = 0; i < 4; i++) {
    double bytes = std::atof(given[1 + i]);
    std::printf("\"%s\": %.4g, ", names[i], read_bandwidth(static_cast<size_t>(bytes)));
  }
  std::printf("\"row_adds\": %.4g, \"pair_adds\": %.4g, \"dot_products\": %.4g", row_adds(),
              pair_adds(), dot_products());
  for (int n : {1000, 10000, 100000})
    std::printf(", \"scatter_adds_%d\": %.4g, \"neuron_steps_%d\": %.4g", n, scatter_adds(n), n,
                neuron_steps(n));
  std::printf("}\n");
}
