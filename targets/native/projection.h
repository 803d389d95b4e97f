// A projection: what the events of a source become as synaptic input of a population.
//
// Only what is not zero is looked at. Pooled sums around a convolution are part of its kernels.
// Other pooling before the weights makes another list of events; pooling behind them is of sums
// that are kept apart until then.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "bands.h"
#include "convolution.h"
#include "dense.h"
#include "engine.h"
#include "events.h"
#include "pooling.h"
#include "weights.h"

namespace snnc {

// Memory that a worker needs for a projection. What it holds between two steps is zero in `x` and
// `sums`.
struct Scratch {
  std::vector<int32_t> x;     // a value before it is pooled
  Array<int32_t> sums;  // what the weights make, where it is to be pooled or put in order
  std::vector<int32_t> gathered, ordered;
  std::vector<int32_t> pooled[2];  // in turns
  Events events;

  int64_t bytes() const {
    return held(x) + held(sums) + held(gathered) + held(ordered) + held(pooled[0]) +
           held(pooled[1]) + held(events.places) + held(events.values);
  }
};

inline bool pools(const SnncOperator& o) { return o.kind == kSumPool || o.kind == kMaxPool; }

// The operator with weights.
inline int32_t weighted_of(const SnncProjection& p) {
  int32_t k = 0;
  while (pools(p.operators[k])) ++k;
  return k;
}

class Projection {
 public:
  Projection(const SnncProjection& p, const Order& from, const Order& to, Range range,
             const Kernels& kernels)
      : source(p.source), target(p.target), delay(p.delay), exponent(p.weight_exp) {
    const int32_t w = weighted_of(p);
    if (p.operators[w].kind == kConvolution) {
      convolution(p, w, from, to, range);
    } else {
      matrix(p, w, from, to, range, kernels);
    }
  }

  const int32_t source;
  const int32_t target;
  const int32_t delay;
  const int32_t exponent;

  // Whether sums lie in a way of their own, and not one after the other as the neurons do.
  bool apart() const { return direct_ && apart_; }
  // Whether threads can share the targets.
  bool shares() const { return shares_; }
  Share share(int64_t first, int64_t last) const { return weights_->share(first, last); }
  Tally tally() const { return apart() ? weights_->tally() : packed(size_); }
  int64_t bytes() const {
    return weights_->bytes() + held(scatter_) + held(order_) + held(places_);
  }

  Scratch scratch() const {
    Scratch s;
    const int64_t largest = std::max(before_.largest(), behind_.largest());
    for (auto& pooled : s.pooled) pooled.resize(largest);
    if (!before_.empty()) {
      s.x.resize(before_.in().size());
      s.events.reserve(before_.out().size());
      s.events.values.resize(before_.out().size());
    }
    if (!direct_) {
      const Tally t = weights_->tally();
      s.sums.resize(t.shorts ? t.room / 2 : t.room);
      s.gathered.resize(t.size);
      s.ordered.resize(order_.empty() ? 0 : t.size);
    }
    return s;
  }

  // Whether sums of several steps of an input may be made at once.
  bool ahead(const Kernels& kernels) const {
    return direct_ && before_.empty() && weights_->multiplies(kernels);
  }
  const Weights& weights() const { return *weights_; }
  // Magnitude of a sum, where it may have 16 bits; above them where it may not.
  int64_t largest_sum() const {
    const int64_t largest = weights_->largest_sum();
    const bool unknown = !direct_ || largest > INT16_MAX || largest_ > INT16_MAX;
    return unknown ? Weights::kUnknown : largest * largest_;
  }
  void use_shorts() { weights_->use_shorts(); }
  // The same as add() for the targets of a share.
  void add_share(const Share& share, const Events& sent, void* sums) const {
    if (sent.count != 0) weights_->add_share(share, sent, sums);
  }

  // Whether what was sent can become synaptic input at once, without sums that are kept.
  bool takes(const Events& sent) const {
    return direct_ && before_.empty() && weights_->takes(sent);
  }

  // Adds to sums that lie as tally() says.
  void add(const Kernels& kernels, const Events& sent, Scratch& s, void* sums) const {
    const Events& events = before_.empty() ? sent : pooled(kernels, sent, s);
    if (events.count == 0) return;
    if (direct_) return weights_->add(kernels, events, sums);
    weights_->add(kernels, events, s.sums.data());
    add_behind(kernels, s, static_cast<int32_t*>(sums));
  }

 private:
  void append(const SnncProjection& p, int32_t first, int32_t last, Pools& pools) {
    for (int32_t k = first; k < last; ++k) pools.append(p.operators[k]);
  }

  void matrix(const SnncProjection& p, int32_t w, const Order& from, const Order& to,
              const Range& range, const Kernels& kernels) {
    const SnncOperator& o = p.operators[w];
    append(p, 0, w, before_);
    append(p, w + 1, p.operator_count, behind_);
    const Order in = before_.empty() ? from : before_.out();
    const Order out = behind_.empty() ? to : behind_.in();
    scatter(from);
    largest_ = pooled_largest(p, w, range);
    if (o.kind == kDense || o.kind == kSparse) {
      weights_ = dense_weights(o, in, out, largest_, kernels.few);
    } else {
      weights_ = std::make_unique<ScalingWeights>(o, in, out);
    }
    finish(out, to);
  }

