// What a kernel stands on that runs on this processor: its threads, its memory, its barriers.
//
// Translated PTX and the host build of the kernels are compiled against this; machine.cpp runs
// them. A kernel is one function that does the work of one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace machine {

struct Dim {
  uint32_t x, y, z;
};

enum Access : int32_t { kLoad, kStore, kAtomic };

struct Thread;

// What a thread asks for. `line` is that of the PTX, or 0 in the host build.
struct Machine {
  // Where `bytes` at a global address are. Ends the thread when it must not touch them.
  virtual void* global(Thread& thread, uint64_t address, uint32_t bytes, Access access,
                       int32_t line) = 0;
  // The same for an offset into the shared memory of the block.
  virtual void* shared(Thread& thread, uint64_t offset, uint32_t bytes, Access access,
                       int32_t line) = 0;
  // Comes back when all threads of the block are here.
  virtual void barrier(Thread& thread, int32_t line) = 0;
  // Ends a thread that runs for ever.
  virtual void endless(Thread& thread, int32_t line) = 0;

 protected:
  ~Machine() = default;
};

struct Thread {
  Machine* machine;
  Dim index, block, block_dim, grid_dim;
  void* const* parameters;
  int64_t fuel;  // backward branches that are left

  template <class T>
  T parameter(int32_t k, int32_t offset) const {
    T value;
    std::memcpy(&value, static_cast<const char*>(parameters[k]) + offset, sizeof value);
    return value;
  }
  void back(int32_t line) {
    if (--fuel < 0) machine->endless(*this, line);
  }
};

struct Kernel {
  const char* name;
  void (*body)(Thread&);
  int32_t parameter_count;
  const int32_t* parameter_bytes;
  uint32_t shared_bytes;
  int32_t together;     // whether the threads of a block have to run beside each other
  int32_t max_threads;  // of a block; 0 where the kernel says nothing
};

}  // namespace machine
