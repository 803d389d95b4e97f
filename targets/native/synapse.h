// A projection: what the events of a source become as synaptic input of a population.
//
// Only what is not zero is looked at. A source's step is a list of events; pooling before the
// weights makes another list, the weights make a sum for each place, pooling behind them makes
// fewer, and the sum is shifted and added to the input of the population.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine.h"
#include "levels.h"
#include "sparse.h"

namespace snnc {

// What was sent in a step: places in ascending order, and what is there. Memory is kept from step
// to step, so `places` and `values` are longer than the list is.
struct Events {
  std::vector<int32_t> places;
  std::vector<int32_t> values;
  int64_t count = 0;
  bool ones = true;  // every value is 1, and `values` is not looked at

  void reserve(int64_t n) {
    places.resize(n + 16);  // room for a whole vector behind the last
  }
  void clear() {
    count = 0;
    ones = true;
  }
  int32_t value(int64_t k) const { return ones ? 1 : values[k]; }
};

enum Kind : int32_t {
  kDense = 0,
  kScaling = 1,
  kConvolution = 2,
  kSumPool = 3,
  kMaxPool = 4,
  kSparse = 5
};

inline int64_t volume(const int64_t shape[3]) { return shape[0] * shape[1] * shape[2]; }

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
  s.channels_out = o.out[0];
  s.group_in = o.in[0] / o.groups;
  s.group_out = o.out[0] / o.groups;
  s.pitch = s.in[1];
  return s;
}

// Sum or largest under a window at every position; the channels run fastest.
struct Pooling {
  explicit Pooling(const SnncOperator& o)
      : largest(o.kind == kMaxPool), sweep(sweep_of(o)), size_in(volume(o.in)),
        size_out(volume(o.out)) {}

  void apply(const Kernels& kernels, const int32_t* x, int32_t* y) const {
    (largest ? kernels.pool_max : kernels.pool_sum)(sweep, x, y);
  }

  bool largest;
  Sweep sweep;
  int64_t size_in;
  int64_t size_out;
};

// Memory that a worker needs for a projection. What it holds between two steps is zero in `x` and
// `sums`.
struct Scratch {
  std::vector<int32_t> x;          // a value before it is pooled
  std::vector<int32_t> sums;       // what the weights make
  std::vector<int32_t> pooled[2];  // in turns
  Events events;
};

// One layer of weights.
class Weights {
 public:
  virtual ~Weights() = default;
  // Adds to `sums`, of `places()` elements and zero before.
  virtual void add(const Kernels& kernels, const Events& events, int32_t* sums) const = 0;
  virtual int64_t bytes() const = 0;
  virtual int64_t places() const = 0;
  // Where the channels of the sums run fastest, and not the columns as in the network, how the
  // sums lie; else null.
  virtual const Sweep* channels_last() const { return nullptr; }
};

constexpr int64_t kPad = 32;  // columns that a kernel takes at once
inline int64_t padded(int64_t n) { return (n + kPad - 1) / kPad * kPad; }

// A row for every source element, so that an event adds one row up.
template <class W>
class DenseWeights : public Weights {
 public:
  explicit DenseWeights(const SnncOperator& o)
      : stride_(padded(volume(o.out))), rows_(volume(o.in) * stride_) {
    const int64_t in = volume(o.in), out = volume(o.out);
    const W* weight = static_cast<const W*>(o.weight);
    constexpr int64_t block = 64;  // both sides of the transposition stay in the cache
    for (int64_t c0 = 0; c0 < out; c0 += block) {
      for (int64_t r0 = 0; r0 < in; r0 += block) {
        for (int64_t r = r0; r < std::min(r0 + block, in); ++r) {
          for (int64_t c = c0; c < std::min(c0 + block, out); ++c) {
            rows_[r * stride_ + c] = weight[c * in + r];
          }
        }
      }
    }
  }

