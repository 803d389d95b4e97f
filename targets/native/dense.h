// A row of weights for every source element, so that an event adds one row up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "sparse.h"
#include "weights.h"

namespace snnc {

constexpr int64_t kLarge = int64_t{1} << 20;  // weights in full, from which on lists are kept

struct Extremes {
  int32_t least = 0, largest = 0;
  int64_t count = 0;  // of what is not 0
  bool odd = false;   // whether one is
  int32_t range() const { return largest - least; }
  // Whether bytes hold half of each.
  bool halves() const { return !odd && range() > 127; }
};

inline Extremes extremes_of(const SnncOperator& o, int64_t size) {
  Extremes e;
  for (int64_t i = 0; i < size; ++i) {
    const int32_t w = weight_at(o, i);
    e.least = std::min(e.least, w);
    e.largest = std::max(e.largest, w);
    e.count += w != 0;
    e.odd |= (w & 1) != 0;
  }
  return e;
}

// Bytes as kernels_dense.h has them, of a matrix or of lists.
class DenseWeights : public Weights {
 public:
  // `unit` is 1 where halves are held.
  DenseWeights(const SnncOperator& o, const Order& from, const Order& to, const Extremes& e,
               int unit, int64_t largest)
      : size_(volume(o.out)), unit_(unit), zero_(-e.least >> unit),
        pairs_(2 * (e.range() >> unit) <= 255), largest_(largest), stride_(padded(size_, 16)) {
    rows_.resize(volume(o.in) * stride_, static_cast<uint8_t>(zero_));
    std::vector<int64_t> column(size_);
    for (int64_t c = 0; c < size_; ++c) column[c] = byte_of(to.place(c));
    if (o.kind == kSparse) {
      fill_from_lists(o, from, column);
    } else {
      fill_from_matrix(o, from, column);
    }
  }
  void add(const Kernels& kernels, const Events& events, void* sums) const override {
    int32_t* into = static_cast<int32_t*>(sums);
    const int32_t* places = events.places.data();
    if (events.ones) {
      kernels.add_rows(rows(), places, events.count, into);
    } else {
      kernels.add_scaled_rows(rows(), places, events.values.data(), events.count, largest_, into);
    }
  }
  bool takes(const Events& events) const override {
    return events.ones && events.count <= kRowsOfBytes;
  }
  void take(const Kernels& kernels, const Events& events, int64_t first, int64_t count, int up,
            int down, bool more, int32_t* a) const override {
    kernels.take_rows(rows(), events.places.data(), events.count, first, padded(count, kLanes), up,
                      down, more, a);
  }
  // Spikes are not: to add up the rows of all takes about as long.
  bool multiplies(const Kernels& kernels) const override {
    return kernels.multiply && largest_ > 1 && largest_ < 128;
  }
  void multiply(const Kernels& kernels, const int8_t* bytes, int64_t pitch,
                int32_t* sums) const override {
    const int64_t count = static_cast<int64_t>(rows_.size()) / stride_;
    kernels.multiply(rows(), bytes, pitch, count, sums);
  }
  int64_t bytes() const override { return static_cast<int64_t>(rows_.size()); }
  Tally tally() const override { return packed(size_); }

 private:
  Rows rows() const { return {rows_.data(), stride_, zero_, unit_, pairs_}; }

  uint8_t byte_at(const SnncOperator& o, int64_t index) const {
    return static_cast<uint8_t>((weight_at(o, index) >> unit_) + zero_);
  }

  void fill_from_matrix(const SnncOperator& o, const Order& from,
                        const std::vector<int64_t>& column) {
    const int64_t in = volume(o.in);
    constexpr int64_t block = 64;  // both sides of the transposition stay in the cache
    for (int64_t c0 = 0; c0 < size_; c0 += block) {
      for (int64_t r0 = 0; r0 < in; r0 += block) {
        for (int64_t r = r0; r < std::min(r0 + block, in); ++r) {
          uint8_t* row = rows_.data() + from.place(r) * stride_;
          for (int64_t c = c0; c < std::min(c0 + block, size_); ++c) {
            row[column[c]] = byte_at(o, c * in + r);
          }
        }
      }
    }
  }

  void fill_from_lists(const SnncOperator& o, const Order& from,
                       const std::vector<int64_t>& column) {
    for (int64_t r = 0; r < volume(o.in); ++r) {
      uint8_t* row = rows_.data() + from.place(r) * stride_;
      for (int64_t k = o.begin[r]; k < o.begin[r + 1]; ++k) {
        row[column[o.index[k]]] = byte_at(o, k);
      }
    }
  }

