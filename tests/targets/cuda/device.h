// The emulated device behind the driver: streams whose work is done late, graphs, modules, and a
// record of what kernels and host did wrong.
//
// Work that a host queues is done when something waits for it, or before, at moments that a seed
// draws: each order that CUDA allows may happen, and what the host reads too early is poison.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "runner.h"

namespace emulated {

using machine::Kernel;

inline int64_t number(const char* name, int64_t otherwise) {
  const char* given = std::getenv(name);
  return given && *given ? std::strtoll(given, nullptr, 10) : otherwise;
}

struct Op {
  std::function<void()> work;
  std::vector<std::shared_ptr<Op>> after;
  bool done = false;
};
using Ops = std::shared_ptr<Op>;

struct Node {
  std::function<void()> work;
  std::vector<size_t> after;
};
struct Graph {
  std::vector<Node> nodes;
};

struct Stream {
  bool blocking = true;  // waits for the default stream, and that for it
  Ops last;
  std::shared_ptr<Graph> capture;
  std::vector<size_t> front;  // nodes that the next one comes after
  bool invalid = false;       // something was done that a capture forbids
};
struct Event {
  Ops recorded;
  std::shared_ptr<Graph> capture;
  std::vector<size_t> front;
};
struct Module {
  void* library;
  std::string text;
};
struct Function {
  const Kernel* kernel;
  void (*resume)(machine::Thread*);
};

struct Device {
  machine::Memory memory;
  machine::Faults faults;
  machine::Runner runner{memory, faults};
  std::mt19937 random{static_cast<uint32_t>(number("EMULATED_SEED", 0))};
  Stream default_stream;
  std::vector<Ops> pending;
  std::map<uint64_t, uint64_t> pinned;  // host memory by its address: its size
  std::set<Stream*> streams;
  std::set<Event*> events;
  std::set<Module*> modules;
  std::set<std::shared_ptr<Graph>*> graphs;
  std::set<Graph*> executables;
  std::map<std::string, int64_t> launched;  // how often each kernel
  int64_t retained = 0, allocations = 0, launches = 0;
  int32_t broken = 0;  // what every call answers from then on

  void fault(const std::string& text) { faults.add(text, text); }

  // Queues work, or makes it a node where the stream is captured.
  void queue(Stream& stream, std::function<void()> work) {
    if (stream.capture) {
      stream.capture->nodes.push_back({std::move(work), stream.front});
      stream.front = {stream.capture->nodes.size() - 1};
      return;
    }
    auto op = std::make_shared<Op>();
    op->work = std::move(work);
    if (stream.last) op->after.push_back(stream.last);
    if (&stream == &default_stream) {
      for (Stream* other : streams) {
        if (other->blocking && other->last) op->after.push_back(other->last);
      }
    } else if (stream.blocking && default_stream.last) {
      op->after.push_back(default_stream.last);
    }
    stream.last = op;
    pending.push_back(op);
    some();
  }

  // Does what comes before `op`, and then it.
  void finish(const Ops& op) {
    std::vector<Ops> stack{op};
    while (!stack.empty()) {
      const Ops top = stack.back();
      const auto open = std::find_if(top->after.begin(), top->after.end(),
                                     [](const Ops& other) { return other && !other->done; });
      if (!top->done && open != top->after.end()) {
        stack.push_back(*open);
        continue;
      }
      if (!top->done && !broken) top->work();
      top->done = true;
      top->after.clear();
      top->work = nullptr;
      stack.pop_back();
    }
  }
  void finish(Stream& stream) {
    if (stream.last) finish(stream.last);
    stream.last = nullptr;
  }
  void finish() {
    for (const Ops& op : std::vector<Ops>(pending)) finish(op);
    pending.clear();
  }

  // Does some of what is queued: never, now and then, or nearly always, as the seed wants it.
  void some() {
    static const uint32_t chances[] = {0, 30, 90};
    const uint32_t chance = chances[number("EMULATED_SEED", 0) % 3];
    while (!pending.empty() && random() % 100 < chance) {
      finish(pending[random() % pending.size()]);
      tidy();
    }
    if (pending.size() > 4096) tidy();
  }
  void tidy() {
    pending.erase(std::remove_if(pending.begin(), pending.end(),
                                 [](const Ops& op) { return op->done; }),
                  pending.end());
  }

  // Does the nodes of a graph, in an order that is drawn.
  void replay(const Graph& graph) {
    std::vector<bool> done(graph.nodes.size());
    for (size_t left = graph.nodes.size(); left; --left) {
      std::vector<size_t> ready;
      for (size_t k = 0; k < graph.nodes.size(); ++k) {
        const auto& after = graph.nodes[k].after;
        if (!done[k] && std::all_of(after.begin(), after.end(), [&](size_t b) { return done[b]; })) {
          ready.push_back(k);
        }
        if (graph.nodes.size() > 64 && !ready.empty()) break;
      }
      const size_t chosen = ready[random() % ready.size()];
      if (!broken) graph.nodes[chosen].work();
      done[chosen] = true;
    }
  }

  void run(const Function& function, machine::Launch launch) {
    ++launched[function.kernel->name];
    if (++launches == number("EMULATED_FAIL_LAUNCH", 0)) {
      broken = 719;  // CUDA_ERROR_LAUNCH_FAILED
      return;
    }
    launch.order = static_cast<int32_t>(random() % 3);
    launch.seed = random();
    runner.resume = function.resume;
    runner.run(*function.kernel, launch);
    if (faults.fatal) broken = 700;  // CUDA_ERROR_ILLEGAL_ADDRESS
  }

  // The region of `size` bytes of device memory, or null.
  machine::Region* region(uint64_t address, uint64_t size) { return memory.find(address, size); }
  bool is_pinned(const void* address, uint64_t size) const {
    const uint64_t at = reinterpret_cast<uint64_t>(address);
    auto after = pinned.upper_bound(at);
    if (after == pinned.begin()) return false;
    --after;
    return at - after->first <= after->second && size <= after->second - (at - after->first);
  }

  void write(uint64_t to, const void* from, uint64_t size) {
    machine::Region* into = region(to, size);
    if (!into) return fault("a copy into memory that is not there any more");
    std::memcpy(reinterpret_cast<void*>(to), from, size);
    into->wrote(to - reinterpret_cast<uint64_t>(into->begin), size);
  }
  // What nobody wrote is copied as such: poison for the host, and a fault of the kernel that reads
  // a copy of it.
  void copy(uint64_t to, uint64_t from, uint64_t size) {
    machine::Region* into = region(to, size);
    machine::Region* of = region(from, size);
    if (!into || !of) return fault("a copy of memory that is not there any more");
    std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), size);
    into->wrote_like(to - reinterpret_cast<uint64_t>(into->begin), *of,
                     from - reinterpret_cast<uint64_t>(of->begin), size);
  }
};

}  // namespace emulated
