// Lists of synapses in memory, one for each source.
//
// A list is a record: the number of its synapses, their targets, their weights. It begins on a
// new line of the cache only where it would reach into one more than it needs. Lists lie on large
// pages, as they are far apart, and those that are needed next are fetched ahead, into the second
// cache: the first is for the sums. What is read for a synapse decides the time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "weights.h"

namespace snnc {

// An array that nobody initializes, on large pages where it is large and the machine has them.
template <class T>
class Pages {
 public:
  explicit Pages(int64_t size) : size_(size) {
    const size_t wanted = static_cast<size_t>(size) * sizeof(T);
    const size_t bytes = (wanted + kLine - 1) / kLine * kLine + kLine;
    const bool large = bytes >= kPage;
    const size_t alignment = large ? kPage : kLine;
    data_ = static_cast<T*>(
        std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment));
    if (!data_) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
    if (large) madvise(data_, bytes, MADV_HUGEPAGE);  // advice: it may be refused
#endif
  }
  Pages(Pages&& other) noexcept
      : size_(other.size_), data_(std::exchange(other.data_, nullptr)) {}
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  Pages& operator=(Pages&&) = delete;
  ~Pages() { std::free(data_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  int64_t bytes() const { return size_ * static_cast<int64_t>(sizeof(T)); }

 private:
  static constexpr size_t kLine = 64, kPage = size_t{1} << 21;
  int64_t size_;
  T* data_;
};

inline void fetch(const char* from, const char* to) {
#if defined(__GNUC__)
  from -= reinterpret_cast<uintptr_t>(from) % 64;
  for (; from < to; from += 64) __builtin_prefetch(from, 0, 2);
  asm volatile("");  // without it a compiler thinks that this does nothing, and leaves it out
#else
  (void)from, (void)to;
#endif
}

// The synapses of a record, as targets and then weights.
template <class Target, class Weight>
class Split {
 public:
  static constexpr int64_t kBytes = sizeof(Target) + sizeof(Weight);  // of a synapse

  Split(const char* at, int64_t count)
      : targets_(reinterpret_cast<const Target*>(at)),
        weights_(reinterpret_cast<const Weight*>(targets_ + count)) {}

  static void write(char* at, int64_t count, int64_t k, int32_t target, int32_t weight) {
    reinterpret_cast<Target*>(at)[k] = static_cast<Target>(target);
    at += count * static_cast<int64_t>(sizeof(Target));
    reinterpret_cast<Weight*>(at)[k] = static_cast<Weight>(weight);
  }
  int32_t target(int64_t k) const { return static_cast<int32_t>(targets_[k]); }
  int32_t weight(int64_t k) const { return weights_[k]; }
  void fetch_part(int64_t begin, int64_t end) const {
    fetch(bytes(targets_ + begin), bytes(targets_ + end));
    fetch(bytes(weights_ + begin), bytes(weights_ + end));
  }

 private:
  static const char* bytes(const void* p) { return static_cast<const char*>(p); }

  const Target* targets_;
  const Weight* weights_;
};

// Target and weight in one word.
template <int kBits>  // of a weight with its sign
class Packed {
 public:
  static constexpr int64_t kBytes = 4;
  static constexpr int64_t kTargets = int64_t{1} << (32 - kBits);

  Packed(const char* at, int64_t) : words_(reinterpret_cast<const uint32_t*>(at)) {}

  static void write(char* at, int64_t, int64_t k, int32_t target, int32_t weight) {
    reinterpret_cast<uint32_t*>(at)[k] = static_cast<uint32_t>(target) << kBits |
                                         (static_cast<uint32_t>(weight) & ((1u << kBits) - 1));
  }
  int32_t target(int64_t k) const { return static_cast<int32_t>(words_[k] >> kBits); }
  int32_t weight(int64_t k) const {
    return static_cast<int32_t>(words_[k] << (32 - kBits)) >> (32 - kBits);
  }
  void fetch_part(int64_t begin, int64_t end) const {
    const char* at = reinterpret_cast<const char*>(words_);
    fetch(at + begin * kBytes, at + end * kBytes);
  }

 private:
  const uint32_t* words_;
};

// What sources sent; without values each sent 1.
struct Sent {
  const int32_t* sources;
  const int32_t* values;
  int64_t count;
};

// The lists of all sources, in one of these forms.
class Lists {
 public:
  virtual ~Lists() = default;
  // Synapse `k` of a source, of as many as were said.
  virtual void set(int64_t source, int64_t k, int32_t target, int32_t weight) = 0;
  // sums[target] += weight * value, of the lists or of a part of each, where there are `cuts`.
  virtual void add(const Cut* cuts, const Sent& sent, int32_t* sums) const = 0;
  virtual void add(const Cut* cuts, const Sent& sent, int16_t* sums) const = 0;
  // For each source the part of its list with targets from `first` to before `last`.
  virtual std::vector<Cut> cut(int64_t first, int64_t last) const = 0;
  virtual int64_t bytes() const = 0;
};

template <class Synapses>
class ListsOf : public Lists {
 public:
  // `counts` has the synapses of each source.
  explicit ListsOf(const std::vector<int32_t>& counts)
      : begins_(places(counts)), records_(int64_t{begins_.back()} * kUnit) {
    for (size_t s = 0; s < counts.size(); ++s) {
      if (begins_[s] != begins_[s + 1]) std::memcpy(record(s), &counts[s], kHead);
    }
  }

  void set(int64_t source, int64_t k, int32_t target, int32_t weight) override {
    Synapses::write(record(source) + kHead, whole(source).of, k, target, weight);
  }
  void add(const Cut* cuts, const Sent& sent, int32_t* sums) const override {
    add_any(cuts, sent, sums);
  }
  void add(const Cut* cuts, const Sent& sent, int16_t* sums) const override {
    add_any(cuts, sent, sums);
  }
  std::vector<Cut> cut(int64_t first, int64_t last) const override {
    std::vector<Cut> cuts(begins_.size() - 1);
    for (size_t s = 0; s < cuts.size(); ++s) {
      const Cut all = whole(s);
      const int32_t begin = find(s, all, first);
      cuts[s] = {begin, find(s, {begin, all.end, all.of}, last), all.of};
    }
    return cuts;
  }
  int64_t bytes() const override {
    return records_.bytes() + static_cast<int64_t>(begins_.size() * sizeof(uint32_t));
  }

 private:
  static constexpr int64_t kUnit = 16, kLine = 64;  // bytes
  static constexpr int64_t kHead = sizeof(int32_t);
  static constexpr int64_t kAhead = 8;  // lists

  // Where each record begins, in units; nothing is between two where there are no synapses.
  static std::vector<uint32_t> places(const std::vector<int32_t>& counts) {
    std::vector<uint32_t> begins(counts.size() + 1);
    int64_t at = 0;
    for (size_t s = 0; s < counts.size(); ++s) {
      const int64_t size = counts[s] == 0 ? 0 : kHead + counts[s] * Synapses::kBytes;
      const int64_t in_line = at % kLine;
      if (padded(in_line + size, kLine) > padded(size, kLine)) at += kLine - in_line;
      begins[s] = static_cast<uint32_t>(at / kUnit);
      at += padded(size, kUnit);
    }
    begins.back() = static_cast<uint32_t>(at / kUnit);
    return begins;
  }

  const char* record(int64_t source) const {
    return records_.data() + int64_t{begins_[source]} * kUnit;
  }
  char* record(int64_t source) { return records_.data() + int64_t{begins_[source]} * kUnit; }
  Synapses synapses(int64_t source, const Cut& list) const {
    return Synapses(record(source) + kHead, list.of);
  }
  Cut whole(int64_t source) const {
    int32_t count = 0;
    if (begins_[source] != begins_[source + 1]) std::memcpy(&count, record(source), kHead);
    return {0, count, count};
  }

  // The first synapse of a part of a list whose target is `target` or behind it.
  int32_t find(int64_t source, Cut in, int64_t target) const {
    const Synapses list = synapses(source, in);
    while (in.begin < in.end) {
      const int32_t middle = in.begin + (in.end - in.begin) / 2;
      if (list.target(middle) < target) {
        in.begin = middle + 1;
      } else {
        in.end = middle;
      }
    }
    return in.begin;
  }

  template <class Sum>
  void add_any(const Cut* cuts, const Sent& sent, Sum* sums) const {
    if (!cuts) {
      const auto ahead = [this](int32_t s) { fetch(record(s), record(s + 1)); };
      return add_lists([this](int32_t s) { return whole(s); }, ahead, sent, sums);
    }
    const auto ahead = [=](int32_t s) {
      const Cut cut = cuts[s];
      if (cut.begin < cut.end) synapses(s, cut).fetch_part(cut.begin, cut.end);
    };
    add_lists([=](int32_t s) { return cuts[s]; }, ahead, sent, sums);
  }

  // `of` gives the part of the list of a source, and `ahead` fetches it.
  template <class Of, class Ahead, class Sum>
  void add_lists(const Of& of, const Ahead& ahead, const Sent& sent, Sum* sums) const {
    for (int64_t k = 0; k < std::min(kAhead, sent.count); ++k) ahead(sent.sources[k]);
    for (int64_t k = 0; k < sent.count; ++k) {
      if (k + kAhead < sent.count) ahead(sent.sources[k + kAhead]);
      const int32_t source = sent.sources[k];
      const Cut cut = of(source);
      if (sent.values) {
        add_list<false>(synapses(source, cut), cut, sent.values[k], sums);
      } else {
        add_list<true>(synapses(source, cut), cut, 1, sums);
      }
    }
  }

  template <bool Ones, class Sum>
  static void add_list(const Synapses& list, const Cut& cut, int32_t value, Sum* sums) {
    int64_t k = cut.begin;
    for (; k + 4 <= cut.end; k += 4) {  // no target stands twice, so four may be read first
      const int32_t t[4] = {list.target(k), list.target(k + 1), list.target(k + 2),
                            list.target(k + 3)};
      for (int j = 0; j < 4; ++j) {
        const int32_t w = list.weight(k + j);
        sums[t[j]] += static_cast<Sum>(Ones ? w : w * value);
      }
    }
    for (; k < cut.end; ++k) {
      const int32_t w = list.weight(k);
      sums[list.target(k)] += static_cast<Sum>(Ones ? w : w * value);
    }
  }

  std::vector<uint32_t> begins_;
  Pages<char> records_;
};

}  // namespace snnc
