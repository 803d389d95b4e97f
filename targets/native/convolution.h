// A convolution, with the pooled sums around it: an event adds the kernel of its place.
//
// Sums lie pixel by pixel, the channels of a group running fastest, so that a row of a kernel is
// one run of memory; around them is a margin, so that no run has to be cut.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "weights.h"
#include "windows.h"

namespace snnc {

constexpr int64_t kFew = 1 << 18;  // bytes of kernels that are no matter

class ConvolutionWeights : public Weights {
 public:
  // `operators` from `first` to `last` are one convolution and pooled sums around it. The source's
  // elements lie as `from` says.
  ConvolutionWeights(const SnncOperator* operators, int32_t first, int32_t last, int32_t weighted,
                     const Order& from, const Range& range)
      : o_(operators[weighted]), rows_(reach(operators, first, last, weighted, 0)),
        columns_(reach(operators, first, last, weighted, 1)) {
    const SnncOperator &source = operators[first], &target = operators[last - 1];
    group_out_ = o_.out[0] / o_.groups;
    find_tally(target);
    int64_t ways = range.largest;
    for (int32_t k = first; k < last; ++k) {
      if (k != weighted) ways *= operators[k].kernel[0] * operators[k].kernel[1];
    }
    constexpr int64_t most = std::numeric_limits<int16_t>::max();
    tally_.shorts = largest_sum(range.negative) <= most / ways;
    find_runs();
    make_kernels(last - first > 1);
    find_table(source, from);
    o_.weight = nullptr;
  }

  // Whether it can be had, in little more memory than its weights take.
  bool worth() const { return fits_ && (bytes() <= kFew || 2 * bytes() <= 3 * weight_bytes_); }

  void add(const Kernels& kernels, const Events& events, void* sums) const override {
    const Runs runs = {offsets_.data(), static_cast<int64_t>(offsets_.size()), units_};
    const void* from = wide_ ? static_cast<const void*>(words_.data()) : bytes_.data();
    kernels.convolve(wide_, !tally_.shorts, runs)(
        runs, from, table_.data(), events.places.data(),
        events.ones ? nullptr : events.values.data(), events.count, sums);
  }
  int64_t bytes() const override {
    return static_cast<int64_t>(bytes_.size() + 2 * words_.size());
  }
  Tally tally() const override { return tally_; }

 private:
  static Reach reach(const SnncOperator* operators, int32_t first, int32_t last, int32_t weighted,
                     int axis) {
    std::vector<Axis> chain;
    for (int32_t k = first; k < last; ++k) chain.emplace_back(operators[k], axis);
    return Reach(chain, weighted - first);
  }

  void find_tally(const SnncOperator& target) {
    tally_.size = volume(target.out);
    tally_.rows = target.out[1];
    tally_.run = target.out[2] * group_out_;
    tally_.pitch = columns_.extent() * group_out_;
    tally_.plane = rows_.extent() * tally_.pitch;
    tally_.origin = rows_.margin() * tally_.pitch + columns_.margin() * group_out_;
  }

  // Bound of the sums of a channel for inputs of 1.
  int64_t largest_sum(bool negative) const {
    const int64_t taps = o_.in[0] / o_.groups * o_.kernel[0] * o_.kernel[1];
    int64_t largest = 1;
    for (int64_t c = 0; c < o_.out[0]; ++c) {
      int64_t above = 0, below = 0;
      for (int64_t t = 0; t < taps; ++t) {
        const int32_t w = weight_at(o_, c * taps + t);
        (w > 0 ? above : below) += w > 0 ? w : -w;
      }
      largest = std::max(largest, negative ? above + below : std::max(above, below));
    }
    return largest;
  }

  // Columns that lie side by side are one run.
  void find_runs() {
    const std::vector<bool> rows = rows_.used(), columns = columns_.used();
    int64_t longest = 0;
    for (int64_t c = 0; c < columns_.span(); ++c) {
      if (!columns[c]) continue;
      int64_t end = c;
      while (end < columns_.span() && columns[end]) ++end;
      segments_.push_back({c, end});
      longest = std::max(longest, end - c);
      c = end;
    }
    for (int64_t r = 0; r < rows_.span(); ++r) {
      if (!rows[r]) continue;
      used_rows_.push_back(r);
      for (const Segment& s : segments_) {
        offsets_.push_back(static_cast<int32_t>(r * tally_.pitch + s.first * group_out_));
      }
    }
    units_ = padded(longest * group_out_, 16) / 16;
    tally_.room = tally_.plane * o_.groups + 16 * units_;
    tally_.room = padded(tally_.room, kPad);
  }

