// CUDA C++ for an ordinary compiler: the text of the kernels, unchanged, as functions of one
// thread that machine::Runner runs.
#pragma once

#include <cstdint>
#include <utility>

#include "machine.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
// One block runs at a time, so what it shares is static.
#define __shared__ static

namespace host {

inline machine::Thread* running = nullptr;

template <class... A, std::size_t... K>
void call(void (*kernel)(A...), machine::Thread& t, std::index_sequence<K...>) {
  kernel(t.parameter<A>(static_cast<int32_t>(K), 0)...);
}

template <auto F>
struct Sizes;
template <class... A, void (*F)(A...)>
struct Sizes<F> {
  static constexpr int32_t count = sizeof...(A);
  static constexpr int32_t bytes[sizeof...(A) + 1] = {sizeof(A)..., 0};
  static void body(machine::Thread& t) { call(F, t, std::index_sequence_for<A...>{}); }
};

}  // namespace host

#define threadIdx (host::running->index)
#define blockIdx (host::running->block)
#define blockDim (host::running->block_dim)
#define gridDim (host::running->grid_dim)

inline void __syncthreads() { host::running->machine->barrier(*host::running, 0); }

template <class T>
T atomicAdd(T* place, T value) {
  const T old = *place;
  *place = static_cast<T>(static_cast<uint64_t>(old) + static_cast<uint64_t>(value));
  return old;
}

// Four products of bytes with a sign, and a sum.
inline int32_t __dp4a(int32_t a, int32_t b, int32_t sum) {
  uint32_t total = static_cast<uint32_t>(sum);
  for (int k = 0; k < 4; ++k) {
    const int32_t x = static_cast<int8_t>(static_cast<uint32_t>(a) >> (8 * k));
    const int32_t y = static_cast<int8_t>(static_cast<uint32_t>(b) >> (8 * k));
    total += static_cast<uint32_t>(x * y);
  }
  return static_cast<int32_t>(total);
}

// Called before a thread begins and when it goes on behind a barrier.
extern "C" void machine_resume(machine::Thread* thread) { host::running = thread; }

#define HOST_KERNEL(name, together, max_threads)                                              \
  extern "C" const machine::Kernel machine_##name = {                                         \
      #name, host::Sizes<&name>::body, host::Sizes<&name>::count, host::Sizes<&name>::bytes, \
      0,     together,                 max_threads};
