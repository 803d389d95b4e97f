// Runs the threads of a launch one after the other, in an order that is drawn.
//
// Threads of a kernel that has barriers or shared memory are fibers: each runs until it waits, and
// when all of its block wait they go on. All others are plain calls, in an order over the whole
// grid.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "memory.h"

namespace machine {

enum Order : int32_t { kAscending, kDescending, kShuffled };

struct Launch {
  Dim grid, block;
  uint32_t dynamic_bytes;
  void* const* parameters;
  int32_t order;
  uint32_t seed;
};

// What went wrong, in words, once for each kind, and how often in all.
struct Faults {
  std::vector<std::string> texts;
  std::set<std::string> kinds;
  int64_t count = 0;
  bool fatal = false;  // memory that is not the kernel's; a device stops there

  void add(const std::string& kind, const std::string& text) {
    ++count;
    if (kinds.insert(kind).second) texts.push_back(text);
  }
};

class Runner final : public Machine {
 public:
  static constexpr int64_t kFuel = 1 << 22;
  static constexpr size_t kStack = 128 << 10;

  Runner(Memory& memory, Faults& faults) : memory_(memory), faults_(faults) {}

  void run(const Kernel& kernel, const Launch& launch) {
    kernel_ = &kernel, launch_ = &launch;
    number_ = ++numbers_;
    threads_ = launch.block.x * launch.block.y * launch.block.z;
    const uint32_t blocks = launch.grid.x * launch.grid.y * launch.grid.z;
    random_.seed(launch.seed);
    if (kernel.together || launch.dynamic_bytes) {
      local_.assign(kernel.shared_bytes + launch.dynamic_bytes, kPoison);
      shared_.begin = local_.data();
      shared_.size = local_.size();
      shared_.bytes.assign(local_.size(), Byte{});
      for (uint32_t block : ordered(blocks)) run_block(block);
    } else {
      Fiber alone;
      for (uint32_t k : ordered(blocks * threads_)) {
        prepare(alone, k / threads_, k % threads_);
        current_ = &alone;
        body(alone);
      }
    }
  }

  void* global(Thread& thread, uint64_t address, uint32_t bytes, Access access,
               int32_t line) override {
    Region* region = memory_.find(address, bytes);
    if (!region) fatal(thread, access, bytes, "outside of all allocations", line);
    const uint64_t offset = address - reinterpret_cast<uint64_t>(region->begin);
    return touched(*region, thread, address, offset, bytes, access, line);
  }

  void* shared(Thread& thread, uint64_t offset, uint32_t bytes, Access access,
               int32_t line) override {
    if (offset > shared_.size || bytes > shared_.size - offset) {
      fatal(thread, access, bytes, "outside of shared memory", line);
    }
    return touched(shared_, thread, offset, offset, bytes, access, line);
  }

  void barrier(Thread& thread, int32_t line) override {
    Fiber& fiber = *current_;
    fiber.waits = line + 1;
    leave(fiber);
    resumed(thread);
  }

  void endless(Thread& thread, int32_t line) override {
    say(thread, "does not end", line);
    faults_.fatal = true;
    throw Ended{};
  }

  // The host build keeps the running thread where threadIdx finds it.
  void (*resume)(Thread*) = nullptr;

 private:
  struct Ended {};
  struct Fiber {
    Thread thread;
    Who who;
    ucontext_t here;
    jmp_buf place;
    std::unique_ptr<char[]> stack;
    int32_t waits = 0;  // at a barrier: its line + 1
    bool done = true;
    Runner* runner = nullptr;
  };

  std::vector<uint32_t> ordered(uint32_t count) {
    std::vector<uint32_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 0u);
    if (launch_->order == kDescending) std::reverse(numbers.begin(), numbers.end());
    if (launch_->order == kShuffled) std::shuffle(numbers.begin(), numbers.end(), random_);
    return numbers;
  }

  static Dim place(uint32_t k, const Dim& of) {
    return {k % of.x, k / of.x % of.y, k / of.x / of.y};
  }

  void prepare(Fiber& fiber, uint32_t block, uint32_t thread) {
    fiber.thread = {this,          place(thread, launch_->block), place(block, launch_->grid),
                    launch_->block, launch_->grid,                 launch_->parameters,
                    kFuel};
    fiber.who = {block * threads_ + thread, block, 0};
    fiber.waits = 0;
    fiber.done = false;
    fiber.runner = this;
  }

  void resumed(Thread& thread) {
    if (resume) resume(&thread);
  }

  void body(Fiber& fiber) {
    resumed(fiber.thread);
    try {
      kernel_->body(fiber.thread);
    } catch (const Ended&) {
      fiber.who.phase = ~0u;
    }
    fiber.done = true;
  }

  static void enter(uint32_t high, uint32_t low) {
    Fiber* fiber = reinterpret_cast<Fiber*>((uint64_t{high} << 32) | low);
    for (;;) {
      fiber->runner->body(*fiber);
      fiber->runner->leave(*fiber);
    }
  }

