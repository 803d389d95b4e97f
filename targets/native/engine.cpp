// The engine: samples of a network, each from rest, one after the other or on several threads.
//
// A sample depends on no other, so threads share nothing but the weights. The caller works, too; it
// takes helpers when a run has shown that it lasts longer than they take to come. Where there are
// more threads than samples, several may do the steps of one: see team.h.
#include "engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "levels.h"
#include "program.h"
#include "team.h"
#include "worker.h"

namespace snnc {

constexpr auto kTold = std::chrono::milliseconds(50);
constexpr auto kShort = std::chrono::milliseconds(2);  // between two looks at the clock
constexpr auto kLong = std::chrono::milliseconds(20);

// A program, and workers that have nothing to do.
class Prepared {
 public:
  Prepared(const SnncNetwork& n, int level) : program(n, level) {}

  const Program program;

  std::unique_ptr<Worker> take(int parts) {
    std::lock_guard<std::mutex> lock(mutex_);
    while (!idle_.empty() && idle_.back()->parts != parts) idle_.pop_back();
    if (idle_.empty()) return std::make_unique<Worker>(program, parts);
    std::unique_ptr<Worker> worker = std::move(idle_.back());
    idle_.pop_back();
    return worker;
  }
  void give(std::unique_ptr<Worker> worker) {
    std::lock_guard<std::mutex> lock(mutex_);
    idle_.push_back(std::move(worker));
  }

  // With what one thread needs, which is kept for it.
  int64_t bytes() {
    std::unique_ptr<Worker> worker = take(1);
    const int64_t total = program.bytes() + worker->bytes();
    give(std::move(worker));
    return total;
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> idle_;
};

// The steps of a sample, by one thread or by several.
class Stepper {
 public:
  // `always` shares every step.
  Stepper(Worker& worker, bool always) : worker_(worker), always_(always) {}

  void step(int64_t k) {
    if (worker_.parts == 1) return worker_.step(k);
    if (always_ || pace_.shared()) {
      k_ = k;
      if (!team_) {
        team_ = std::make_unique<Team>(
            worker_.parts, [this](int part) { worker_.step_part(part, k_); });
      }
      team_->step();
    } else {
      worker_.step(k);
    }
    pace_.stepped();
  }

 private:
  Worker& worker_;
  bool always_;
  Pace pace_;
  int64_t k_ = 0;
  std::unique_ptr<Team> team_;
};

// The samples of a run, handed out to threads, and what these report.
class Crew {
 public:
  Crew(Prepared& prepared, const SnncRun& run, SnncProgress progress)
      : prepared_(prepared), run_(run), progress_(progress),
        total_(run.batch * (run.steps + run.latency)), parts_(parts_of(prepared.program, run)) {}

  int32_t work() {
    told_ = begin_ = last_ = Clock::now();
    run_samples(true);
    for (std::unique_lock<std::mutex> lock(mutex_); helpers_ > 0;) {
      if (changed_.wait_for(lock, kTold, [this] { return helpers_ == 0; })) break;
      lock.unlock();
      tell();
      lock.lock();
    }
    for (std::thread& member : team_) member.join();
    if (failed_) return 2;
    return stopped_ ? 1 : 0;
  }

 private:
  void run_samples(bool caller) {
    try {
      std::unique_ptr<Worker> worker = prepared_.take(parts_);
      worker->begin(run_);
      Stepper stepper(*worker, run_.parts > 0);
      const int64_t steps = run_.steps + run_.latency;
      for (int64_t sample; (sample = next_.fetch_add(1)) < run_.batch && !stopped_;) {
        worker->rest(sample);
        for (int64_t k = 0; k < steps; ++k) {
          if (stopped_.load(std::memory_order_relaxed)) break;
          stepper.step(k);
          if (caller && --until_look_ == 0) look(k + 1);
        }
        done_.fetch_add(steps, std::memory_order_relaxed);
        if (caller) own_ = 0;
      }
      prepared_.give(std::move(worker));
    } catch (const std::exception&) {  // only memory can lack
      failed_ = stopped_ = true;
    }
  }

  static int parts_of(const Program& program, const SnncRun& run) {
    if (!program.axons.empty()) return 1;
    if (run.parts > 0) return run.parts;
    if (!program.pays_sharing()) return 1;
    return static_cast<int>(std::max<int64_t>(run.threads / run.batch, 1));
  }

  // Now and then on the caller's thread: looks less often the shorter steps are.
  void look(int64_t own) {
    own_ = own;
    const Clock::time_point now = Clock::now();
    const auto since = now - last_;
    if (since < kShort) interval_ *= 2;
    if (since > kLong && interval_ > 1) interval_ /= 2;
    until_look_ = interval_;
    last_ = now;
    if (!called_ && now - begin_ >= std::chrono::microseconds(run_.patience)) call_helpers();
    if (now - told_ > kTold) tell();
  }

  void call_helpers() {
    called_ = true;
    const int64_t left = run_.batch - next_.load();
    const int64_t count = std::min<int64_t>(run_.threads - 1, left);
    try {
      for (int64_t i = 0; i < count; ++i) {
        {
          std::lock_guard<std::mutex> lock(mutex_);
          ++helpers_;
        }
        team_.emplace_back([this] { help(); });
      }
    } catch (const std::exception&) {  // fewer than asked for will do
      std::lock_guard<std::mutex> lock(mutex_);
      --helpers_;
    }
  }

  void help() {
    run_samples(false);
    std::lock_guard<std::mutex> lock(mutex_);
    --helpers_;
    changed_.notify_one();
  }

  void tell() {
    told_ = Clock::now();
    if (!stopped_ && progress_(done_.load() + own_, total_)) stopped_ = true;
  }

  Prepared& prepared_;
  const SnncRun& run_;
  SnncProgress progress_;
  const int64_t total_;
  const int parts_;
  std::atomic<int64_t> next_{0};
  std::atomic<int64_t> done_{0};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t helpers_ = 0;
  std::vector<std::thread> team_;
  // of the caller's thread
  Clock::time_point begin_, last_, told_;
  int64_t own_ = 0;  // steps of a sample that is not done
  int64_t interval_ = 1, until_look_ = 1;
  bool called_ = false;
};

}  // namespace snnc

extern "C" {

void* snnc_prepare(const SnncNetwork* network, int32_t level) {
  try {
    return new snnc::Prepared(*network, level < 0 ? snnc::best_level() : level);
  } catch (const std::exception&) {
    return nullptr;
  }
}

void snnc_release(void* program) { delete static_cast<snnc::Prepared*>(program); }

int32_t snnc_run(void* program, const SnncRun* run, SnncProgress progress) {
  try {
    return snnc::Crew(*static_cast<snnc::Prepared*>(program), *run, progress).work();
  } catch (const std::exception&) {
    return 2;
  }
}

int64_t snnc_bytes(void* program) {
  try {
    return static_cast<snnc::Prepared*>(program)->bytes();
  } catch (const std::exception&) {
    return -1;
  }
}

int32_t snnc_best_level() { return snnc::best_level(); }
}