  void make_kernels(bool folded) {
    const int64_t taps = o_.in[0] / o_.groups * o_.kernel[0] * o_.kernel[1];
    weight_bytes_ = o_.out[0] * taps * o_.weight_bytes;
    block_ = static_cast<int64_t>(offsets_.size()) * units_ * 16;
    const int64_t variants =
        static_cast<int64_t>(rows_.patterns().size() * columns_.patterns().size());
    const int64_t size = variants * o_.in[0] * block_;
    fits_ = !folded || size <= std::max(kFew, 3 * weight_bytes_ / 2);
    if (!fits_) return;
    std::vector<int32_t> made(block_);
    words_.resize(size);
    bool bytes = true;
    int16_t* into = words_.data();
    for (const Pattern& row : rows_.patterns()) {
      for (const Pattern& column : columns_.patterns()) {
        for (int64_t c = 0; c < o_.in[0]; ++c) {
          make_kernel(row, column, c, made);
          for (const int32_t w : made) {
            bytes = bytes && w == static_cast<int8_t>(w);
            fits_ = fits_ && w == static_cast<int16_t>(w);
            *into++ = static_cast<int16_t>(w);
          }
        }
      }
    }
    wide_ = !bytes;
    if (wide_) return;
    bytes_.assign(words_.begin(), words_.end());
    Array<int16_t>().swap(words_);
  }

  void make_kernel(const Pattern& row, const Pattern& column, int64_t channel,
                   std::vector<int32_t>& made) const {
    std::fill(made.begin(), made.end(), 0);
    int32_t* run = made.data();
    for (const int64_t r : used_rows_) {
      for (const Segment& s : segments_) {
        for (int64_t c = s.first; c < s.last; ++c) {
          if (r >= row.span || c >= column.span) continue;
          add_taps(&row.ways[r * rows_.kernel()], &column.ways[c * columns_.kernel()], channel,
                   run + (c - s.first) * group_out_);
        }
        run += units_ * 16;
      }
    }
  }

  void add_taps(const int32_t* of_rows, const int32_t* of_columns, int64_t channel,
                int32_t* into) const {
    const int64_t group_in = o_.in[0] / o_.groups, kernel = o_.kernel[0] * o_.kernel[1];
    const int64_t first = channel / group_in * group_out_;
    for (int64_t i = 0; i < o_.kernel[0]; ++i) {
      for (int64_t j = 0; j < o_.kernel[1]; ++j) {
        const int32_t ways = of_rows[i] * of_columns[j];
        for (int64_t k = 0; ways && k < group_out_; ++k) {
          const int64_t at = (first + k) * group_in + channel % group_in;
          into[k] += ways * weight_at(o_, at * kernel + i * o_.kernel[1] + j);
        }
      }
    }
  }

  void find_table(const SnncOperator& source, const Order& from) {
    const int64_t area = source.in[1] * source.in[2], group_in = o_.in[0] / o_.groups;
    table_.resize(volume(source.in));
    for (int64_t e = 0; e < static_cast<int64_t>(table_.size()); ++e) {
      const int64_t channel = e / area;
      const Reach::At row = rows_.elements()[e % area / source.in[2]];
      const Reach::At column = columns_.elements()[e % source.in[2]];
      Placed& at = table_[from.place(e)];
      at = {-1, 0};
      if (row.pattern < 0 || column.pattern < 0) continue;
      const int64_t columns = static_cast<int64_t>(columns_.patterns().size());
      at.kernel = static_cast<int32_t>(
          (row.pattern * columns + column.pattern) * o_.in[0] + channel);
      at.sums = static_cast<int32_t>(channel / group_in * tally_.plane +
                                     (row.first + rows_.margin()) * tally_.pitch +
                                     (column.first + columns_.margin()) * group_out_);
    }
  }

  struct Segment {
    int64_t first, last;
  };

  SnncOperator o_;
  Reach rows_, columns_;
  int64_t group_out_ = 1;
  Tally tally_;
  std::vector<Segment> segments_;
  std::vector<int64_t> used_rows_;
  std::vector<int32_t> offsets_;  // of runs among the sums
  int64_t units_ = 0;             // times 16: the length of a run
  int64_t block_ = 0;             // elements of a kernel
  bool fits_ = true;
  bool wide_ = true;  // whether kernels have 16 bits
  int64_t weight_bytes_ = 0;
  Array<int16_t> words_;
  Array<int8_t> bytes_;
  Array<Placed> table_;
};

}  // namespace snnc