  void add(const Kernels& kernels, const Events& events, int32_t* sums) const override {
    const int32_t* places = events.places.data();
    const int32_t* values = events.values.data();
    const W* rows = rows_.data();
    if constexpr (sizeof(W) == 1) {
      if (events.ones) return kernels.add_bytes(rows, stride_, places, events.count, sums);
      kernels.scale_bytes(rows, stride_, places, values, events.count, sums);
    } else {
      if (events.ones) return kernels.add_shorts(rows, stride_, places, events.count, sums);
      kernels.scale_shorts(rows, stride_, places, values, events.count, sums);
    }
  }
  int64_t bytes() const override { return static_cast<int64_t>(rows_.size() * sizeof(W)); }
  int64_t places() const override { return stride_; }

 private:
  int64_t stride_;
  std::vector<W> rows_;
};

// The weights of a source element that are not zero.
class SparseWeights : public Weights {
 public:
  SparseWeights(std::unique_ptr<SynapseLists> lists, int64_t places)
      : lists_(std::move(lists)), places_(places) {}

  void add(const Kernels&, const Events& events, int32_t* sums) const override {
    const int32_t* values = events.ones ? nullptr : events.values.data();
    lists_->add(events.places.data(), values, events.count, sums);
  }
  int64_t bytes() const override { return lists_->bytes(); }
  int64_t places() const override { return places_; }

 private:
  std::unique_ptr<SynapseLists> lists_;
  int64_t places_;
};

// One weight for each element.
class ScalingWeights : public Weights {
 public:
  explicit ScalingWeights(const SnncOperator& o) : weights_(volume(o.in)) {
    for (size_t i = 0; i < weights_.size(); ++i) weights_[i] = static_cast<int16_t>(weight_of(o, i));
  }
  void add(const Kernels&, const Events& events, int32_t* sums) const override {
    for (int64_t k = 0; k < events.count; ++k) {
      sums[events.places[k]] += weights_[events.places[k]] * events.value(k);
    }
  }
  int64_t bytes() const override { return static_cast<int64_t>(weights_.size() * 2); }
  int64_t places() const override { return static_cast<int64_t>(weights_.size()); }

 private:
  std::vector<int16_t> weights_;
};

// An event adds its kernel to the positions whose windows it lies under. Sums have the channels
// running fastest, and kernels their columns in reverse, as the distance from a position to the
// event shrinks where the position grows: so a row of a kernel is a run of memory.
template <class W>
class ConvolutionWeights : public Weights {
 public:
  explicit ConvolutionWeights(const SnncOperator& o) : sweep_(sweep_of(o)) {
    const int64_t taps = o.kernel[0] * o.kernel[1], inputs = sweep_.group_in;
    const int64_t channels = sweep_.group_out;
    sweep_.runs = o.stride[1] == 1 && o.dilation[1] == 1 && o.groups == 1;
    sweep_.row_taps = o.kernel[1] * channels;
    sweep_.pitch = o.out[2];
    if (sweep_.runs) {
      sweep_.row_taps = (sweep_.row_taps + kVector - 1) / kVector * kVector;
      sweep_.origin = o.kernel[1] - 1;
      sweep_.pitch += 2 * sweep_.origin;
    }
    kernels_.resize(o.in[0] * o.kernel[0] * sweep_.row_taps);
    const W* weight = static_cast<const W*>(o.weight);
    for (int64_t c = 0; c < o.in[0]; ++c) {
      for (int64_t t = 0; t < taps; ++t) {
        const int64_t row = t / o.kernel[1], column = o.kernel[1] - 1 - t % o.kernel[1];
        W* into = kernels_.data() + (c * o.kernel[0] + row) * sweep_.row_taps + column * channels;
        for (int64_t k = 0; k < channels; ++k) {
          const int64_t out = c / inputs * channels + k;
          into[k] = weight[(out * inputs + c % inputs) * taps + t];
        }
      }
    }
  }

