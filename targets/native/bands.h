// A convolution to narrow rows: each row of targets is taken as the targets of a matrix.
//
// The sources of a row of targets lie in some rows of their own, and what they add depends only on
// how far these are from it. So there is one matrix for all rows of targets, which their sources
// move along; a row of targets is added up in registers. Of the matrix only the kernels are kept,
// each with zeros on both sides, so that it is read at another place for every column.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "convolution.h"
#include "folded.h"
#include "weights.h"

namespace snnc {

class BandWeights : public Weights {
 public:
  // The source's elements lie as `from` says.
  BandWeights(const Folded& f, const Order& from) {
    const int64_t run = f.target.out[2] * f.channels;
    worth_ = f.weights.groups == 1 && from == Order(f.source.in, 1) && run % 16 == 0 &&
             run <= kWide * f.columns.span() * f.channels;
    worth_ = worth_ && find_rows(f) && make_kernels(f);
    if (!worth_) return;
    find_table(f, from);
    tally_ = packed(volume(f.target.out));
    tally_.shorts = f.shorts;
  }

  // Whether it can be had, in little more memory than its weights take, and is faster.
  bool worth() const { return worth_; }

  void add(const Kernels& kernels, const Events& events, void* sums) const override {
    Bands bands = bands_;
    bands.begin = table_.data();
    kernels.add_bands(kernels_.wide(), !tally_.shorts)(
        bands, kernels_.data(), events.places.data(),
        events.ones ? nullptr : events.values.data(), events.count, sums);
  }
  int64_t bytes() const override {
    return kernels_.bytes() + static_cast<int64_t>(table_.size() * sizeof(int32_t));
  }
  Tally tally() const override { return tally_; }

 private:
  using Ways = std::vector<int32_t>;
  static constexpr int64_t kWide = 2;  // times a kernel: an addition is so much faster in registers

  // Gives whether what a source adds depends only on how far its row is from that of the targets.
  bool find_rows(const Folded& f) {
    const int64_t kernel = f.rows.kernel(), out = f.target.out[1], in = f.source.in[1];
    const auto ways = [&](int64_t y, int64_t row) {
      const Reach::At at = f.rows.elements()[y];
      const int64_t i = row - at.first;
      if (at.pattern < 0) return Ways(kernel, 0);
      const Pattern& p = f.rows.patterns()[at.pattern];
      if (i < 0 || i >= p.span) return Ways(kernel, 0);
      return Ways(p.ways.begin() + i * kernel, p.ways.begin() + (i + 1) * kernel);
    };
    std::map<int64_t, Ways> found;
    for (int64_t row = 0; row < out; ++row) {
      for (int64_t y = 0; y < in; ++y) {
        const auto known = found.emplace(y - row * f.rows.stride(), ways(y, row));
        if (!known.second && known.first->second != ways(y, row)) return false;
      }
    }
    for (const auto& [apart, some] : found) {
      if (*std::max_element(some.begin(), some.end()) == 0) continue;
      if (rows_.empty()) first_ = apart;
      rows_.resize(apart - first_, Ways(kernel, 0));
      rows_.push_back(some);
    }
    const int64_t places = f.source.in[2] * f.source.in[0];
    bands_.rows = out;
    bands_.units = f.target.out[2] * f.channels / 16;
    bands_.first = first_ * places;
    bands_.last = bands_.first + static_cast<int64_t>(rows_.size()) * places;
    bands_.apart = f.rows.stride() * places;
    return true;
  }

  // Of all rows, and in each of all kinds of columns and one of zeros.
  bool make_kernels(const Folded& f) {
    int64_t most = 0;
    for (const Reach::At& at : f.columns.elements()) {
      if (at.pattern < 0) continue;
      most = std::max(most, at.first);
      least_ = std::min(least_, at.first);
    }
    most_ = most;
    length_ = std::max(most + f.columns.span(), most - least_ + f.target.out[2]) * f.channels;
    const int64_t kinds = static_cast<int64_t>(f.columns.patterns().size());
    row_ = (kinds * f.weights.in[0] + 1) * length_;
    const int64_t size = static_cast<int64_t>(rows_.size()) * row_;
    if (!f.worth(size)) return false;
    bands_.step = f.rows.stride() * row_;
    kernels_.reserve(size);
    Ways made(length_);
    for (const Ways& row : rows_) {
      for (const Pattern& column : f.columns.patterns()) {
        for (int64_t c = 0; c < f.weights.in[0]; ++c) {
          std::fill(made.begin(), made.end(), 0);
          for (int64_t i = 0; i < column.span; ++i) {
            f.add_taps(row.data(), &column.ways[i * f.columns.kernel()], c,
                       made.data() + (most + i) * f.channels);
          }
          kernels_.append(made);
        }
      }
      kernels_.append(Ways(length_, 0));
    }
    kernels_.finish();
    return kernels_.fits() && f.worth(kernels_.bytes());
  }

  void find_table(const Folded& f, const Order& from) {
    const SnncOperator& source = f.source;
    const int64_t area = source.in[1] * source.in[2];
    const int64_t kinds = static_cast<int64_t>(f.columns.patterns().size());
    table_.resize(volume(source.in));
    for (int64_t e = 0; e < static_cast<int64_t>(table_.size()); ++e) {
      const Reach::At column = f.columns.elements()[e % source.in[2]];
      const bool reaches = column.pattern >= 0;
      const int64_t kind = reaches ? column.pattern * source.in[0] + e / area
                                   : kinds * source.in[0];
      const int64_t place = reaches ? most_ - column.first : 0;
      table_[from.place(e)] = static_cast<int32_t>((e % area / source.in[2] - first_) * row_ +
                                                   kind * length_ + place * f.channels);
    }
  }

  Tally tally_;
  bool worth_;
  Bands bands_ = {};
  std::vector<Ways> rows_;               // by how far they are from that of the targets
  int64_t first_ = 0;                    // how far the first of them is
  int64_t least_ = 0, most_ = 0;         // column of targets that a kernel begins at
  int64_t length_ = 0, row_ = 0;         // elements of a kernel with its zeros, and of all of a row
  Folds kernels_;
  Array<int32_t> table_;  // of each place the weights for the first row of targets
};

// Gives null where kernels would take much more memory than the weights.
inline std::unique_ptr<Weights> convolution_weights(const Folded& f, const Order& from) {
  auto bands = std::make_unique<BandWeights>(f, from);
  if (bands->worth()) return bands;
  auto kernels = std::make_unique<ConvolutionWeights>(f, from);
  if (f.plain || kernels->worth()) return kernels;
  return nullptr;
}

}  // namespace snnc
