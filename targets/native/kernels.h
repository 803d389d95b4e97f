// The loops that take the time, compiled once for each set of instructions: see levels.h.
//
// Included several times, each time with another SNNC_LEVEL, a namespace, so no include guard, and
// no include but of its own parts. Every sum is one of integers: instruction sets change the order
// and nothing else.

namespace SNNC_LEVEL {

#include "kernels_dense.h"
#include "kernels_convolution.h"
#include "kernels_events.h"
#include "kernels_neurons.h"

constexpr Kernels table() {
  return {kFewWeights, add_rows,    take_rows,  add_scaled_rows, nullptr,     convolve_of, add_bands_of,
          pool,        list_values, list_bytes, gather,          step_narrow, step_wide};
}

}  // namespace SNNC_LEVEL
