// The machine as a library, for tests that launch single kernels; driver.cpp is the other user.
#include <dlfcn.h>

#include "runner.h"

namespace {

struct Device {
  machine::Memory memory;
  machine::Faults faults;
  machine::Runner runner{memory, faults};
};

}  // namespace

extern "C" {

void* machine_new() { return new Device; }
void machine_delete(void* device) { delete static_cast<Device*>(device); }

void* machine_allocate(void* device, uint64_t size) {
  return static_cast<Device*>(device)->memory.allocate(size);
}

// Writes what the host gives; the bytes count as written.
int32_t machine_write(void* device, void* address, const void* from, uint64_t size) {
  machine::Region* region =
      static_cast<Device*>(device)->memory.find(reinterpret_cast<uint64_t>(address), size);
  if (!region) return 1;
  std::memcpy(address, from, size);
  region->wrote(static_cast<uint8_t*>(address) - region->begin, size);
  return 0;
}

// Runs a kernel, and gives the faults of all launches so far.
int64_t machine_run(void* device, const machine::Kernel* kernel, const uint32_t* grid,
                    const uint32_t* block, void* const* parameters, int32_t order, uint32_t seed,
                    void (*resume)(machine::Thread*)) {
  Device& d = *static_cast<Device*>(device);
  d.runner.resume = resume;
  d.runner.run(*kernel, {{grid[0], grid[1], grid[2]},
                         {block[0], block[1], block[2]},
                         0,
                         parameters,
                         order,
                         seed});
  return d.faults.count;
}

const char* machine_fault(void* device, int64_t k) {
  const auto& texts = static_cast<Device*>(device)->faults.texts;
  return k < static_cast<int64_t>(texts.size()) ? texts[k].c_str() : nullptr;
}
}
