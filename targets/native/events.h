// What a source sent in a step, and the order in which its elements lie.
#pragma once

#include <cstdint>
#include <vector>

#include "engine.h"
#include "levels.h"

namespace snnc {

constexpr size_t kApart = 128;  // bytes: two lines of a cache, which are fetched in pairs

// Places in ascending order, and what is there. Memory is kept from step to step, so `places` and
// `values` are longer than the list is.
struct alignas(kApart) Events {
  std::vector<int32_t> places;
  std::vector<int32_t> values;
  int64_t count = 0;
  bool listed = true;  // false for an input that nobody has asked for
  bool ones = true;    // every value is 1, and `values` is not looked at

  void reserve(int64_t n) { places.resize(n + kLanes); }  // room for a vector behind the last
  void clear() {
    count = 0;
    ones = true;
  }
  int32_t value(int64_t k) const { return ones ? 1 : values[k]; }
};

inline int64_t volume(const int64_t shape[3]) { return shape[0] * shape[1] * shape[2]; }

// The order in which the elements of a value lie in memory: as in the network, [channel, row,
// column], or pixel by pixel, with the channels of a group running fastest.
class Order {
 public:
  explicit Order(int64_t size = 0) : size_(size) {}
  Order(const int64_t shape[3], int64_t groups)
      : size_(volume(shape)), channels_(shape[0] / groups), pixels_(shape[1] * shape[2]) {}

  int64_t size() const { return size_; }
  bool plain() const { return channels_ == 1 || pixels_ == 1; }
  bool operator==(const Order& o) const {
    if (plain() && o.plain()) return size_ == o.size_;
    return size_ == o.size_ && channels_ == o.channels_ && pixels_ == o.pixels_;
  }
  // Where an element of the network lies, and which element lies there.
  int64_t place(int64_t element) const {
    if (plain()) return element;
    const int64_t group = channels_ * pixels_, g = element / group, in = element % group;
    return g * group + in % pixels_ * channels_ + in / pixels_;
  }
  int64_t element(int64_t place) const {
    if (plain()) return place;
    const int64_t group = channels_ * pixels_, g = place / group, in = place % group;
    return g * group + in % channels_ * pixels_ + in / channels_;
  }

 private:
  int64_t size_;
  int64_t channels_ = 1;  // of a group
  int64_t pixels_ = 1;
};

// What is known of the values that a source sends.
struct Range {
  int64_t largest;  // magnitude
  bool negative;    // whether there may be negative ones
};

}  // namespace snnc
