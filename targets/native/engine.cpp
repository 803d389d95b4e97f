// The engine: samples of a network, each from rest, one after the other or on several threads.
//
// A sample depends on no other, so threads share nothing but the weights. Within a step no
// population waits for another, as every projection has a delay: what was sent lies in a ring of
// as many steps as the longest delay of a source.
#include "engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "levels.h"
#include "synapse.h"

namespace snnc {

template <class I>
struct Parameters {
  std::vector<I> keep_u, keep_v, theta, bias, initial;

  explicit Parameters(const SnncPopulation& p)
      : keep_u(p.keep_u, p.keep_u + p.size),
        keep_v(p.keep_v, p.keep_v + p.size),
        theta(p.theta, p.theta + p.size),
        bias(p.bias, p.bias + p.size),
        initial(p.initial, p.initial + p.size) {}
};

struct Program {
  Kernels kernels;
  std::vector<int64_t> input_sizes;
  std::vector<SnncPopulation> populations;
  std::vector<Projection> projections;
  std::vector<std::vector<int32_t>> into;  // for each population the projections that end there
  std::vector<int64_t> depths;             // for each source the steps that are remembered
  bool narrow;
  std::vector<Parameters<int32_t>> narrow_parameters;
  std::vector<Parameters<int64_t>> wide_parameters;

  Program(const SnncNetwork& n, int level)
      : kernels(kernels_of(level)),
        input_sizes(n.input_sizes, n.input_sizes + n.input_count),
        populations(n.populations, n.populations + n.population_count),
        into(n.population_count),
        depths(n.input_count + n.population_count, 1),
        narrow(n.narrow != 0) {
    for (int32_t k = 0; k < n.projection_count; ++k) {
      projections.emplace_back(n.projections[k]);
      const Projection& p = projections.back();
      into[p.target].push_back(k);
      depths[p.source] = std::max<int64_t>(depths[p.source], p.delay + 1);
    }
    for (SnncPopulation& p : populations) {
      if (narrow) {
        narrow_parameters.emplace_back(p);
      } else {
        wide_parameters.emplace_back(p);
      }
      p.keep_u = p.keep_v = p.theta = p.bias = p.initial = nullptr;  // not ours to keep
    }
  }

  template <class I>
  const Parameters<I>& parameters(size_t k) const {
    if constexpr (sizeof(I) == 4) {
      return narrow_parameters[k];
    } else {
      return wide_parameters[k];
    }
  }

  int64_t bytes() const {
    int64_t total = 0;
    for (const Projection& p : projections) total += p.bytes();
    for (const SnncPopulation& p : populations) total += p.size * 5 * (narrow ? 4 : 8);
    return total;
  }
};

// What one thread needs to run samples.
template <class I>
class Worker {
 public:
  Worker(const Program& program, const SnncRun& run) : program_(program), run_(run) {
    for (const SnncPopulation& p : program.populations) states_.emplace_back(p.size);
    for (const int64_t depth : program.depths) rings_.emplace_back(depth);
    for (size_t i = 0; i < rings_.size(); ++i) {
      const size_t inputs = program.input_sizes.size();
      for (Events& events : rings_[i]) {
        events.reserve(i < inputs ? program.input_sizes[i] : program.populations[i - inputs].size);
        if (i < inputs) events.values.resize(program.input_sizes[i]);
      }
    }
    for (const Projection& p : program.projections) scratch_.push_back(p.scratch());
  }

  void rest() {
    for (size_t k = 0; k < states_.size(); ++k) {
      State& s = states_[k];
      std::fill(s.a.begin(), s.a.end(), I{0});
      std::fill(s.u.begin(), s.u.end(), I{0});
      std::fill(s.pause.begin(), s.pause.end(), 0);
      s.v = program_.template parameters<I>(k).initial;
    }
    for (auto& ring : rings_) {
      for (Events& events : ring) events.clear();
    }
  }

  void step(int64_t k, int64_t sample) {
    for (size_t i = 0; i < program_.input_sizes.size(); ++i) receive(i, k, sample);
    for (size_t i = 0; i < states_.size(); ++i) advance(i, k, sample);
  }

 private:
  struct State {
    std::vector<I> a, u, v;
    std::vector<int32_t> pause, spikes;
    explicit State(int64_t n) : a(n), u(n), v(n), pause(n), spikes(n) {}
  };

  Events& slot(size_t source, int64_t k) {
    auto& ring = rings_[source];
    return ring[k % static_cast<int64_t>(ring.size())];
  }

  void receive(size_t i, int64_t k, int64_t sample) {
    Events& events = slot(i, k);
    events.clear();
    if (k >= run_.steps) return;
    const int64_t n = program_.input_sizes[i];
    const int32_t* x = run_.inputs[i] + (k * run_.batch + sample) * n;
    list(x, n, events);
    for (int64_t j = 0; j < events.count; ++j) {
      events.values[j] = x[events.places[j]];
      events.ones = events.ones && events.values[j] == 1;
    }
  }

