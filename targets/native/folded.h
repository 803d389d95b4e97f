// A convolution, with the pooled sums around it, as one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "weights.h"
#include "windows.h"

namespace snnc {

constexpr int64_t kFew = 1 << 18;  // bytes of kernels that are no matter

// Holds pointers to the operators, so only until weights are made of it.
class Folded {
 public:
  // `operators` from `first` to `last` are one convolution and pooled sums around it.
  Folded(const SnncOperator* operators, int32_t first, int32_t last, int32_t weighted,
         const Range& range)
      : source(operators[first]), target(operators[last - 1]), weights(operators[weighted]),
        rows(reach(operators, first, last, weighted, 0)),
        columns(reach(operators, first, last, weighted, 1)), plain(last - first == 1),
        channels(weights.out[0] / weights.groups) {
    int64_t ways = range.largest;
    for (int32_t k = first; k < last; ++k) {
      if (k != weighted) ways *= operators[k].kernel[0] * operators[k].kernel[1];
    }
    shorts = largest_sum(range.negative) <= std::numeric_limits<int16_t>::max() / ways;
  }

  const SnncOperator &source, &target, &weights;
  const Reach rows, columns;
  const bool plain;        // whether nothing is pooled
  const int64_t channels;  // of a group of targets
  bool shorts;             // whether 16 bits hold every sum

  int64_t weight_bytes() const { return weights.out[0] * taps() * weights.weight_bytes; }
  // Whether so many bytes of kernels are little more than the weights.
  bool worth(int64_t bytes) const { return bytes <= kFew || 2 * bytes <= 3 * weight_bytes(); }

  // Adds what an element of a channel adds to the targets of a pixel that it reaches in so many
  // ways, by row and column of the kernel.
  void add_taps(const int32_t* of_rows, const int32_t* of_columns, int64_t channel,
                int32_t* into) const {
    const SnncOperator& o = weights;
    const int64_t group_in = o.in[0] / o.groups, kernel = o.kernel[0] * o.kernel[1];
    const int64_t first = channel / group_in * channels;
    for (int64_t i = 0; i < o.kernel[0]; ++i) {
      for (int64_t j = 0; j < o.kernel[1]; ++j) {
        const int32_t ways = of_rows[i] * of_columns[j];
        for (int64_t k = 0; ways && k < channels; ++k) {
          const int64_t at = (first + k) * group_in + channel % group_in;
          into[k] += ways * weight_at(o, at * kernel + i * o.kernel[1] + j);
        }
      }
    }
  }

 private:
  static Reach reach(const SnncOperator* operators, int32_t first, int32_t last, int32_t weighted,
                     int axis) {
    std::vector<Axis> chain;
    for (int32_t k = first; k < last; ++k) chain.emplace_back(operators[k], axis);
    return Reach(chain, weighted - first);
  }

  int64_t taps() const {
    return weights.in[0] / weights.groups * weights.kernel[0] * weights.kernel[1];
  }

  // Bound of the sums of a channel for inputs of 1.
  int64_t largest_sum(bool negative) const {
    int64_t largest = 1;
    for (int64_t c = 0; c < weights.out[0]; ++c) {
      int64_t above = 0, below = 0;
      for (int64_t t = 0; t < taps(); ++t) {
        const int32_t w = weight_at(weights, c * taps() + t);
        (w > 0 ? above : below) += w > 0 ? w : -w;
      }
      largest = std::max(largest, negative ? above + below : std::max(above, below));
    }
    return largest;
  }
};

// Kernels, of 8 bits where all fit them.
class Folds {
 public:
  void reserve(int64_t size) { words_.reserve(size); }
  // Appends a kernel, which has to fit 16 bits.
  void append(const std::vector<int32_t>& made) {
    for (const int32_t w : made) {
      wide_ = wide_ || w != static_cast<int8_t>(w);
      fits_ = fits_ && w == static_cast<int16_t>(w);
      words_.push_back(static_cast<int16_t>(w));
    }
  }
  void finish() {
    if (wide_) return;
    bytes_.assign(words_.begin(), words_.end());
    Array<int16_t>().swap(words_);
  }

  bool fits() const { return fits_; }
  bool wide() const { return wide_; }  // whether they have 16 bits
  const void* data() const {
    return wide_ ? static_cast<const void*>(words_.data()) : bytes_.data();
  }
  int64_t bytes() const { return static_cast<int64_t>(bytes_.size() + 2 * words_.size()); }

 private:
  bool fits_ = true, wide_ = false;
  Array<int16_t> words_;
  Array<int8_t> bytes_;
};

}  // namespace snnc