  void add(const Kernels& kernels, const Events& events, int32_t* sums) const override {
    const int32_t* values = events.ones ? nullptr : events.values.data();
    const int32_t* places = events.places.data();
    if constexpr (sizeof(W) == 1) {
      kernels.convolve_bytes(sweep_, kernels_.data(), places, values, events.count, sums);
    } else {
      kernels.convolve_shorts(sweep_, kernels_.data(), places, values, events.count, sums);
    }
  }
  int64_t bytes() const override { return static_cast<int64_t>(kernels_.size() * sizeof(W)); }
  int64_t places() const override {
    return sweep_.out[0] * sweep_.pitch * sweep_.channels_out + kVector;
  }
  const Sweep* channels_last() const override { return &sweep_; }

 private:
  static constexpr int64_t kVector = 16;  // columns that a kernel takes at once

  Sweep sweep_;
  std::vector<W> kernels_;
};

constexpr double kFew = 0.15;  // share of weights that are not zero, up to which a list pays

inline std::unique_ptr<Weights> dense_weights(const SnncOperator& o) {
  const int64_t size = volume(o.in) * volume(o.out);
  int64_t count = 0;
  for (int64_t i = 0; i < size; ++i) count += weight_of(o, i) != 0;
  if (count < kFew * size) {
    const int64_t in = volume(o.in), out = volume(o.out);
    return std::make_unique<SparseWeights>(lists_of_matrix(o, in, out), out);
  }
  if (o.weight_bytes == 1) return std::make_unique<DenseWeights<int8_t>>(o);
  return std::make_unique<DenseWeights<int16_t>>(o);
}

inline std::unique_ptr<Weights> weights_of(const SnncOperator& o) {
  if (o.kind == kDense) return dense_weights(o);
  if (o.kind == kSparse) {
    const int64_t out = volume(o.out);
    return std::make_unique<SparseWeights>(lists_of(o, volume(o.in), out), out);
  }
  if (o.kind == kScaling) return std::make_unique<ScalingWeights>(o);
  if (o.weight_bytes == 1) return std::make_unique<ConvolutionWeights<int8_t>>(o);
  return std::make_unique<ConvolutionWeights<int16_t>>(o);
}

class Projection {
 public:
  explicit Projection(const SnncProjection& p)
      : source(p.source),
        target(p.target),
        delay(p.delay),
        up_(std::max(p.weight_exp, 0)),
        down_(std::max(-p.weight_exp, 0)) {
    for (int32_t k = 0; k < p.operator_count; ++k) {
      const SnncOperator& o = p.operators[k];
      if (o.kind == kSumPool || o.kind == kMaxPool) {
        auto& pools = weights_ ? behind_ : before_;
        pools.emplace_back(o);
        if (weights_ && pools.size() == 1 && weights_->channels_last()) {
          pools.back().sweep.pitch = weights_->channels_last()->pitch;
          pools.back().sweep.origin = weights_->channels_last()->origin;
        }
      } else {
        weights_ = weights_of(o);
        std::copy(o.out, o.out + 3, shape_);
      }
      size_ = volume(o.out);
      channels_ = o.out[0];
    }
  }

  const int32_t source;
  const int32_t target;
  const int32_t delay;

  int64_t bytes() const { return weights_->bytes(); }

  Scratch scratch() const {
    Scratch s;
    int64_t largest = weights_->channels_last() ? 0 : weights_->places();
    for (const auto* pools : {&before_, &behind_}) {
      for (const Pooling& pool : *pools) largest = std::max(largest, pool.size_out);
    }
    s.x.resize(before_.empty() ? 0 : before_.front().size_in);
    for (auto& pooled : s.pooled) pooled.resize(behind_.empty() && before_.empty() ? 0 : largest);
    s.sums.resize(weights_->places());
    if (!before_.empty()) {
      s.events.reserve(before_.back().size_out);
      s.events.values.resize(before_.back().size_out);
    }
    return s;
  }

