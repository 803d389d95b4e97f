// A convolution, with the pooled sums around it: an event adds the kernel of its place.
//
// Sums lie pixel by pixel, the channels of a group running fastest, so that a row of a kernel is
// one run of memory; around them is a margin, so that no run has to be cut.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "folded.h"
#include "weights.h"

namespace snnc {

class ConvolutionWeights : public Weights {
 public:
  // The source's elements lie as `from` says.
  ConvolutionWeights(const Folded& f, const Order& from) {
    find_tally(f);
    find_runs(f);
    make_kernels(f);
    find_table(f, from);
  }

  // Whether it can be had, in little more memory than its weights take.
  bool worth() const { return worth_; }

  void add(const Kernels& kernels, const Events& events, void* sums) const override {
    const Runs runs = {offsets_.data(), static_cast<int64_t>(offsets_.size()), units_};
    kernels.convolve(kernels_.wide(), !tally_.shorts, runs)(
        runs, kernels_.data(), table_.data(), events.places.data(),
        events.ones ? nullptr : events.values.data(), events.count, sums);
  }
  int64_t bytes() const override {
    return kernels_.bytes() + static_cast<int64_t>(table_.size() * sizeof(Placed));
  }
  Tally tally() const override { return tally_; }

 private:
  static constexpr int64_t kHalf = kLanes / 2;

  struct Segment {
    int64_t first, last;
  };

  void find_tally(const Folded& f) {
    tally_.size = volume(f.target.out);
    tally_.rows = f.target.out[1];
    tally_.run = f.target.out[2] * f.channels;
    tally_.pitch = padded(f.columns.extent() * f.channels, kLanes);
    tally_.plane = f.rows.extent() * tally_.pitch;
    tally_.origin = f.rows.margin() * tally_.pitch + f.columns.margin() * f.channels;
    tally_.shorts = f.shorts;
  }

  // Columns that lie side by side are one run.
  void find_runs(const Folded& f) {
    const std::vector<bool> rows = f.rows.used(), columns = f.columns.used();
    int64_t longest = 0;
    for (int64_t c = 0; c < f.columns.span(); ++c) {
      if (!columns[c]) continue;
      int64_t end = c;
      while (end < f.columns.span() && columns[end]) ++end;
      segments_.push_back({c, end});
      longest = std::max(longest, end - c);
      c = end;
    }
    for (int64_t r = 0; r < f.rows.span(); ++r) {
      if (!rows[r]) continue;
      used_rows_.push_back(r);
      for (const Segment& s : segments_) {
        offsets_.push_back(static_cast<int32_t>(r * tally_.pitch + s.first * f.channels));
      }
    }
    units_ = padded(longest * f.channels, kLanes) / kLanes;
    shifted_ = segments_.size() == 1 && segments_[0].first == 0 && f.channels % kLanes == kHalf &&
               units_ * kLanes >= longest * f.channels + kHalf;
    tally_.room = tally_.plane * f.weights.groups + 16 * units_;
    tally_.room = padded(tally_.room, kPad);
  }

  void make_kernels(const Folded& f) {
    const int64_t block = static_cast<int64_t>(offsets_.size()) * units_ * 16;
    const int64_t variants =
        static_cast<int64_t>(f.rows.patterns().size() * f.columns.patterns().size());
    const int64_t size = variants * f.weights.in[0] * block;
    shifted_ = shifted_ && f.worth(2 * size);
    worth_ = f.plain || f.worth(size);
    if (!worth_) return;
    std::vector<int32_t> made(block);
    kernels_.reserve(shifted_ ? 2 * size : size);
    for (const Pattern& row : f.rows.patterns()) {
      for (const Pattern& column : f.columns.patterns()) {
        for (int64_t c = 0; c < f.weights.in[0]; ++c) {
          make_kernel(f, row, column, c, made);
          kernels_.append(made);
          if (!shifted_) continue;
          std::rotate(made.begin(), made.end() - kHalf, made.end());
          kernels_.append(made);
        }
      }
    }
    kernels_.finish();
    worth_ = kernels_.fits() && f.worth(kernels_.bytes());
  }

  void make_kernel(const Folded& f, const Pattern& row, const Pattern& column, int64_t channel,
                   std::vector<int32_t>& made) const {
    std::fill(made.begin(), made.end(), 0);
    int32_t* run = made.data();
    for (const int64_t r : used_rows_) {
      for (const Segment& s : segments_) {
        for (int64_t c = s.first; c < s.last; ++c) {
          if (r >= row.span || c >= column.span) continue;
          f.add_taps(&row.ways[r * f.rows.kernel()], &column.ways[c * f.columns.kernel()], channel,
                     run + (c - s.first) * f.channels);
        }
        run += units_ * 16;
      }
    }
  }

  void find_table(const Folded& f, const Order& from) {
    const SnncOperator &source = f.source, &o = f.weights;
    const int64_t area = source.in[1] * source.in[2], group_in = o.in[0] / o.groups;
    table_.resize(volume(source.in));
    for (int64_t e = 0; e < static_cast<int64_t>(table_.size()); ++e) {
      const int64_t channel = e / area;
      const Reach::At row = f.rows.elements()[e % area / source.in[2]];
      const Reach::At column = f.columns.elements()[e % source.in[2]];
      Placed& at = table_[from.place(e)];
      at = {-1, 0};
      if (row.pattern < 0 || column.pattern < 0) continue;
      const int64_t columns = static_cast<int64_t>(f.columns.patterns().size());
      const int64_t first = (column.first + f.columns.margin()) * f.channels;
      const int64_t over = shifted_ ? first % kLanes : 0;
      const int64_t kernel = (row.pattern * columns + column.pattern) * o.in[0] + channel;
      at.kernel = static_cast<int32_t>(shifted_ ? 2 * kernel + (over ? 1 : 0) : kernel);
      at.sums = static_cast<int32_t>(channel / group_in * tally_.plane +
                                     (row.first + f.rows.margin()) * tally_.pitch + first - over);
    }
  }

  Tally tally_;
  std::vector<Segment> segments_;
  std::vector<int64_t> used_rows_;
  std::vector<int32_t> offsets_;  // of runs among the sums
  int64_t units_ = 0;             // times 16: the length of a run
  // Vectors that begin anywhere lie across lines of the cache, and wait for those that were stored
  // at other places. So of each kernel there may be two: with half a vector of zeros behind its
  // runs, and with one before them.
  bool shifted_ = false;
  bool worth_ = true;
  Folds kernels_;
  Array<Placed> table_;
};

}  // namespace snnc