  void advance(size_t i, int64_t k, int64_t sample) {
    const SnncPopulation& p = program_.populations[i];
    const size_t source = program_.input_sizes.size() + i;
    Events& sent = slot(source, k);
    sent.clear();
    if (k < p.lag || k >= p.lag + run_.steps) return;
    State& s = states_[i];
    for (const int32_t q : program_.into[i]) {
      const Projection& projection = program_.projections[q];
      if (k < projection.delay) continue;
      projection.add(program_.kernels, slot(projection.source, k - projection.delay), scratch_[q],
                     s.a.data());
    }
    const Parameters<I>& c = program_.template parameters<I>(i);
    const NeuronArrays<I> arrays = {s.a.data(),      s.u.data(),      s.v.data(),
                                    s.pause.data(),  s.spikes.data(), c.keep_u.data(),
                                    c.keep_v.data(), c.theta.data(),  c.bias.data()};
    const Reset reset = static_cast<Reset>(p.reset);
    if constexpr (sizeof(I) == 4) {
      program_.kernels.step_narrow(reset, p.spiking != 0, arrays, p.size, p.refractory);
    } else {
      program_.kernels.step_wide(reset, p.spiking != 0, arrays, p.size, p.refractory);
    }
    if (p.spiking) list(s.spikes.data(), p.size, sent);
    record(run_.recordings[i], s, p.size, (k * run_.batch + sample) * p.size);
  }

  void list(const int32_t* x, int64_t n, Events& events) const {
    events.count = program_.kernels.list_events(x, n, events.places.data());
  }

  static void record(const SnncRecording& r, const State& s, int64_t n, int64_t offset) {
    if (r.spikes) std::copy(s.spikes.begin(), s.spikes.end(), r.spikes + offset);
    if (r.u) {
      for (int64_t j = 0; j < n; ++j) r.u[offset + j] = static_cast<int32_t>(s.u[j]);
    }
    if (r.v) {
      for (int64_t j = 0; j < n; ++j) r.v[offset + j] = static_cast<int32_t>(s.v[j]);
    }
  }

  const Program& program_;
  const SnncRun& run_;
  std::vector<State> states_;
  std::vector<std::vector<Events>> rings_;
  std::vector<Scratch> scratch_;
};

// Samples handed out to threads, and what these report.
class Crew {
 public:
  Crew(const Program& program, const SnncRun& run) : program_(program), run_(run) {}

  int32_t work(SnncProgress progress) {
    const int64_t threads = std::min<int64_t>(std::max(run_.threads, 1), run_.batch);
    std::vector<std::thread> team;
    running_ = threads;
    try {
      for (int64_t i = 0; i < threads; ++i) team.emplace_back([this] { run_samples(); });
    } catch (...) {  // fewer threads than asked for will do, none will not
      std::lock_guard<std::mutex> lock(mutex_);
      running_ -= threads - static_cast<int64_t>(team.size());
      failed_ = failed_ || team.empty();
    }
    watch(progress);
    for (std::thread& member : team) member.join();
    if (failed_) return 2;
    return stopped_ ? 1 : 0;
  }

 private:
  void run_samples() {
    try {
      if (program_.narrow) {
        run_with<int32_t>();
      } else {
        run_with<int64_t>();
      }
    } catch (const std::exception&) {  // only memory can lack
      failed_ = stopped_ = true;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    --running_;
    changed_.notify_one();
  }

  template <class I>
  void run_with() {
    Worker<I> worker(program_, run_);
    for (;;) {
      const int64_t sample = next_.fetch_add(1);
      if (sample >= run_.batch) return;
      worker.rest();
      for (int64_t k = 0; k < run_.steps + run_.latency; ++k) {
        if (stopped_.load(std::memory_order_relaxed)) return;
        worker.step(k, sample);
        done_.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }

  void watch(SnncProgress progress) {
    const int64_t total = run_.batch * (run_.steps + run_.latency);
    std::unique_lock<std::mutex> lock(mutex_);
    while (!changed_.wait_for(lock, std::chrono::milliseconds(50), [this] { return !running_; })) {
      lock.unlock();
      if (!stopped_ && progress(done_.load(), total)) stopped_ = true;
      lock.lock();
    }
  }

  const Program& program_;
  const SnncRun& run_;
  std::atomic<int64_t> next_{0};
  std::atomic<int64_t> done_{0};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t running_ = 0;
};

}  // namespace snnc

extern "C" {

void* snnc_prepare(const SnncNetwork* network, int32_t level) {
  try {
    return new snnc::Program(*network, level < 0 ? snnc::best_level() : level);
  } catch (const std::exception&) {
    return nullptr;
  }
}

void snnc_release(void* program) { delete static_cast<snnc::Program*>(program); }

int32_t snnc_run(void* program, const SnncRun* run, SnncProgress progress) {
  try {
    return snnc::Crew(*static_cast<snnc::Program*>(program), *run).work(progress);
  } catch (const std::exception&) {
    return 2;
  }
}

int64_t snnc_bytes(const void* program) {
  return static_cast<const snnc::Program*>(program)->bytes();
}

int32_t snnc_best_level() { return snnc::best_level(); }
}
