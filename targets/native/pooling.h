// Pooling that is computed as such: values, the channels of which run fastest.
#pragma once

#include <cstdint>
#include <vector>

#include "weights.h"

namespace snnc {

inline Sweep sweep_of(const SnncOperator& o) {
  Sweep s = {};
  for (int axis = 0; axis < 2; ++axis) {
    s.in[axis] = o.in[axis + 1];
    s.out[axis] = o.out[axis + 1];
    s.kernel[axis] = o.kernel[axis];
    s.stride[axis] = o.stride[axis];
    s.before[axis] = o.before[axis];
    s.dilation[axis] = o.dilation[axis];
  }
  s.channels = o.out[0];
  return s;
}

// One pooling after the other.
class Pools {
 public:
  void append(const SnncOperator& o) {
    steps_.push_back({o.kind == kMaxPool, sweep_of(o)});
    if (steps_.size() == 1) in_ = Order(o.in, 1);
    out_ = Order(o.out, 1);
    largest_ = std::max({largest_, volume(o.in), volume(o.out)});
  }
  bool empty() const { return steps_.empty(); }
  const Order& in() const { return in_; }
  const Order& out() const { return out_; }
  int64_t largest() const { return largest_; }  // elements of a value on the way

  // Gives where the result lies: in one of the two, each of `largest()` elements.
  const int32_t* apply(const Kernels& kernels, const int32_t* x, int32_t* one,
                       int32_t* other) const {
    for (const Step& step : steps_) {
      kernels.pool(step.largest, step.sweep, x, one);
      x = one;
      std::swap(one, other);
    }
    return x;
  }

 private:
  struct Step {
    bool largest;
    Sweep sweep;
  };
  std::vector<Step> steps_;
  Order in_, out_;
  int64_t largest_ = 0;
};

}  // namespace snnc
