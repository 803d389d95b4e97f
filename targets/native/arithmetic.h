// The arithmetic of docs/arithmetic.md, once for every machine that executes it natively.
//
// Plain functions of integers, without branches where a loop over neurons is to become vector
// code. `I` is int32_t where the network's sums leave room (see kNarrowInput), else int64_t.
// Numbers in brackets are the equations of docs/arithmetic.md. Signed overflow cannot happen: the
// bounds stand beside each function. Shifts are of values that are not negative, but for those to
// the right, which round down in every compiler that this is for.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define SNNC_FUNCTION __host__ __device__ __forceinline__
#else
#define SNNC_FUNCTION static inline
#endif

namespace snnc {

constexpr int32_t kStateLimit = 1 << 23;  // u and v are 24 bit wide
constexpr int32_t kAlign = 1 << 6;        // of synaptic input and threshold
constexpr int kDecayBits = 12;            // a decay is a fraction of 2**12
constexpr int32_t kUnwrappedInput = 1 << 17;  // times kAlign it is what u is wrapped at
constexpr int32_t kNarrowInput = 1 << 18;
// With |a| up to this, u is below 2**23 + 2**24 before its wrap and within 24 bits behind it, so
// 32 bits hold everything. Where u keeps nothing, keep_u = 0, they do with |a| up to 2**24: u is
// then below 2**30, and v the sum of it and of what has 24 bits.

enum Reset : int32_t {
  kNone = 0,
  kZero = 1,
  kZeroNext = 2,
  kSubtract = 3,
  kSubtractDelayed = 4,
  kSubtractRetest = 5,
};

// (2) sign(x) * ((|x| * keep) >> 12), keep = 4096 - decay, 0 to 4096. In 32 bits the product is
// taken in two halves, each below 2**31 for |x| up to 2**25: exact, since the upper one is whole.
SNNC_FUNCTION int32_t decayed(int32_t x, int32_t keep) {
  const int32_t magnitude = x < 0 ? -x : x;
  const int32_t upper = (magnitude >> kDecayBits) * keep;
  const int32_t lower = ((magnitude & ((1 << kDecayBits) - 1)) * keep) >> kDecayBits;
  return x < 0 ? -(upper + lower) : upper + lower;
}

// In 64 bits |x| may have 50.
SNNC_FUNCTION int64_t decayed(int64_t x, int64_t keep) {
  const int64_t magnitude = x < 0 ? -x : x;
  const int64_t shrunk = (magnitude * keep) >> kDecayBits;
  return x < 0 ? -shrunk : shrunk;
}

// (3) Once, and into (-2**23, 2**23]: Lava asks for > 2**23 and <= -2**23.
template <class I>
SNNC_FUNCTION I wrapped(I u) {
  u = u > kStateLimit ? u - 2 * kStateLimit : u;
  return u <= -kStateLimit ? u + 2 * kStateLimit : u;
}

// (4) Saturates at 24 bits.
template <class I>
SNNC_FUNCTION I clipped(I v) {
  constexpr I limit = kStateLimit - 1;
  v = v > limit ? limit : v;
  return v < -limit ? -limit : v;
}

// (1) y * 2**exponent, rounded down; |y| below 2**31, exponent -14 to 14.
SNNC_FUNCTION int64_t shifted(int64_t y, int exponent) {
  return exponent >= 0 ? y * (int64_t{1} << exponent) : y >> -exponent;
}

template <class I>
struct Neuron {
  I u;
  I v;
  int32_t pause;  // refractory steps that are left
  int32_t spike;
};

// (2) to (7): one step of a neuron.
//   a       synaptic input          keep_u, keep_v  4096 less the decays
//   theta   threshold * 64          bias            of a step
// R and Spiking are known to the compiler, so nothing is asked for each neuron. Wraps may be false
// where u keeps nothing and |a| is below kUnwrappedInput.
template <class I, Reset R, bool Spiking, bool Wraps = true>
SNNC_FUNCTION Neuron<I> stepped(Neuron<I> n, I a, I keep_u, I keep_v, I theta, I bias,
                                int32_t refractory) {
  I u = decayed(n.u, keep_u) + a * kAlign;
  if constexpr (Wraps) u = wrapped<I>(u);
  I v = decayed(n.v, keep_v) + u + bias;
  if constexpr (!Spiking) return {u, clipped<I>(v), n.pause, 0};

  const bool over = n.v > theta;
  if constexpr (R == kSubtractDelayed || R == kSubtractRetest) v -= over ? theta : I{0};
  v = clipped<I>(v);
  if constexpr (R == kZeroNext) v = over ? I{0} : v;

  bool spike = v > theta;
  if constexpr (R == kZero) v = spike ? I{0} : v;
  if constexpr (R == kSubtract) v -= spike ? theta : I{0};
  if constexpr (R == kSubtractRetest) {
    v += over ? theta : I{0};
    v -= spike ? theta : I{0};
  }
  const bool held = n.pause > 0;
  v = held ? n.v : v;
  spike = spike && !held;
  const int32_t left = held ? n.pause - 1 : 0;
  return {u, v, spike ? refractory : left, spike ? 1 : 0};
}

}  // namespace snnc