  // Adds to `a`, the input of the target.
  template <class I>
  void add(const Kernels& kernels, const Events& sent, Scratch& s, I* a) const {
    if (sent.count == 0) return;
    const Events& events = before_.empty() ? sent : pooled(kernels, sent, s);
    if (events.count == 0) return;
    weights_->add(kernels, events, s.sums.data());
    const int32_t* y = s.sums.data();
    if (!behind_.empty()) {
      if (!weights_->channels_last()) y = transposed(y, s);
      for (size_t k = 0; k < behind_.size(); ++k) {
        int32_t* next = s.pooled[k % 2].data();
        behind_[k].apply(kernels, y, next);
        y = next;
      }
      shift_channels(y, behind_.back().sweep.out, behind_.back().sweep.out[1], 0, a);
    } else if (const Sweep* sweep = weights_->channels_last()) {
      shift_channels(y, sweep->out, sweep->pitch, sweep->origin, a);
    } else {
      shift_into(y, a);
    }
    std::fill(s.sums.begin(), s.sums.end(), 0);
  }

 private:
  // `x` of the scratch is filled for the time of the call only.
  const Events& pooled(const Kernels& kernels, const Events& sent, Scratch& s) const {
    const Sweep& first = before_.front().sweep;
    const int64_t area = first.in[0] * first.in[1], channels = first.channels_out;
    const auto place = [=](int32_t p) { return p % area * channels + p / area; };
    for (int64_t k = 0; k < sent.count; ++k) s.x[place(sent.places[k])] = sent.value(k);
    const int32_t* x = s.x.data();
    for (size_t k = 0; k < before_.size(); ++k) {
      int32_t* next = s.pooled[k % 2].data();
      before_[k].apply(kernels, x, next);
      x = next;
    }
    for (int64_t k = 0; k < sent.count; ++k) s.x[place(sent.places[k])] = 0;
    list(x, before_.back(), s.events);
    return s.events;
  }

  // Gives what is not zero by the numbers of the network.
  static void list(const int32_t* x, const Pooling& last, Events& events) {
    events.clear();
    const int64_t channels = last.sweep.channels_out, area = last.size_out / channels;
    for (int64_t p = 0; p < area; ++p) {
      for (int64_t c = 0; c < channels; ++c, ++x) {
        if (*x == 0) continue;
        events.places[events.count] = static_cast<int32_t>(c * area + p);
        events.values[events.count++] = *x;
      }
    }
    events.ones = false;
  }

  // Lets the channels of the sums run fastest, as pooling has them.
  const int32_t* transposed(const int32_t* y, Scratch& s) const {
    int32_t* into = s.pooled[1].data();  // the first pooling fills the other
    const int64_t area = shape_[1] * shape_[2];
    for (int64_t c = 0; c < shape_[0]; ++c) {
      for (int64_t p = 0; p < area; ++p) into[p * shape_[0] + c] = y[c * area + p];
    }
    return into;
  }

  template <class I>
  void shift_into(const int32_t* y, I* a) const {
    for (int64_t i = 0; i < size_; ++i) a[i] += shifted_sum<I>(y[i]);
  }

  template <class I>
  void shift_channels(const int32_t* y, const int64_t out[2], int64_t pitch, int64_t origin,
                      I* a) const {
    for (int64_t c = 0; c < channels_; ++c) {
      for (int64_t row = 0; row < out[0]; ++row) {
        const int32_t* line = y + (row * pitch + origin) * channels_ + c;
        for (int64_t x = 0; x < out[1]; ++x) *a++ += shifted_sum<I>(line[x * channels_]);
      }
    }
  }

  // (1), for sums whose bound is part of I's
  template <class I>
  I shifted_sum(int32_t y) const {
    return (static_cast<I>(y) * (I{1} << up_)) >> down_;
  }

  int up_, down_;
  std::vector<Pooling> before_;
  std::unique_ptr<Weights> weights_;
  std::vector<Pooling> behind_;
  int64_t shape_[3] = {1, 1, 1};  // of the sums
  int64_t size_ = 0, channels_ = 1;  // of what is pooled behind them
};

}  // namespace snnc
