// The states of a population in a sample, and the sums that become its synaptic input.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "memory.h"
#include "population.h"

namespace snnc {

template <class I>
struct Potentials {
  Array<I> u, v;
};

struct State {
  Potentials<int32_t> narrow;  // one of both is empty
  Potentials<int64_t> wide;
  Array<int32_t> pause;
  std::vector<Array<int32_t>> sums;  // of each group
  int64_t room;
  bool is_narrow, keeps_u = true;

  explicit State(const Population& p)
      : pause(p.pauses || !p.narrow ? padded(p.size, kLanes) : 0),
        room(padded(p.size, kLanes)),
        is_narrow(p.narrow) {
    if (is_narrow) narrow.v.resize(room);
    if (!is_narrow) wide.v.resize(room);
    for (const Group& g : p.groups) {
      sums.emplace_back(g.tally.shorts ? (g.tally.room + 1) / 2 : g.tally.room);
    }
    if (p.current) resize_u();
  }

  void resize_u() {
    if (is_narrow) narrow.u.resize(room);
    if (!is_narrow) wide.u.resize(room);
  }

  int64_t bytes() const {
    int64_t total = held(narrow.u) + held(narrow.v) + held(wide.u) + held(wide.v) + held(pause);
    for (const auto& group : sums) total += held(group);
    return total;
  }

  void rest(const Population& p) {
    for (auto& group : sums) std::fill(group.begin(), group.end(), 0);
    std::fill(pause.begin(), pause.end(), 0);
    if (is_narrow) rest(narrow, p.parameters<int32_t>(), p.size);
    if (!is_narrow) rest(wide, p.parameters<int64_t>(), p.size);
  }

  template <class I>
  static void rest(Potentials<I>& s, const Parameters<I>& p, int64_t n) {
    std::fill(s.u.begin(), s.u.end(), I{0});
    for (int64_t i = 0; i < n; ++i) s.v[i] = p.initial[i];
  }

  template <class I>
  Potentials<I>& potentials() {
    if constexpr (sizeof(I) == 4) {
      return narrow;
    } else {
      return wide;
    }
  }
};

}  // namespace snnc
