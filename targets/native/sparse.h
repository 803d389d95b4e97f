// Weights of which few are not zero: for each source a list of targets and weights.
//
// An event adds its list to the sums of the targets. How a synapse lies in memory depends on the
// number of targets: what is read for it decides the time. Lists that are needed next are fetched
// ahead, and lie on large pages, as they are far apart.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
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

inline void fetch(const void* from, const void* to) {
#if defined(__GNUC__)
  const char* end = static_cast<const char*>(to);
  for (const char* p = static_cast<const char*>(from); p < end; p += 64) __builtin_prefetch(p);
#else
  (void)from, (void)to;
#endif
}

// Targets and weights in arrays of their own.
template <class Target, class Weight>
class SplitSynapses {
 public:
  explicit SplitSynapses(int64_t count) : targets_(count), weights_(count) {}

  void set(int64_t k, int32_t target, int32_t weight) {
    targets_.data()[k] = static_cast<Target>(target);
    weights_.data()[k] = static_cast<Weight>(weight);
  }
  int32_t target(int64_t k) const { return static_cast<int32_t>(targets_.data()[k]); }
  int32_t weight(int64_t k) const { return weights_.data()[k]; }
  void fetch_list(int64_t from, int64_t to) const {
    fetch(targets_.data() + from, targets_.data() + to);
    fetch(weights_.data() + from, weights_.data() + to);
  }
  int64_t bytes() const { return targets_.bytes() + weights_.bytes(); }

 private:
  Pages<Target> targets_;
  Pages<Weight> weights_;
};

// Target and weight in one word, for lists that come from memory and not from a cache.
template <int kBits>  // of a weight with its sign
class PackedSynapses {
 public:
  static constexpr int64_t kTargets = int64_t{1} << (32 - kBits);

  explicit PackedSynapses(int64_t count) : words_(count) {}

  void set(int64_t k, int32_t target, int32_t weight) {
    words_.data()[k] = static_cast<uint32_t>(target) << kBits |
                       (static_cast<uint32_t>(weight) & ((1u << kBits) - 1));
  }
  int32_t target(int64_t k) const { return static_cast<int32_t>(words_.data()[k] >> kBits); }
  int32_t weight(int64_t k) const {
    return static_cast<int32_t>(words_.data()[k] << (32 - kBits)) >> (32 - kBits);
  }
  void fetch_list(int64_t from, int64_t to) const {
    fetch(words_.data() + from, words_.data() + to);
  }
  int64_t bytes() const { return words_.bytes(); }

 private:
  Pages<uint32_t> words_;
};

// The lists of all sources, in one of the forms.
class SynapseLists {
 public:
  virtual ~SynapseLists() = default;
  // sums[target] += weight * value, for what sources sent; without values each sent 1.
  virtual void add(const int32_t* sources, const int32_t* values, int64_t count,
                   int32_t* sums) const = 0;
  // The same of a part of each list.
  virtual void add_cut(const Cut* cuts, const int32_t* sources, const int32_t* values,
                       int64_t count, int32_t* sums) const = 0;
  // For each source the part of its list with targets from `first` to before `last`.
  virtual std::vector<Cut> cut(int64_t first, int64_t last) const = 0;
  virtual int64_t bytes() const = 0;
};

template <class Synapses>
class ListsOf : public SynapseLists {
 public:
  explicit ListsOf(std::vector<int64_t> begins)
      : begins_(std::move(begins)), synapses_(begins_.back()) {}

  void set(int64_t k, int32_t target, int32_t weight) { synapses_.set(k, target, weight); }

  void add(const int32_t* sources, const int32_t* values, int64_t count,
           int32_t* sums) const override {
    const int64_t* begins = begins_.data();
    const auto of = [=](int32_t source) { return Cut{begins[source], begins[source + 1]}; };
    add_lists(of, begins, sources, values, count, sums);
  }
  void add_cut(const Cut* cuts, const int32_t* sources, const int32_t* values, int64_t count,
               int32_t* sums) const override {
    const auto of = [=](int32_t source) { return cuts[source]; };
    add_lists(of, cuts, sources, values, count, sums);
  }
  std::vector<Cut> cut(int64_t first, int64_t last) const override {
    std::vector<Cut> cuts(begins_.size() - 1);
    for (size_t r = 0; r < cuts.size(); ++r) {
      const int64_t begin = find(begins_[r], begins_[r + 1], first);
      cuts[r] = {begin, find(begin, begins_[r + 1], last)};
    }
    return cuts;
  }
  int64_t bytes() const override {
    return synapses_.bytes() + static_cast<int64_t>(begins_.size() * sizeof(int64_t));
  }

 private:
  static constexpr int64_t kAhead = 4;  // lists