  // Magnitude of the values behind the first `count` operators.
  static int64_t pooled_largest(const SnncProjection& p, int32_t count, const Range& range) {
    int64_t largest = range.largest;
    for (int32_t k = 0; k < count; ++k) {
      const SnncOperator& o = p.operators[k];
      if (o.kind == kSumPool) largest *= o.kernel[0] * o.kernel[1];
    }
    return largest;
  }

  // With as much of the pooling as pays.
  void convolution(const SnncProjection& p, int32_t w, const Order& from, const Order& to,
                   const Range& range) {
    int32_t b = w, e = w + 1;
    while (b > 0 && p.operators[b - 1].kind == kSumPool) --b;
    while (e < p.operator_count && p.operators[e].kind == kSumPool) ++e;
    const int32_t ways[4][2] = {{b, e}, {w, e}, {b, w + 1}, {w, w + 1}};
    for (const auto& way : ways) {
      before_ = behind_ = Pools();
      append(p, 0, way[0], before_);
      append(p, way[1], p.operator_count, behind_);
      const Range in = {pooled_largest(p, way[0], range), range.negative};
      const Folded folded(p.operators, way[0], way[1], w, in);
      weights_ = convolution_weights(folded, before_.empty() ? from : before_.out());
      if (!weights_) continue;
      apart_ = true;
      scatter(from);
      finish(Order(p.operators[way[1] - 1].out, p.operators[w].groups), to);
      return;
    }
  }

  void scatter(const Order& from) {
    if (before_.empty()) return;
    scatter_.resize(from.size());
    for (int64_t e = 0; e < from.size(); ++e) {
      scatter_[from.place(e)] = static_cast<int32_t>(before_.in().place(e));
    }
  }

  // `out` is the order of what the weights make.
  void finish(const Order& out, const Order& to) {
    size_ = to.size();
    direct_ = behind_.empty() && out == to;
    shares_ = direct_ && before_.empty() && to.plain() && weights_->shares();
    if (direct_) return;
    const Order result = behind_.empty() ? out : behind_.out();
    if (!behind_.empty() && !(behind_.in() == out)) {
      order_.resize(out.size());
      for (int64_t e = 0; e < out.size(); ++e) {
        order_[out.place(e)] = static_cast<int32_t>(behind_.in().place(e));
      }
    }
    places_.resize(size_);
    for (int64_t e = 0; e < size_; ++e) {
      places_[result.place(e)] = static_cast<int32_t>(to.place(e));
    }
  }

  const Events& pooled(const Kernels& kernels, const Events& sent, Scratch& s) const {
    for (int64_t k = 0; k < sent.count; ++k) s.x[scatter_[sent.places[k]]] = sent.value(k);
    const int32_t* y =
        before_.apply(kernels, s.x.data(), s.pooled[0].data(), s.pooled[1].data());
    for (int64_t k = 0; k < sent.count; ++k) s.x[scatter_[sent.places[k]]] = 0;
    list(kernels, y, before_.out().size(), s.events);
    return s.events;
  }

  void add_behind(const Kernels& kernels, Scratch& s, int32_t* sums) const {
    const Tally t = weights_->tally();
    const int32_t* y = s.gathered.data();
    kernels.gather(t, s.sums.data(), 0, t.size, 0, 0, false, s.gathered.data());
    if (!order_.empty()) {
      for (int64_t k = 0; k < t.size; ++k) s.ordered[order_[k]] = y[k];
      y = s.ordered.data();
    }
    y = behind_.apply(kernels, y, s.pooled[0].data(), s.pooled[1].data());
    for (int64_t k = 0; k < size_; ++k) sums[places_[k]] += y[k];
  }

 public:
  // Of values of 1 or 4 bytes.
  template <class X>
  static void list(const Kernels& kernels, const X* x, int64_t n, Events& events) {
    if constexpr (sizeof(X) == 1) {
      events.count = kernels.list_bytes(x, n, events.places.data(), &events.ones);
    } else {
      events.count = kernels.list_values(x, n, events.places.data(), &events.ones);
    }
    if (events.ones) return;
    for (int64_t k = 0; k < events.count; ++k) events.values[k] = x[events.places[k]];
  }

 private:
  Pools before_;
  std::unique_ptr<Weights> weights_;
  Pools behind_;
  bool direct_ = true;   // sums are those of the population
  bool shares_ = false;
  bool apart_ = false;
  int64_t size_ = 0;
  int64_t largest_ = 0;  // magnitude of a value that arrives at weights of a matrix
  std::vector<int32_t> scatter_;  // from the source's order to that of pooling
  std::vector<int32_t> order_;    // from the order of the weights' sums to that of pooling
  std::vector<int32_t> places_;   // from there to the neurons
};

}  // namespace snnc