  // Blocks of 64 columns, and one of 32 and of 16 behind them.
  int64_t byte_of(int64_t column) const {
    const int64_t whole = stride_ / 64 * 64;
    int64_t first = column / 64 * 64, block = 64;
    if (column >= whole) {
      first = whole;
      block = stride_ - whole >= 32 ? 32 : 16;
      if (column - first >= block) {
        first += block;
        block = 16;
      }
    }
    const int64_t in = column - first, half = block / 2;
    return first + (in < half ? 2 * in : 2 * (in - half) + 1);
  }

  int64_t size_;
  int unit_;
  int32_t zero_;
  bool pairs_;
  int64_t largest_;  // magnitude of a value that arrives
  int64_t stride_;
  Array<uint8_t> rows_;
};

// The weights of a source element that are not zero.
class ListedWeights : public Weights {
 public:
  ListedWeights(SynapseLists lists, int64_t size)
      : lists_(std::move(lists)), size_(size) {}

  void add(const Kernels&, const Events& events, void* sums) const override {
    if (shorts_) return lists_.add(sent(events), static_cast<int16_t*>(sums));
    lists_.add(sent(events), static_cast<int32_t*>(sums));
  }
  bool shares() const override { return true; }
  Share share(int64_t first, int64_t last) const override {
    return lists_.share(first, last);
  }
  void add_share(const Share& share, const Events& events, void* sums) const override {
    if (shorts_) return lists_.add_share(share, sent(events), static_cast<int16_t*>(sums));
    lists_.add_share(share, sent(events), static_cast<int32_t*>(sums));
  }
  int64_t largest_sum() const override { return lists_.largest_sum(); }
  void use_shorts() override { shorts_ = true; }
  int64_t bytes() const override { return lists_.bytes(); }
  Tally tally() const override { return packed(size_); }

 private:
  static Sent sent(const Events& events) {
    return {events.places.data(), events.ones ? nullptr : events.values.data(), events.count};
  }

  SynapseLists lists_;
  int64_t size_;
  bool shorts_ = false;
};

// One weight for each element.
class ScalingWeights : public Weights {
 public:
  ScalingWeights(const SnncOperator& o, const Order& from, const Order& to)
      : weights_(volume(o.in)), targets_(volume(o.in)) {
    for (int64_t i = 0; i < from.size(); ++i) {
      weights_[from.place(i)] = static_cast<int16_t>(weight_at(o, i));
      targets_[from.place(i)] = static_cast<int32_t>(to.place(i));
    }
  }
  void add(const Kernels&, const Events& events, void* sums) const override {
    int32_t* into = static_cast<int32_t*>(sums);
    for (int64_t k = 0; k < events.count; ++k) {
      const int32_t place = events.places[k];
      into[targets_[place]] += weights_[place] * events.value(k);
    }
  }
  bool shares() const override { return true; }
  void add_share(const Share& share, const Events& events, void* sums) const override {
    int32_t* into = static_cast<int32_t*>(sums);
    for (int64_t k = 0; k < events.count; ++k) {
      const int32_t place = events.places[k], target = targets_[place];
      if (target < share.first || target >= share.last) continue;
      into[target] += weights_[place] * events.value(k);
    }
  }
  int64_t bytes() const override { return static_cast<int64_t>(weights_.size() * 6); }
  Tally tally() const override { return packed(static_cast<int64_t>(weights_.size())); }

 private:
  std::vector<int16_t> weights_;
  std::vector<int32_t> targets_;
};

// Lists where no more than `few` of the weights are not zero. Lists of the network stay such, too,
// where rows would take much memory, or are so short that either takes as long, and where threads
// may share the neurons.
inline std::unique_ptr<Weights> dense_weights(const SnncOperator& o, const Order& from,
                                              const Order& to, int64_t largest,
                                              double few) {
  const int64_t out = volume(o.out), size = volume(o.in) * out;
  const bool lists = o.kind == kSparse;
  const Extremes e = extremes_of(o, lists ? o.begin[volume(o.in)] : size);
  const bool rows = !lists || (size < kLarge && out >= kChunk && out < kShared);
  const int unit = e.halves() && (largest < 64 || largest > 127) ? 1 : 0;
  if (!rows || e.count < few * size || e.range() >> unit > 255) {
    auto made = lists ? lists_of(o, from, to) : lists_of_matrix(o, from, to, e.count);
    return std::make_unique<ListedWeights>(std::move(made), to.size());
  }
  return std::make_unique<DenseWeights>(o, from, to, e, unit, largest);
}

}  // namespace snnc