  // Jumps need no call of the kernel, so a fiber is entered as a context only once. The address
  // sanitizer follows contexts, and not jumps.
  static bool jumps() { return !__asan_poison_memory_region; }

  void leave(Fiber& fiber) {
    if (!jumps()) {
      swapcontext(&fiber.here, &scheduler_);
    } else if (!_setjmp(fiber.place)) {
      _longjmp(back_, 1);
    }
  }

  __attribute__((noinline)) void go_on(Fiber& fiber, bool fresh) {
    if (!jumps()) {
      swapcontext(&scheduler_, &fiber.here);
    } else if (!_setjmp(back_)) {
      if (fresh) setcontext(&fiber.here);
      _longjmp(fiber.place, 1);
    }
  }

  void run_block(uint32_t block) {
    shared_.forget(++numbers_);
    while (fibers_.size() < threads_) fibers_.push_back(std::make_unique<Fiber>());
    fresh_.assign(threads_, false);
    for (uint32_t k = 0; k < threads_; ++k) {
      Fiber& fiber = *fibers_[k];
      // One that ended waits for its next thread; one that was left in the middle begins anew.
      fresh_[k] = !fiber.stack || !fiber.done;
      prepare(fiber, block, k);
      if (!fresh_[k]) continue;
      fiber.stack = std::make_unique<char[]>(kStack);
      getcontext(&fiber.here);
      fiber.here.uc_stack.ss_sp = fiber.stack.get();
      fiber.here.uc_stack.ss_size = kStack;
      fiber.here.uc_link = nullptr;
      const uint64_t address = reinterpret_cast<uint64_t>(&fiber);
      makecontext(&fiber.here, reinterpret_cast<void (*)()>(enter), 2,
                  static_cast<uint32_t>(address >> 32), static_cast<uint32_t>(address));
    }
    while (advance()) {
    }
  }

  // Lets each thread of the block run to its next barrier. Says whether all of them are at one.
  bool advance() {
    uint32_t waiting = 0;
    int32_t line = 0;
    bool apart = false, ended = false;
    for (uint32_t k : ordered(threads_)) {
      Fiber& fiber = *fibers_[k];
      if (fiber.done) continue;
      fiber.waits = 0;
      current_ = &fiber;
      go_on(fiber, fresh_[k]);
      fresh_[k] = false;
    }
    Fiber* late = nullptr;
    for (uint32_t k = 0; k < threads_; ++k) {
      Fiber& fiber = *fibers_[k];
      ended = ended || (fiber.done && fiber.who.phase == ~0u);
      if (fiber.done) continue;
      ++waiting;
      apart = apart || (line && line != fiber.waits);
      line = fiber.waits;
      late = &fiber;
      ++fiber.who.phase;
    }
    if (!waiting) return false;
    if (ended) return false;  // said already
    if (apart || waiting < threads_) {
      say(late->thread, apart ? "waits at another barrier than others of its block"
                              : "waits at a barrier that others of its block never reach",
          line - 1);
      return false;
    }
    return true;
  }

  void* touched(Region& region, Thread& thread, uint64_t address, uint64_t offset, uint32_t bytes,
                Access access, int32_t line) {
    if (address % bytes) fatal(thread, access, bytes, "at an address that is no multiple", line);
    // Shared memory lives as long as its block.
    const uint32_t number = &region == &shared_ ? shared_.life : number_;
    if (const char* wrong = region.touch(offset, bytes, access, current_->who, number)) {
      say(thread, described(access, bytes, wrong), line);
    }
    return region.begin + offset;
  }

  static std::string described(Access access, uint32_t bytes, const char* wrong) {
    static const char* const names[] = {"a load", "a store", "an atomic operation"};
    return std::string(names[access]) + " of " + std::to_string(bytes) + " bytes " + wrong;
  }

  [[noreturn]] void fatal(Thread& thread, Access access, uint32_t bytes, const char* wrong,
                          int32_t line) {
    say(thread, described(access, bytes, wrong), line);
    faults_.fatal = true;
    throw Ended{};
  }

  void say(const Thread& t, const std::string& what, int32_t line) {
    char place[160];
    std::snprintf(place, sizeof place, ", block (%u, %u, %u), thread (%u, %u, %u), line %d: ",
                  t.block.x, t.block.y, t.block.z, t.index.x, t.index.y, t.index.z, line);
    faults_.add(kernel_->name + what, kernel_->name + std::string(place) + what);
  }

  Memory& memory_;
  Faults& faults_;
  const Kernel* kernel_ = nullptr;
  const Launch* launch_ = nullptr;
  uint32_t numbers_ = 1;  // of launches and blocks
  uint32_t number_ = 0, threads_ = 0;
  std::mt19937 random_;
  std::vector<uint8_t> local_;
  Region shared_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<bool> fresh_;  // of the block: not entered yet
  ucontext_t scheduler_;
  jmp_buf back_;
  Fiber* current_ = nullptr;
};

}  // namespace machine
