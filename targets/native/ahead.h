// Products of weights with the values of several steps of an input, where most are not 0.
//
// Values that enter are known before their step: so those of kAhead steps share what is loaded of
// the weights. Each time it is counted whether there are enough of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "projection.h"

namespace snnc {

constexpr int64_t kFewValues = 50;  // percent: events are faster at 30, products at 100, as measured

class Ahead {
 public:
  Ahead(const Projection& projection, int64_t inputs, const Kernels& kernels)
      : used_(projection.ahead(kernels)), size_(projection.tally().size) {
    if (!used_) return;
    pitch_ = padded(inputs, 4);
    stride_ = padded(size_, 16);
    bytes_.resize(kAhead * pitch_);
    sums_.resize(kAhead * stride_);
  }

  bool used() const { return used_; }
  void rest() { known_ = -1; }
  int64_t bytes() const { return held(bytes_) + held(sums_); }

  // Adds what step `t` of the input makes, if it is one of those that were multiplied: `x` are the
  // values of the step, and those of others are `apart` from it. Else gives false.
  template <class X>
  bool add(const Kernels& kernels, const Projection& projection, const X* x, int64_t n,
           int64_t apart, int64_t t, int64_t steps, int32_t* sums) {
    const int64_t first = t / kAhead * kAhead;
    if (known_ != first) {
      known_ = first;
      dense_ = first == t && t + kAhead <= steps && pack(x, n, apart);
      if (dense_) projection.weights().multiply(kernels, bytes_.data(), pitch_, sums_.data());
    }
    if (!dense_) return false;
    const int32_t* from = sums_.data() + (t - first) * stride_;
    for (int64_t i = 0; i < size_; ++i) sums[i] += from[i];
    return true;
  }

 private:
  // Tells whether there is enough that is not 0.
  template <class X>
  bool pack(const X* x, int64_t n, int64_t apart) {
    int64_t count = 0;
    for (int64_t s = 0; s < kAhead; ++s, x += apart) {
      int8_t* into = bytes_.data() + s * pitch_;
      int32_t some = 0;
      for (int64_t i = 0; i < n; ++i) {
        into[i] = static_cast<int8_t>(x[i]);
        some += x[i] != 0;
      }
      count += some;
    }
    return 100 * count > kFewValues * kAhead * n;
  }

  bool used_;
  int64_t size_, pitch_ = 0, stride_ = 0;
  int64_t known_ = -1;  // first of the steps that were looked at last
  bool dense_ = false;
  std::vector<int8_t> bytes_;
  std::vector<int32_t> sums_;
};

}  // namespace snnc
