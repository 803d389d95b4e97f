// Weights of which few are not zero: for each source a list of targets and weights.
//
// An event adds its list to the sums of the targets. More targets than 16 bits tell apart are
// divided into blocks, each with lists of its own, where these are long enough: 3 bytes a synapse
// instead of 4, sums that stay in the second cache, and whole blocks for each of two threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "synapses.h"
#include "weights.h"

namespace snnc {

class SynapseLists {
 public:
  // `each` calls what it is given with all synapses, as source, target and weight; the targets of
  // a source ascend, where anybody will ask for a share.
  template <class Each>
  SynapseLists(int64_t sources, int64_t targets, bool bytes, int64_t synapses, const Each& each) {
    const int64_t count = blocks_of(sources, targets, synapses);
    std::vector<int64_t> sums(targets);
    for (int64_t b = 0; b < count; ++b) {
      const int64_t first = part_of(targets, b, count), last = part_of(targets, b + 1, count);
      std::vector<int32_t> counts(sources);
      each([&](int64_t source, int64_t target, int32_t) {
        counts[source] += target >= first && target < last;
      });
      std::unique_ptr<Lists> lists = lists_for(last - first, bytes, counts);
      std::fill(counts.begin(), counts.end(), 0);
      each([&](int64_t source, int64_t target, int32_t weight) {
        if (target < first || target >= last) return;
        lists->set(source, counts[source]++, static_cast<int32_t>(target - first), weight);
        sums[target] += std::abs(weight);
      });
      blocks_.push_back({first, last, std::move(lists)});
    }
    largest_sum_ = targets ? *std::max_element(sums.begin(), sums.end()) : 0;
  }

  // sums[target] += weight * value.
  template <class Sum>
  void add(const Sent& sent, Sum* sums) const {
    for (const Block& b : blocks_) b.lists->add(nullptr, sent, sums + b.first);
  }
  // The same for the targets of a share.
  template <class Sum>
  void add_share(const Share& share, const Sent& sent, Sum* sums) const {
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const Block& b = blocks_[i];
      if (b.all_in(share)) {
        b.lists->add(nullptr, sent, sums + b.first);
      } else if (!share.cuts[i].empty()) {
        b.lists->add(share.cuts[i].data(), sent, sums + b.first);
      }
    }
  }
  Share share(int64_t first, int64_t last) const {
    Share share = {first, last, {}};
    for (const Block& b : blocks_) {
      const int64_t from = std::max(first, b.first), to = std::min(last, b.last);
      const bool cut = from < to && !b.all_in(share);
      share.cuts.push_back(cut ? b.lists->cut(from - b.first, to - b.first) : std::vector<Cut>());
    }
    return share;
  }
  // Magnitude of what can arrive at a target when no source sends more than 1.
  int64_t largest_sum() const { return largest_sum_; }
  int64_t bytes() const {
    int64_t total = 0;
    for (const Block& b : blocks_) total += b.lists->bytes();
    return total;
  }

 private:
  static constexpr int64_t kShort = 1 << 16;  // targets
  static constexpr int64_t kLong = 24;        // synapses of a list that is worth a block of its own

  struct Block {
    int64_t first, last;  // targets
    std::unique_ptr<Lists> lists;

    bool all_in(const Share& s) const {
      return first < last && s.first <= first && last <= s.last;
    }
  };

  // As many for one thread as for two.
  static int64_t blocks_of(int64_t sources, int64_t targets, int64_t synapses) {
    if (targets <= kShort) return 1;
    const int64_t blocks = padded((targets + kShort - 1) / kShort, 2);
    return synapses >= kLong * blocks * sources ? blocks : 1;
  }

  // In the form that suits so many targets.
  static std::unique_ptr<Lists> lists_for(int64_t targets, bool bytes,
                                          const std::vector<int32_t>& counts) {
    if (targets <= kShort) {
      if (bytes) return std::make_unique<ListsOf<Split<uint16_t, int8_t>>>(counts);
      return std::make_unique<ListsOf<Split<uint16_t, int16_t>>>(counts);
    }
    if (bytes && targets <= Packed<8>::kTargets) {
      return std::make_unique<ListsOf<Packed<8>>>(counts);
    }
    if (targets <= Packed<9>::kTargets) return std::make_unique<ListsOf<Packed<9>>>(counts);
    return std::make_unique<ListsOf<Split<int32_t, int16_t>>>(counts);
  }

  std::vector<Block> blocks_;
  int64_t largest_sum_;
};

// Of a sparse operator, which has lists.
inline SynapseLists lists_of(const SnncOperator& o, const Order& from, const Order& to) {
  const int64_t in = from.size();
  return SynapseLists(in, to.size(), o.weight_bytes == 1, o.begin[in], [&](const auto& act) {
    for (int64_t r = 0; r < in; ++r) {
      const int64_t source = from.place(r);
      for (int64_t k = o.begin[r]; k < o.begin[r + 1]; ++k) {
        act(source, to.place(o.index[k]), weight_at(o, k));
      }
    }
  });
}

// Of a dense operator, whose zeros are left out; `count` weights are not.
inline SynapseLists lists_of_matrix(const SnncOperator& o, const Order& from, const Order& to,
                                    int64_t count) {
  const int64_t in = from.size(), out = to.size();
  return SynapseLists(in, out, o.weight_bytes == 1, count, [&](const auto& act) {
    for (int64_t place = 0; place < out; ++place) {
      const int64_t c = to.element(place);
      for (int64_t r = 0; r < in; ++r) {
        const int32_t w = weight_at(o, c * in + r);
        if (w != 0) act(from.place(r), place, w);
      }
    }
  });
}

}  // namespace snnc
