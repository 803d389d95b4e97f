// The state of a sample, and its steps.
//
// A step of a population is in two halves: accumulate() adds what has arrived to its sums, and
// fire() steps neurons from `first` to `last` and lists their spikes. Populations wait for each
// other in nothing, as every projection has a delay. So several threads may do a step, too, each
// for its neurons: it reads what all of them listed in earlier steps, and lists its own apart.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ahead.h"
#include "engine.h"
#include "program.h"
#include "state.h"

namespace snnc {

class Worker {
 public:
  // For as many threads as `parts`.
  Worker(const Program& program, int parts) : parts(parts), program_(program) {
    for (const Population& p : program.populations) states_.emplace_back(p);
    for (size_t i = 0; i < program.depths.size(); ++i) {
      const bool enters = i < program.input_sizes.size();
      rings_.emplace_back(program.depths[i], std::vector<Events>(enters ? 1 : parts));
      for (std::vector<Events>& sent : rings_.back()) {
        sent[0].reserve(program.source_size(i));
        if (enters || i >= program.first_axons()) sent[0].values.resize(program.source_size(i));
      }
    }
    for (const Axons& a : program.axons) {
      if (gathered_.size() < static_cast<size_t>(a.size)) gathered_.resize(a.size);
    }
    for (const Projection& p : program.projections) {
      const bool enters = p.source < static_cast<int32_t>(program.input_sizes.size());
      scratch_.push_back(p.scratch());
      ahead_.emplace_back(p, enters ? program.source_size(p.source) : 0, program.kernels);
      enters_.push_back(enters && ahead_.back().used());
    }
    hands_.emplace_back(program, 0, 1);
    for (int part = 0; part < parts && parts > 1; ++part) make_hand(part);
  }

  const int parts;

