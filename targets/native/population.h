// The neurons of a population: their parameters, in the order in which they lie here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine.h"
#include "events.h"
#include "levels.h"
#include "memory.h"

namespace snnc {

// A parameter of each neuron; where all have the same, of one chunk.
template <class I>
class Column {
 public:
  Column(const int32_t* values, const Order& order) {
    const int64_t n = order.size();
    const bool alike = std::all_of(values, values + n, [&](int32_t v) { return v == values[0]; });
    each_ = !alike;
    if (alike) {
      values_.assign(kChunk, n ? values[0] : 0);
      return;
    }
    values_.resize(n + kLanes);
    for (int64_t e = 0; e < n; ++e) values_[order.place(e)] = values[e];
  }

  const I* from(int64_t neuron) const { return values_.data() + (each_ ? neuron : 0); }
  I operator[](int64_t neuron) const { return values_[each_ ? neuron : 0]; }
  bool is(int32_t value) const { return !each_ && values_[0] == value; }
  int64_t bytes() const { return static_cast<int64_t>(values_.size() * sizeof(I)); }

 private:
  bool each_;
  Array<I> values_;
};

template <class I>
struct Parameters {
  Column<I> keep_u, keep_v, theta, bias, initial;

  Parameters(const SnncPopulation& p, const Order& order)
      : keep_u(p.keep_u, order), keep_v(p.keep_v, order), theta(p.theta, order),
        bias(p.bias, order), initial(p.initial, order) {}
  int64_t bytes() const {
    return keep_u.bytes() + keep_v.bytes() + theta.bytes() + bias.bytes() + initial.bytes();
  }
};

// Sums that several projections of the same exponent may add to.
struct Group {
  Tally tally;
  int up, down;
  std::vector<int32_t> members;  // projections
};

struct Population {
  int64_t size;
  int32_t lag, refractory;
  bool spiking, narrow, current, pauses;
  Order order;
  std::vector<Group> groups;
  std::vector<Parameters<int32_t>> narrow_parameters;  // of one of both there is one
  std::vector<Parameters<int64_t>> wide_parameters;
  StepNarrow step_narrow;
  StepNarrow step_unseen;  // where u is neither kept nor recorded
  StepWide step_wide;

  Population(const SnncPopulation& p, const Order& order, const Kernels& kernels)
      : size(p.size), lag(p.lag), refractory(p.refractory), spiking(p.spiking != 0),
        narrow(p.narrow != 0), current(true), pauses(p.refractory > 0), order(order) {
    const Reset reset = static_cast<Reset>(p.reset);
    if (narrow) {
      narrow_parameters.emplace_back(p, order);
      current = !narrow_parameters[0].keep_u.is(0);
    } else {
      wide_parameters.emplace_back(p, order);
    }
    const Current u = current ? kKept : kShown;
    step_narrow = step_unseen = kernels.step_narrow(reset, spiking, u, pauses);
    if (!current && p.unwrapped) step_unseen = kernels.step_narrow(reset, spiking, kUnseen, pauses);
    step_wide = kernels.step_wide(reset, spiking);
  }

  template <class I>
  const Parameters<I>& parameters() const {
    if constexpr (sizeof(I) == 4) {
      return narrow_parameters[0];
    } else {
      return wide_parameters[0];
    }
  }

  int64_t bytes() const {
    int64_t total = 0;
    for (const auto& p : narrow_parameters) total += p.bytes();
    for (const auto& p : wide_parameters) total += p.bytes();
    return total;
  }
};

}  // namespace snnc
