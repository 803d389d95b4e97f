// A layer of weights: what every form of them is to a projection.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine.h"
#include "events.h"
#include "levels.h"
#include "memory.h"

namespace snnc {

enum Kind : int32_t {
  kDense = 0,
  kScaling = 1,
  kConvolution = 2,
  kSumPool = 3,
  kMaxPool = 4,
  kSparse = 5,
};

constexpr int64_t kShared = 4096;  // neurons from which on threads may share a population
constexpr int64_t kPad = 64;  // sums stand in whole blocks of as many
inline int64_t padded(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// Sums one after the other.
inline Tally packed(int64_t size) {
  Tally t;
  t.size = t.run = size;
  t.room = padded(size, kPad);
  return t;
}

// A part of a list of `of` synapses.
struct Cut {
  int32_t begin, end, of;
};

// Neurons that a thread takes care of, and what it needs to find their weights.
struct Share {
  int64_t first, last;
  std::vector<std::vector<Cut>> cuts;  // of each block of lists of which it has a part
};

// Where a part of n neurons begins: whole vectors of them.
inline int64_t part_of(int64_t n, int64_t part, int64_t parts) {
  return part >= parts ? n : std::min(n, padded(n * part / parts, kLanes));
}

class Weights {
 public:
  static constexpr int64_t kUnknown = INT32_MAX;

  virtual ~Weights() = default;
  // Adds to sums that lie as tally() says.
  virtual void add(const Kernels& kernels, const Events& events, void* sums) const = 0;
  // Whether take() can give what these events add.
  virtual bool takes(const Events&) const { return false; }
  // Gives `count` sums from `first` on, a multiple of kChunk, times 2**(up - down): as many whole
  // vectors of 16 as hold them. They replace what is in `a`, or are added to it.
  virtual void take(const Kernels&, const Events&, int64_t first, int64_t count, int up, int down,
                    bool more, int32_t* a) const {
    (void)first, (void)count, (void)up, (void)down, (void)more, (void)a;
  }
  // Whether products with all values of a step may be faster than events.
  virtual bool multiplies(const Kernels&) const { return false; }
  // Those of kAhead steps, each of `pitch` bytes; gives sums one step after the other.
  virtual void multiply(const Kernels&, const int8_t*, int64_t, int32_t*) const {}
  // Whether threads can share the targets, and the same for those of one thread.
  virtual bool shares() const { return false; }
  virtual Share share(int64_t first, int64_t last) const { return {first, last, {}}; }
  virtual void add_share(const Share&, const Events&, void*) const {}
  // Magnitude of a sum when no source sends more than 1, where sums may have 16 bits, and has them
  // so from then on.
  virtual int64_t largest_sum() const { return kUnknown; }
  virtual void use_shorts() {}
  virtual int64_t bytes() const = 0;
  virtual Tally tally() const = 0;
};

inline int32_t weight_at(const SnncOperator& o, int64_t index) {
  return o.weight_bytes == 1 ? static_cast<const int8_t*>(o.weight)[index]
                             : static_cast<const int16_t*>(o.weight)[index];
}

}  // namespace snnc
