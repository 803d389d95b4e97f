// What one thread needs to run samples.
//
// A step of a population is in two halves: accumulate() adds what has arrived to its sums, and
// fire() steps neurons from `first` to `last` and lists their spikes. Populations wait for each
// other in nothing, as every projection has a delay.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ahead.h"
#include "engine.h"
#include "program.h"

namespace snnc {

class Worker {
 public:
  explicit Worker(const Program& program) : program_(program) {
    for (const Population& p : program.populations) states_.emplace_back(p);
    for (size_t i = 0; i < program.depths.size(); ++i) {
      rings_.emplace_back(program.depths[i]);
      for (Events& events : rings_.back()) {
        events.reserve(program.source_size(i));
        if (i < program.input_sizes.size()) events.values.resize(program.source_size(i));
      }
    }
    for (const Projection& p : program.projections) {
      const bool enters = p.source < static_cast<int32_t>(program.input_sizes.size());
      scratch_.push_back(p.scratch());
      ahead_.emplace_back(p, enters ? program.source_size(p.source) : 0, program.kernels);
      enters_.push_back(enters && ahead_.back().used());
    }
  }

  // Before the first sample of a run.
  void begin(const SnncRun& run) {
    run_ = &run;
    for (size_t i = 0; i < states_.size(); ++i) {
      State& s = states_[i];
      s.keeps_u = program_.populations[i].current || run.recordings[i].u;
      if (s.keeps_u) s.resize_u();
    }
  }

  void rest() {
    for (size_t i = 0; i < states_.size(); ++i) states_[i].rest(program_.populations[i]);
    for (auto& ring : rings_) {
      for (Events& events : ring) events.clear();
    }
    for (Ahead& ahead : ahead_) ahead.rest();
  }

  void step(int64_t k, int64_t sample) {
    sample_ = sample;
    for (size_t i = 0; i < program_.input_sizes.size(); ++i) receive(i, k);
    for (size_t i = 0; i < states_.size(); ++i) advance(i, k);
  }

 private:
  template <class I>
  struct Potentials {
    std::vector<I> u, v;
  };

  struct State {
    Potentials<int32_t> narrow;  // one of both is empty
    Potentials<int64_t> wide;
    std::vector<int32_t> pause;
    std::vector<std::vector<int32_t>> sums;  // of each group
    std::vector<char> touched;               // whether there is something in them
    int64_t room;
    bool is_narrow, keeps_u = true;

    explicit State(const Population& p)
        : pause(p.pauses || !p.narrow ? padded(p.size, kLanes) : 0),
          touched(p.groups.size()),
          room(padded(p.size, kLanes)),
          is_narrow(p.narrow) {
      if (is_narrow) narrow.v.resize(room);
      if (!is_narrow) wide.v.resize(room);
      for (const Group& g : p.groups) {
        sums.emplace_back(g.tally.shorts ? (g.tally.room + 1) / 2 : g.tally.room);
      }
    }

    void resize_u() {
      if (is_narrow) narrow.u.resize(room);
      if (!is_narrow) wide.u.resize(room);
    }

