// Threads that share the steps of one sample, and when that pays.
//
// The caller does the first part of a step and helpers the others; it waits for them before the
// next. Waiting is done awake, as a step takes microseconds, but in vain where other processes
// have the cores. So the caller measures, now and then, whether it is faster alone.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "events.h"

namespace snnc {

using Clock = std::chrono::steady_clock;

inline void breathe() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class Team {
 public:
  // `work` is called with a part from 0 to `parts` - 1, with 0 on the caller's thread.
  Team(int parts, std::function<void(int)> work) : work_(std::move(work)) {
    try {
      for (int part = 1; part < parts; ++part) {
        threads_.emplace_back([this, part] { help(part); });
      }
    } catch (...) {
      leave();
      throw;
    }
  }
  ~Team() { leave(); }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // One step of all parts.
  void step() {
    left_.store(static_cast<int64_t>(threads_.size()), std::memory_order_relaxed);
    begin();
    work_(0);
    for (int spins = 0; left_.load(std::memory_order_acquire) > 0; ++spins) {
      if (spins < kSpins) {
        breathe();
      } else {
        std::this_thread::yield();
      }
    }
  }

 private:
  static constexpr int kSpins = 4000, kYields = 200;

  void begin() {
    step_.fetch_add(1);
    if (asleep_.load() == 0) return;
    { std::lock_guard<std::mutex> lock(mutex_); }  // whoever falls asleep has seen the step before
    wake_.notify_all();
  }

  void help(int part) {
    for (int64_t seen = 0;; ++seen) {
      wait(seen);
      if (over_.load()) return;
      work_(part);
      left_.fetch_sub(1, std::memory_order_release);
    }
  }

  void wait(int64_t seen) {
    for (int spins = 0; spins < kSpins + kYields; ++spins) {
      if (step_.load(std::memory_order_acquire) != seen) return;
      if (spins < kSpins) {
        breathe();
      } else {
        std::this_thread::yield();
      }
    }
    std::unique_lock<std::mutex> lock(mutex_);
    asleep_.fetch_add(1);
    wake_.wait(lock, [&] { return step_.load() != seen; });
    asleep_.fetch_sub(1);
  }

  void leave() {
    over_ = true;
    begin();
    for (std::thread& t : threads_) t.join();
  }

  const std::function<void(int)> work_;
  std::vector<std::thread> threads_;
  alignas(kApart) std::atomic<int64_t> step_{0};  // that the helpers are to do
  alignas(kApart) std::atomic<int64_t> left_{0};  // helpers that still do it
  alignas(kApart) std::atomic<int64_t> asleep_{0};
  std::atomic<bool> over_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
};

// Whether the next step is shared: first it is not, for a while it is, and what is faster goes on.
class Pace {
 public:
  bool shared() const { return shared_; }

  // After every step.
  void stepped() {
    ++steps_;
    const Clock::time_point now = Clock::now();
    const Nanoseconds taken = now - since_;
    const bool late = shared_ && taken > steps_ * alone_ + (settling_ ? kSettled : kWindow);
    if (!late && (taken < kWindow || steps_ < kSteps)) return;
    const Nanoseconds each = taken / steps_;
    if (!shared_) {
      alone_ = each;
      shared_ = settling_ = now >= again_;
    } else if (settling_ && !late) {
      settling_ = false;  // the others had to come, or to wake
    } else if (late || each > kGain * alone_) {
      shared_ = false;
      again_ = now + pause_;
      pause_ = pause_ < kLongest ? 2 * pause_ : pause_;
    } else {
      pause_ = kShortest;
      if (now - compared_ > kCompared) {  // how fast it is alone may have changed
        shared_ = false;
        again_ = compared_ = now;
      }
    }
    steps_ = 0;
    since_ = now;
  }

 private:
  using Nanoseconds = std::chrono::duration<double, std::nano>;
  static constexpr int64_t kSteps = 4;
  static constexpr double kGain = 0.95;
  static constexpr auto kWindow = std::chrono::milliseconds(1);
  static constexpr auto kSettled = std::chrono::milliseconds(5);
  static constexpr auto kCompared = std::chrono::milliseconds(250);
  static constexpr auto kShortest = std::chrono::milliseconds(20);
  static constexpr auto kLongest = std::chrono::milliseconds(1000);

  bool shared_ = false, settling_ = false;
  int64_t steps_ = 0;
  Nanoseconds alone_{0};  // a step
  Clock::duration pause_ = kShortest;
  Clock::time_point since_ = Clock::now(), again_ = since_, compared_ = since_;
};

}  // namespace snnc
