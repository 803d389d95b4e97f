// A source that gathers what others sent in the same step: the input axons of a core.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine.h"
#include "events.h"
#include "levels.h"
#include "memory.h"

namespace snnc {

class Axons {
 public:
  // `orders` are those of all inputs and populations.
  Axons(const SnncAxons& a, const std::vector<Order>& orders)
      : size(a.size), sources(a.sources, a.sources + a.source_count) {
    for (const int32_t source : sources) places_.emplace_back(orders[source].size(), kNone);
    for (int64_t i = 0; i < size; ++i) {
      const Order& order = orders[sources[a.member[i]]];
      places_[a.member[i]][order.place(a.element[i])] = static_cast<int32_t>(i);
    }
    ascends_ = sources.size() == 1 && ascend(places_[0]);
  }

  const int64_t size;
  const std::vector<int32_t> sources;

  // What the sources may send.
  template <class RangeOf>
  Range range(const RangeOf& of) const {
    Range all = {1, false};
    for (const int32_t source : sources) {
      const Range one = of(source);
      all = {std::max(all.largest, one.largest), all.negative || one.negative};
    }
    return all;
  }

  // Lists what the sources sent, which `sent` gives by source.
  // `x` is zero, and of the size of the largest axons at least.
  template <class SentBy>
  void gather(const Kernels& kernels, const SentBy& sent, std::vector<int32_t>& x,
              Events& into) const {
    into.clear();
    for (size_t m = 0; m < sources.size(); ++m) {
      const Events& events = sent(sources[m]);
      for (int64_t k = 0; k < events.count; ++k) {
        const int32_t place = places_[m][events.places[k]];
        if (place == kNone) continue;
        into.places[into.count] = place;
        into.values[into.count++] = events.value(k);
        into.ones = into.ones && events.value(k) == 1;
      }
    }
    if (!ascends_) sort(kernels, x, into);
  }

  int64_t bytes() const {
    int64_t total = 0;
    for (const auto& places : places_) total += static_cast<int64_t>(places.size() * 4);
    return total;
  }

 private:
  static constexpr int32_t kNone = -1;  // an element that nobody here hears

  // Whether those that are heard stand one after the other.
  static bool ascend(const std::vector<int32_t>& places) {
    int32_t last = kNone;
    for (const int32_t place : places) {
      if (place == kNone) continue;
      if (place < last) return false;
      last = place;
    }
    return true;
  }

  // Puts a list into the order of its places.
  static void sort(const Kernels& kernels, std::vector<int32_t>& x, Events& events) {
    int64_t end = 0;
    for (int64_t k = 0; k < events.count; ++k) {
      x[events.places[k]] = events.values[k];
      end = std::max<int64_t>(end, events.places[k] + 1);
    }
    events.count = kernels.list_values(x.data(), end, events.places.data(), &events.ones);
    for (int64_t k = 0; k < events.count; ++k) {
      events.values[k] = x[events.places[k]];
      x[events.places[k]] = 0;
    }
  }

  std::vector<std::vector<int32_t>> places_;  // of each source, by place there
  bool ascends_;
};

}  // namespace snnc
