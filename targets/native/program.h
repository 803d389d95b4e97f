// A network that is prepared: what all threads share, and nothing of a run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "axons.h"
#include "engine.h"
#include "levels.h"
#include "population.h"
#include "projection.h"

namespace snnc {

struct Program {
  Kernels kernels;
  std::vector<int64_t> input_sizes;
  std::vector<Projection> projections;
  std::vector<Population> populations;
  std::vector<Axons> axons;
  std::vector<int64_t> depths;  // for each source the steps that are remembered

  Program(const SnncNetwork& n, int level)
      : kernels(kernels_of(level)),
        input_sizes(n.input_sizes, n.input_sizes + n.input_count),
        depths(n.input_count + n.population_count + n.axons_count, 1) {
    const std::vector<Order> orders = orders_of(n);
    for (int32_t i = 0; i < n.population_count; ++i) {
      populations.emplace_back(n.populations[i], orders[n.input_count + i], kernels);
    }
    for (int32_t i = 0; i < n.axons_count; ++i) axons.emplace_back(n.axons[i], orders);
    for (int32_t k = 0; k < n.projection_count; ++k) {
      const SnncProjection& p = n.projections[k];
      const Range range = range_of(n, p.source);
      projections.emplace_back(p, orders[p.source], orders[n.input_count + p.target], range,
                               kernels);
      depths[p.source] = std::max<int64_t>(depths[p.source], p.delay + 1);
      join(k);
    }
    for (size_t i = 0; i < axons.size(); ++i) {  // they gather late
      const int64_t depth = depths[first_axons() + i];
      for (const int32_t source : axons[i].sources) {
        depths[source] = std::max(depths[source], depth);
      }
    }
    for (Population& p : populations) {
      for (Group& g : p.groups) narrow(g);
    }
  }

  // Axons are sources behind inputs and populations.
  size_t first_axons() const { return input_sizes.size() + populations.size(); }

  int64_t source_size(size_t source) const {
    const size_t inputs = input_sizes.size();
    if (source >= first_axons()) return axons[source - first_axons()].size;
    return source < inputs ? input_sizes[source] : populations[source - inputs].size;
  }

  // Whether threads can share the neurons of a population, and one is so large that they should.
  bool shares(const Population& p) const {
    if (!p.order.plain()) return false;
    for (const Group& g : p.groups) {
      for (const int32_t q : g.members) {
        if (!projections[q].shares()) return false;
      }
    }
    return true;
  }
  bool pays_sharing() const {
    return axons.empty() &&
           std::any_of(populations.begin(), populations.end(),
                       [this](const Population& p) { return p.size >= kShared && shares(p); });
  }

  int64_t bytes() const {
    int64_t total = 0;
    for (const Projection& p : projections) total += p.bytes();
    for (const Population& p : populations) total += p.bytes();
    for (const Axons& a : axons) total += a.bytes();
    return total;
  }

 private:
  Range range_of(const SnncNetwork& n, int32_t source) const {
    if (source < n.input_count) return {n.input_largest[source], true};
    if (source < n.input_count + n.population_count) return {1, false};
    const Axons& a = axons[source - first_axons()];
    return a.range([&](int32_t member) { return range_of(n, member); });
  }

  // Behind a convolution neurons lie as its sums do.
  static std::vector<Order> orders_of(const SnncNetwork& n) {
    std::vector<Order> orders;
    for (int32_t i = 0; i < n.input_count; ++i) orders.emplace_back(n.input_sizes[i]);
    for (int32_t i = 0; i < n.population_count; ++i) orders.emplace_back(n.populations[i].size);
    for (int32_t i = 0; i < n.axons_count; ++i) orders.emplace_back(n.axons[i].size);
    for (int32_t k = n.projection_count; k-- > 0;) {
      const SnncProjection& p = n.projections[k];
      const SnncOperator& weighted = p.operators[weighted_of(p)];
      if (weighted.kind != kConvolution) continue;
      orders[n.input_count + p.target] =
          Order(p.operators[p.operator_count - 1].out, weighted.groups);
    }
    return orders;
  }

  // Sums have 16 bits where that is proven to suffice.
  void narrow(Group& group) {
    int64_t largest = 0;
    for (const int32_t q : group.members) largest += projections[q].largest_sum();
    if (largest > INT16_MAX) return;
    group.tally.shorts = true;
    for (const int32_t q : group.members) projections[q].use_shorts();
  }

  // Projections whose sums are shifted to the left may add to the same.
  void join(int32_t k) {
    const Projection& p = projections[k];
    std::vector<Group>& groups = populations[p.target].groups;
    const int up = std::max(p.exponent, 0), down = std::max(-p.exponent, 0);
    for (Group& g : groups) {
      const bool other = p.apart() || projections[g.members[0]].apart();
      if (!other && down == 0 && g.down == 0 && g.up == up) return g.members.push_back(k);
    }
    groups.push_back({p.tally(), up, down, {k}});
  }
};

}  // namespace snnc