  // The first synapse of a list whose target is `target` or behind it.
  int64_t find(int64_t begin, int64_t end, int64_t target) const {
    while (begin < end) {
      const int64_t middle = begin + (end - begin) / 2;
      if (synapses_.target(middle) < target) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    return begin;
  }

  // `of` gives the list of a source, and finds it at its place in `bounds`.
  template <class Of, class Bound>
  void add_lists(const Of& of, const Bound* bounds, const int32_t* sources, const int32_t* values,
                 int64_t count, int32_t* sums) const {
    for (int64_t k = 0; k < count; ++k) {
      if (k + 3 * kAhead < count) __builtin_prefetch(bounds + sources[k + 3 * kAhead]);
      if (k + kAhead < count) {
        const Cut next = of(sources[k + kAhead]);
        synapses_.fetch_list(next.begin, next.end);
      }
      const Cut list = of(sources[k]);
      if (values) {
        add_list<false>(list.begin, list.end, values[k], sums);
      } else {
        add_list<true>(list.begin, list.end, 1, sums);
      }
    }
  }

  template <bool Ones>
  void add_list(int64_t k, int64_t end, int32_t value, int32_t* sums) const {
    for (; k + 4 <= end; k += 4) {  // no target stands twice, so four at a time may be read first
      const int32_t t[4] = {synapses_.target(k), synapses_.target(k + 1), synapses_.target(k + 2),
                            synapses_.target(k + 3)};
      for (int j = 0; j < 4; ++j) {
        const int32_t w = synapses_.weight(k + j);
        sums[t[j]] += Ones ? w : w * value;
      }
    }
    for (; k < end; ++k) {
      const int32_t w = synapses_.weight(k);
      sums[synapses_.target(k)] += Ones ? w : w * value;
    }
  }

  std::vector<int64_t> begins_;
  Synapses synapses_;
};

// Has `fill` set every synapse of lists that begin at `begins`, in the form that suits them.
template <class Fill>
std::unique_ptr<SynapseLists> synapse_lists(std::vector<int64_t> begins, int64_t targets,
                                            bool bytes, const Fill& fill) {
  const auto made = [&](auto lists) -> std::unique_ptr<SynapseLists> {
    fill(*lists);
    return lists;
  };
  if (targets <= 1 << 16) {
    if (bytes) return made(std::make_unique<ListsOf<SplitSynapses<uint16_t, int8_t>>>(begins));
    return made(std::make_unique<ListsOf<SplitSynapses<uint16_t, int16_t>>>(begins));
  }
  if (bytes && targets <= PackedSynapses<8>::kTargets) {
    return made(std::make_unique<ListsOf<PackedSynapses<8>>>(begins));
  }
  if (targets <= PackedSynapses<9>::kTargets) {
    return made(std::make_unique<ListsOf<PackedSynapses<9>>>(begins));
  }
  return made(std::make_unique<ListsOf<SplitSynapses<int32_t, int16_t>>>(begins));
}

// Of a sparse operator, which has lists.
inline std::unique_ptr<SynapseLists> lists_of(const SnncOperator& o, const Order& from,
                                              const Order& to) {
  const int64_t in = from.size();
  std::vector<int64_t> begins(in + 1);
  for (int64_t p = 0; p < in; ++p) {
    const int64_t r = from.element(p);
    begins[p + 1] = begins[p] + o.begin[r + 1] - o.begin[r];
  }
  return synapse_lists(begins, to.size(), o.weight_bytes == 1, [&](auto& lists) {
    for (int64_t p = 0; p < in; ++p) {
      int64_t k = o.begin[from.element(p)];
      for (int64_t into = begins[p]; into < begins[p + 1]; ++into, ++k) {
        lists.set(into, static_cast<int32_t>(to.place(o.index[k])), weight_at(o, k));
      }
    }
  });
}

// Of a dense operator, whose zeros are left out.
inline std::unique_ptr<SynapseLists> lists_of_matrix(const SnncOperator& o, const Order& from,
                                                     const Order& to) {
  const int64_t in = from.size(), out = to.size();
  std::vector<int64_t> begins(in + 1);
  for (int64_t c = 0; c < out; ++c) {
    for (int64_t r = 0; r < in; ++r) begins[from.place(r) + 1] += weight_at(o, c * in + r) != 0;
  }
  for (int64_t p = 0; p < in; ++p) begins[p + 1] += begins[p];
  std::vector<int64_t> next(begins.begin(), begins.end() - 1);
  return synapse_lists(begins, out, o.weight_bytes == 1, [&](auto& lists) {
    for (int64_t place = 0; place < out; ++place) {
      const int64_t c = to.element(place);
      for (int64_t r = 0; r < in; ++r) {
        const int32_t w = weight_at(o, c * in + r);
        if (w != 0) lists.set(next[from.place(r)]++, static_cast<int32_t>(place), w);
      }
    }
  });
}

}  // namespace snnc