  // Of states, sums and events.
  int64_t bytes() const {
    int64_t total = 0;
    for (const State& s : states_) total += s.bytes();
    for (const auto& ring : rings_) {
      for (const auto& sent : ring) {
        for (const Events& e : sent) total += held(e.places) + held(e.values);
      }
    }
    for (const Events& e : joined_) total += held(e.places);
    for (const Scratch& s : scratch_) total += s.bytes();
    for (const Ahead& a : ahead_) total += a.bytes();
    return total;
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

  // Before each sample.
  void rest(int64_t sample) {
    sample_ = sample;
    for (size_t i = 0; i < states_.size(); ++i) states_[i].rest(program_.populations[i]);
    for (auto& ring : rings_) {
      for (auto& sent : ring) {
        for (Events& events : sent) events.clear();
      }
    }
    for (Ahead& ahead : ahead_) ahead.rest();
  }

  // A step of all neurons.
  void step(int64_t k) {
    for (size_t i = 0; i < program_.input_sizes.size(); ++i) receive(i, k);
    for (size_t i = 0; i < program_.axons.size(); ++i) {
      slot(program_.first_axons() + i, k)[0].listed = false;
    }
    for (size_t i = 0; i < states_.size(); ++i) {
      for (Events& events : slot(program_.input_sizes.size() + i, k)) events.clear();
      advance(hands_[0], i, k);
    }
  }

  // A step of the neurons of a part. All parts make a step, at once or in any order.
  void step_part(int part, int64_t k) {
    if (part == 0) {
      for (size_t i = 0; i < program_.input_sizes.size(); ++i) receive(i, k);
    }
    for (size_t i = 0; i < states_.size(); ++i) {
      slot(program_.input_sizes.size() + i, k)[part].clear();
      advance(hands_[1 + part], i, k);
    }
  }

 private:
  // What was sent, and becomes synaptic input of a chunk of neurons when they are stepped.
  struct Taken {
    const Weights* weights;
    const Events* events;
    int up, down;
  };

  // What a thread does: all of a step, or a part of it. On cache lines of its own, as is all that
  // a thread writes in a step: lines that two threads write go to and fro between them.
  struct alignas(kApart) Hand {
    size_t part;
    bool whole;  // it does populations that cannot be shared
    std::vector<int64_t> first, last;        // neurons of each population
    std::vector<std::vector<char>> touched;  // whether there is something in sums, by group
    std::vector<std::vector<Taken>> taken;   // by population
    std::vector<Share> shares;               // of each projection, where targets are shared

    Hand(const Program& program, int part, int parts) : part(part), whole(parts == 1) {
      for (const Population& p : program.populations) {
        const bool shared = parts > 1 && program.shares(p);
        const int64_t mine = shared ? part : std::min(part, 1), all = shared ? parts : 1;
        first.push_back(part_of(p.size, mine, all));
        last.push_back(part_of(p.size, mine + 1, all));
        touched.emplace_back().reserve(p.groups.size() + kApart);
        touched.back().resize(p.groups.size());
        taken.emplace_back().reserve(program.projections.size() + kApart / sizeof(Taken));
      }
      if (whole) return;
      for (const Projection& p : program.projections) {
        const bool shared = program.shares(program.populations[p.target]);
        shares.push_back(shared ? p.share(first[p.target], last[p.target]) : Share());
      }
    }
  };

  void make_hand(int part) {
    hands_.emplace_back(program_, part, parts);
    const Hand& hand = hands_.back();
    for (const Population& p : program_.populations) {
      if (joined_[0].places.size() < static_cast<size_t>(p.size)) joined_[0].reserve(p.size);
    }
    for (size_t i = 0; i < states_.size() && part > 0; ++i) {
      for (auto& sent : rings_[program_.input_sizes.size() + i]) {
        sent[part].reserve(hand.last[i] - hand.first[i]);
      }
    }
  }

  // What all parts sent, as one list.
  const std::vector<Events>& joined(const std::vector<Events>& sent) {
    const auto lists = std::count_if(sent.begin(), sent.end(),
                                     [](const Events& events) { return events.count > 0; });
    if (lists < 2) return sent;
    Events& all = joined_[0];
    all.clear();
    for (const Events& events : sent) {
      std::copy_n(events.places.begin(), events.count, all.places.begin() + all.count);
      all.count += events.count;
    }
    return joined_;
  }

  std::vector<Events>& slot(size_t source, int64_t k) {
    auto& ring = rings_[source];
    const int64_t n = static_cast<int64_t>(ring.size());
    return ring[n & (n - 1) ? k % n : k & (n - 1)];
  }

  // Gives `act` the values of an input at a step, and their number.
  template <class Do>
  auto with_values(size_t i, int64_t k, const Do& act) const {
    const int64_t n = program_.input_sizes[i], first = (k * run_->batch + sample_) * n;
    if (run_->input_bytes[i] == 1) {
      return act(static_cast<const int8_t*>(run_->inputs[i]) + first, n);
    }
    return act(static_cast<const int32_t*>(run_->inputs[i]) + first, n);
  }

  void receive(size_t i, int64_t k) {
    Events& events = slot(i, k)[0];
    events.clear();
    events.listed = k >= run_->steps;
    if (k + 1 < run_->steps) {
      with_values(i, k + 1, [](const auto* x, int64_t n) { fetch(x, n); });
    }
    if (parts > 1) arrived(i, k);
  }

  // An input is listed when somebody asks, but where several threads may, when it enters. What
  // axons gather is listed when somebody asks, too, in whose program threads share no step.
  const std::vector<Events>& arrived(size_t source, int64_t k) {
    std::vector<Events>& sent = slot(source, k);
    if (!sent[0].listed && source >= program_.first_axons()) {
      program_.axons[source - program_.first_axons()].gather(
          program_.kernels,
          [&](int32_t member) -> const Events& { return arrived(member, k)[0]; }, gathered_,
          sent[0]);
      sent[0].listed = true;
    } else if (!sent[0].listed) {
      with_values(source, k, [&](const auto* x, int64_t n) {
        Projection::list(program_.kernels, x, n, sent[0]);
      });
      sent[0].listed = true;
    }
    return sent;
  }

  // What comes next is on its way from memory while this step is computed.
  template <class X>
  static void fetch(const X* x, int64_t n) {
    constexpr int64_t line = 64 / sizeof(X), most = 128 * line;
    for (int64_t j = 0; j < std::min(n, most); j += line) __builtin_prefetch(x + j);
  }

  void advance(Hand& hand, size_t i, int64_t k) {
    const Population& p = program_.populations[i];
    if (k < p.lag || k >= p.lag + run_->steps || hand.first[i] >= hand.last[i]) return;
    Events& sent = slot(program_.input_sizes.size() + i, k)[hand.part];
    accumulate(hand, i, k);
    if (p.narrow) {
      fire<int32_t>(hand, i, sent);
    } else {
      fire<int64_t>(hand, i, sent);
    }
    record(hand, i, sent, (k * run_->batch + sample_) * p.size);
  }

  void accumulate(Hand& hand, size_t i, int64_t k) {
    const Population& p = program_.populations[i];
    const bool shared = hand.last[i] - hand.first[i] < p.size;
    for (size_t g = 0; g < p.groups.size(); ++g) {
      for (const int32_t q : p.groups[g].members) {
        const Projection& projection = program_.projections[q];
        if (k < projection.delay) continue;
        const int64_t t = k - projection.delay;
        int32_t* sums = states_[i].sums[g].data();
        if (enters_[q] && multiplied(q, t, sums)) {
          hand.touched[i][g] = 1;
          continue;
        }
        const std::vector<Events>& sent = arrived(projection.source, t);
        for (const Events& events : shared || sent.size() == 1 ? sent : joined(sent)) {
          if (events.count == 0) continue;
          if (sent.size() == 1 && projection.takes(events)) {
            const Group& group = p.groups[g];
            hand.taken[i].push_back({&projection.weights(), &events, group.up, group.down});
            continue;
          }
          if (shared) {
            projection.add_share(hand.shares[q], events, sums);
          } else {
            projection.add(program_.kernels, events, scratch_[q], sums);
          }
          hand.touched[i][g] = 1;
        }
      }
    }
  }

  bool multiplied(int32_t q, int64_t t, int32_t* sums) {
    const Projection& p = program_.projections[q];
    if (t >= run_->steps) return false;
    return with_values(p.source, t, [&](const auto* x, int64_t n) {
      return ahead_[q].add(program_.kernels, p, x, n, run_->batch * n, t, run_->steps, sums);
    });
  }

  // Neurons [first, last) of the hand, both multiples of 16 but for the last of all.
  template <class I>
  void fire(Hand& hand, size_t i, Events& sent) {
    const int64_t first = hand.first[i], last = hand.last[i];
    const Population& p = program_.populations[i];
    State& s = states_[i];
    Potentials<I>& of = s.template potentials<I>();
    const Parameters<I>& c = p.parameters<I>();
    int64_t sent_here = 0;
    alignas(64) int32_t a[kChunk];
    alignas(64) I u[kChunk];
    for (int64_t n = first; n < last; n += kChunk) {
      const int64_t count = std::min(kChunk, last - n), room = padded(count, kLanes);
      gather(hand, i, n, count, room, a);
      const Chunk<I> chunk = {a,
                              s.keeps_u ? of.u.data() + n : u,
                              of.v.data() + n,
                              s.pause.data() + (s.pause.empty() ? 0 : n),
                              c.keep_u.from(n),
                              c.keep_v.from(n),
                              c.theta.from(n),
                              c.bias.from(n)};
      int32_t* places = sent.places.data() + sent_here;
      const int32_t from = static_cast<int32_t>(n);
      if constexpr (sizeof(I) == 4) {
        const StepNarrow step = s.keeps_u ? p.step_narrow : p.step_unseen;
        sent_here += step(chunk, count, p.refractory, from, places);
      } else {
        sent_here += p.step_wide(chunk, count, p.refractory, from, places);
      }
    }
    sent.count = sent_here;
    std::fill(hand.touched[i].begin(), hand.touched[i].end(), 0);
    hand.taken[i].clear();
  }

  // Synaptic input of `room` neurons, of which `count` are real.
  void gather(const Hand& hand, size_t i, int64_t n, int64_t count, int64_t room, int32_t* a) {
    const std::vector<Group>& groups = program_.populations[i].groups;
    bool more = false;
    for (const Taken& t : hand.taken[i]) {
      t.weights->take(program_.kernels, *t.events, n, count, t.up, t.down, more, a);
      more = true;
    }
    const bool filled = more;
    for (size_t g = 0; g < groups.size(); ++g) {
      if (!hand.touched[i][g]) continue;
      const Group& group = groups[g];
      program_.kernels.gather(group.tally, states_[i].sums[g].data(), n, count, group.up,
                              group.down, more, a);
      more = true;
    }
    if (!filled) std::fill(a + (more ? count : 0), a + room, 0);
  }

  void record(const Hand& hand, size_t i, const Events& sent, int64_t offset) const {
    const SnncRecording& r = run_->recordings[i];
    const Population& p = program_.populations[i];
    const State& s = states_[i];
    if (r.spikes) {
      for (int64_t k = 0; k < sent.count; ++k) {
        r.spikes[offset + p.order.element(sent.places[k])] = 1;
      }
    }
    const int64_t first = hand.first[i], last = hand.last[i];
    if (r.u && p.narrow) copy(s.narrow.u, p.order, first, last, r.u + offset);
    if (r.u && !p.narrow) copy(s.wide.u, p.order, first, last, r.u + offset);
    if (r.v && p.narrow) copy(s.narrow.v, p.order, first, last, r.v + offset);
    if (r.v && !p.narrow) copy(s.wide.v, p.order, first, last, r.v + offset);
  }

  template <class I>
  static void copy(const Array<I>& from, const Order& order, int64_t first, int64_t last,
                   int32_t* to) {
    if (order.plain()) {
      for (int64_t j = first; j < last; ++j) to[j] = static_cast<int32_t>(from[j]);
    } else {
      for (int64_t j = 0; j < order.size(); ++j) to[j] = static_cast<int32_t>(from[order.place(j)]);
    }
  }

  const Program& program_;
  const SnncRun* run_ = nullptr;
  std::vector<State> states_;
  std::vector<std::vector<std::vector<Events>>> rings_;  // of each source, by step and part
  std::vector<Events> joined_{1};
  std::vector<int32_t> gathered_;                        // zero; of the size of the largest axons
  std::vector<Hand> hands_;                              // one for all, and one for each part
  std::vector<Scratch> scratch_;
  std::vector<Ahead> ahead_;
  std::vector<char> enters_;  // whether a projection is from an input and may multiply ahead
  int64_t sample_ = 0;
};

}  // namespace snnc