    void rest(const Population& p) {
      for (auto& group : sums) std::fill(group.begin(), group.end(), 0);
      std::fill(touched.begin(), touched.end(), 0);
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

  Events& slot(size_t source, int64_t k) {
    auto& ring = rings_[source];
    const int64_t n = static_cast<int64_t>(ring.size());
    return ring[n & (n - 1) ? k % n : k & (n - 1)];
  }

  void receive(size_t i, int64_t k) {
    Events& events = slot(i, k);
    events.clear();
    events.listed = k >= run_->steps;
    if (k + 1 < run_->steps) fetch(values(i, k + 1), program_.input_sizes[i]);
  }

  // Of an input at a step.
  const int32_t* values(size_t i, int64_t k) const {
    return run_->inputs[i] + (k * run_->batch + sample_) * program_.input_sizes[i];
  }

  // Inputs are listed when somebody asks.
  const Events& arrived(size_t source, int64_t k) {
    Events& events = slot(source, k);
    if (!events.listed) {
      Projection::list(program_.kernels, values(source, k), program_.input_sizes[source], events);
      events.listed = true;
    }
    return events;
  }

  // What comes next is on its way from memory while this step is computed.
  static void fetch(const int32_t* x, int64_t n) {
    constexpr int64_t line = 16, most = 2048;
    for (int64_t j = 0; j < std::min(n, most); j += line) __builtin_prefetch(x + j);
  }

  void advance(size_t i, int64_t k) {
    const Population& p = program_.populations[i];
    Events& sent = slot(program_.input_sizes.size() + i, k);
    sent.clear();
    if (k < p.lag || k >= p.lag + run_->steps) return;
    accumulate(i, k);
    if (p.narrow) {
      fire<int32_t>(i, 0, p.size, sent);
    } else {
      fire<int64_t>(i, 0, p.size, sent);
    }
    record(i, sent, (k * run_->batch + sample_) * p.size);
  }

  void accumulate(size_t i, int64_t k) {
    State& s = states_[i];
    const std::vector<Group>& groups = program_.populations[i].groups;
    for (size_t g = 0; g < groups.size(); ++g) {
      for (const int32_t q : groups[g].members) {
        const Projection& projection = program_.projections[q];
        if (k < projection.delay) continue;
        const int64_t t = k - projection.delay;
        if (enters_[q] && multiplied(q, t, s.sums[g].data())) {
          s.touched[g] = 1;
          continue;
        }
        const Events& events = arrived(projection.source, t);
        if (events.count == 0) continue;
        projection.add(program_.kernels, events, scratch_[q], s.sums[g].data());
        s.touched[g] = 1;
      }
    }
  }

  bool multiplied(int32_t q, int64_t t, int32_t* sums) {
    const Projection& p = program_.projections[q];
    if (t >= run_->steps) return false;
    const int64_t n = program_.input_sizes[p.source];
    return ahead_[q].add(program_.kernels, p, values(p.source, t), n, run_->batch * n, t,
                         run_->steps, sums);
  }

  // Neurons [first, last), both multiples of 16 but for the last of all.
  template <class I>
  void fire(size_t i, int64_t first, int64_t last, Events& sent) {
    const Population& p = program_.populations[i];
    State& s = states_[i];
    Potentials<I>& of = s.template potentials<I>();
    const Parameters<I>& c = p.parameters<I>();
    alignas(64) int32_t a[kChunk], spikes[kChunk];
    alignas(64) I u[kChunk];
    for (int64_t n = first; n < last; n += kChunk) {
      const int64_t count = std::min(kChunk, last - n), room = padded(count, kLanes);
      gather(p, s, n, count, room, a);
      const Chunk<I> chunk = {a,
                              s.keeps_u ? of.u.data() + n : u,
                              of.v.data() + n,
                              s.pause.data() + (s.pause.empty() ? 0 : n),
                              spikes,
                              c.keep_u.from(n),
                              c.keep_v.from(n),
                              c.theta.from(n),
                              c.bias.from(n)};
      if constexpr (sizeof(I) == 4) {
        p.step_narrow(chunk, room, p.refractory);
      } else {
        p.step_wide(chunk, room, p.refractory);
      }
      if (!p.spiking) continue;
      sent.count += program_.kernels.list_spikes(spikes, count, static_cast<int32_t>(n),
                                                 sent.places.data() + sent.count);
    }
    std::fill(s.touched.begin(), s.touched.end(), 0);
  }

  // Synaptic input of `room` neurons, of which `count` are real.
  void gather(const Population& p, State& s, int64_t n, int64_t count, int64_t room, int32_t* a) {
    bool more = false;
    for (size_t g = 0; g < p.groups.size(); ++g) {
      if (!s.touched[g]) continue;
      const Group& group = p.groups[g];
      program_.kernels.gather(group.tally, s.sums[g].data(), n, count, group.up, group.down, more,
                              a);
      more = true;
    }
    std::fill(a + (more ? count : 0), a + room, 0);
  }

  void record(size_t i, const Events& sent, int64_t offset) const {
    const SnncRecording& r = run_->recordings[i];
    const Population& p = program_.populations[i];
    const State& s = states_[i];
    if (r.spikes) {
      for (int64_t k = 0; k < sent.count; ++k) {
        r.spikes[offset + p.order.element(sent.places[k])] = 1;
      }
    }
    if (r.u && p.narrow) copy(s.narrow.u, p.order, r.u + offset);
    if (r.u && !p.narrow) copy(s.wide.u, p.order, r.u + offset);
    if (r.v && p.narrow) copy(s.narrow.v, p.order, r.v + offset);
    if (r.v && !p.narrow) copy(s.wide.v, p.order, r.v + offset);
  }

  template <class I>
  static void copy(const std::vector<I>& from, const Order& order, int32_t* to) {
    if (order.plain()) {
      for (int64_t j = 0; j < order.size(); ++j) to[j] = static_cast<int32_t>(from[j]);
    } else {
      for (int64_t j = 0; j < order.size(); ++j) to[j] = static_cast<int32_t>(from[order.place(j)]);
    }
  }

  const Program& program_;
  const SnncRun* run_ = nullptr;
  std::vector<State> states_;
  std::vector<std::vector<Events>> rings_;
  std::vector<Scratch> scratch_;
  std::vector<Ahead> ahead_;
  std::vector<char> enters_;  // whether a projection is from an input and may multiply ahead
  int64_t sample_ = 0;
};

}  // namespace snnc
