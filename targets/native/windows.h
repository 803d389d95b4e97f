// Windows that move one behind the other along an axis, as one.
//
// Pooled sums are sums of weights: what an input element adds to a place behind pooling is the sum
// of the weights on all ways there. A convolution with pooling around it so is one with larger
// kernels, of which there is one for each phase of the strides, and some at the edges where a
// window in the middle would leave its value.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "engine.h"

namespace snnc {

// A window on one axis.
struct Axis {
  int64_t in, out, kernel, stride, before, dilation;

  Axis(const SnncOperator& o, int axis)
      : in(o.in[axis + 1]), out(o.out[axis + 1]), kernel(o.kernel[axis]), stride(o.stride[axis]),
        before(o.before[axis]), dilation(o.dilation[axis]) {}
};

// What an element of the input reaches: for each position from `first` on, and each element of
// the kernel with weights, the number of ways.
struct Pattern {
  int64_t span = 0;            // positions
  std::vector<int32_t> ways;   // [span, kernel]

  bool operator<(const Pattern& o) const {
    return span != o.span ? span < o.span : ways < o.ways;
  }
};

// The patterns along an axis, and which of them each input element has.
class Reach {
 public:
  // `weighted` is the number of the window with weights among `chain`.
  Reach(const std::vector<Axis>& chain, size_t weighted)
      : chain_(chain), weighted_(weighted), out_(chain.back().out),
        kernel_(chain[weighted].kernel) {
    const Bounds loose = find(kNone) ? kNone : kBetween;
    if (loose == kBetween) find(loose);
    const size_t size = patterns_.size() * span_;
    if (span_ <= out_) return;  // else most of what is reached is no place at all
    find(kAll);
    if (patterns_.size() * span_ > size) find(loose);
  }

  struct At {
    int32_t pattern;  // below 0 where nothing is reached
    int64_t first;    // position
  };
  const std::vector<At>& elements() const { return elements_; }
  const std::vector<Pattern>& patterns() const { return patterns_; }
  int64_t span() const { return span_; }  // of the longest pattern
  // Positions before the first and all in all that patterns cover.
  int64_t margin() const { return margin_; }
  int64_t extent() const { return extent_; }
  int64_t kernel() const { return kernel_; }
  // Input elements from a position to the next.
  int64_t stride() const {
    int64_t stride = 1;
    for (const Axis& w : chain_) stride *= w.stride;
    return stride;
  }
  // Positions of a pattern, from the first on, that some element of the input adds to.
  std::vector<bool> used() const {
    std::vector<bool> found(span_);
    for (const Pattern& p : patterns_) {
      for (int64_t k = 0; k < p.span * kernel_; ++k) {
        if (p.ways[k]) found[k / kernel_] = true;
      }
    }
    return found;
  }

 private:
  struct Way {
    int64_t position;
    int64_t element;
  };

  // Which windows of the chain have no positions before their first and behind their last. There
  // is a margin for what the last one has there.
  enum Bounds { kNone, kBetween, kAll };

  // Gives whether no way to a position that counts comes from one that does not.
  bool find(Bounds bounds) {
    elements_.clear();
    patterns_.clear();
    std::map<Pattern, int32_t> known;
    margin_ = span_ = 0;
    extent_ = out_;
    bool right = true;
    for (int64_t y = 0; y < chain_.front().in; ++y) {
      std::vector<Way> ways, real;
      follow(0, y, -1, bounds, ways);
      follow(0, y, -1, kAll, real);
      const auto counts = [&](const Way& w) { return w.position >= 0 && w.position < out_; };
      right = right && std::count_if(ways.begin(), ways.end(), counts) ==
                           static_cast<int64_t>(real.size());
      if (ways.empty()) {
        elements_.push_back({-1, 0});
        continue;
      }
      int64_t first = ways.front().position, last = first;
      for (const Way& w : ways) {
        first = std::min(first, w.position);
        last = std::max(last, w.position);
      }
      Pattern p;
      p.span = last - first + 1;
      p.ways.resize(p.span * kernel_);
      for (const Way& w : ways) ++p.ways[(w.position - first) * kernel_ + w.element];
      const auto found = known.emplace(p, static_cast<int32_t>(patterns_.size()));
      if (found.second) patterns_.push_back(p);
      elements_.push_back({found.first->second, first});
      span_ = std::max(span_, p.span);
      margin_ = std::max(margin_, -first);
    }
    for (const At& at : elements_) {
      if (at.pattern >= 0) extent_ = std::max(extent_, at.first + span_);
    }
    extent_ += margin_;
    return right;
  }

  void follow(size_t k, int64_t y, int64_t element, Bounds bounds, std::vector<Way>& ways) const {
    if (k == chain_.size()) return ways.push_back({y, element});
    const Axis& w = chain_[k];
    for (int64_t e = 0; e < w.kernel; ++e) {
      const int64_t at = y + w.before - e * w.dilation;
      if (at % w.stride) continue;
      const int64_t position = at / w.stride;
      const bool bound = bounds == kAll || (bounds == kBetween && k + 1 < chain_.size());
      if (bound && (position < 0 || position >= w.out)) continue;
      follow(k + 1, position, k == weighted_ ? e : element, bounds, ways);
    }
  }

  std::vector<Axis> chain_;
  size_t weighted_;
  int64_t out_, kernel_;
  std::vector<At> elements_;
  std::vector<Pattern> patterns_;
  int64_t span_ = 0, margin_ = 0, extent_ = 0;
};

}  // namespace snnc
