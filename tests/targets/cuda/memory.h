// Memory of the emulated device: what is allocated, who touched each byte, and whether two threads
// of a launch did so without an order.
//
// Two accesses are ordered where a barrier of one block lies between them; those of two blocks
// never are. Of each byte the last access of each kind is kept, and that is enough: an access that
// comes behind a barrier stands for all of its block before that barrier.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "machine.h"

// Where the process runs under the address sanitizer, it is told of the guards.
extern "C" {
__attribute__((weak)) void __asan_poison_memory_region(const volatile void*, size_t);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void*, size_t);
}

namespace machine {

constexpr uint8_t kPoison = 0xCD;

// One thread at one moment of a launch.
struct Who {
  uint32_t thread;  // from 0, in the grid
  uint32_t block;
  uint32_t phase;  // barriers that the block has passed
};

// Who made the last accesses of one kind to a byte.
struct Mark {
  static constexpr uint32_t kNobody = 0, kBlock = 0x80000000u, kAll = 0xFFFFFFFFu;
  uint32_t who = kNobody;  // thread + 1; or kBlock + block: several of a block; or kAll
  uint32_t block = 0;
  uint32_t phase = 0;

  bool ordered(const Who& me) const {
    if (who == kNobody || who == me.thread + 1) return true;
    return who != kAll && block == me.block && phase < me.phase;
  }
  void add(const Who& me) {
    if (ordered(me) && who != kAll) {
      who = me.thread + 1;
    } else {
      who = who != kAll && block == me.block ? kBlock : kAll;
    }
    block = me.block;
    phase = me.phase;
  }
};

struct Byte {
  uint32_t launch = 0;   // that the marks are of
  uint32_t written = 0;  // the life of the region in which it was written, or 0
  Mark marks[3];  // of each access
};

// Bytes that belong together, and what is known of each of them.
struct Region {
  uint8_t* begin = nullptr;
  uint64_t size = 0;
  uint32_t life = 0;
  std::vector<Byte> bytes;

  void forget(uint32_t new_life) {
    std::memset(begin, kPoison, size);
    life = new_life;
  }
  void wrote(uint64_t offset, uint64_t count) {
    for (uint64_t k = 0; k < count; ++k) bytes[offset + k].written = life;
  }

  void wrote_like(uint64_t offset, const Region& of, uint64_t from, uint64_t count) {
    for (uint64_t k = 0; k < count; ++k) {
      bytes[offset + k].written = of.bytes[from + k].written == of.life ? life : 0;
    }
  }

  // Says what is wrong with an access, or gives null.
  const char* touch(uint64_t offset, uint32_t count, Access access, const Who& me,
                    uint32_t launch) {
    const char* wrong = nullptr;
    for (uint32_t k = 0; k < count; ++k) {
      Byte& byte = bytes[offset + k];
      if (byte.launch != launch) {
        byte.launch = launch;
        for (Mark& mark : byte.marks) mark = Mark{};
      }
      if (access != kStore && byte.written != life) wrong = "reads what nobody wrote";
      for (int32_t other = kLoad; other <= kAtomic; ++other) {
        const bool conflict = !(other == access && access != kStore);
        if (conflict && !byte.marks[other].ordered(me)) wrong = "races with another thread";
      }
      byte.marks[access].add(me);
      if (access != kLoad) byte.written = life;
    }
    return wrong;
  }
};

// Every allocation stands between guards, so an access just beside one is in none.
class Memory {
 public:
  static constexpr uint64_t kGuard = 256;

  // Null where there is no memory of the process left.
  uint8_t* allocate(uint64_t size) {
    auto region = std::make_unique<Held>();
    region->store.reset(new (std::nothrow) uint8_t[size + 2 * kGuard]);
    if (!region->store) return nullptr;
    const uint64_t raw = reinterpret_cast<uint64_t>(region->store.get());
    region->begin = region->store.get() + (kGuard - raw % kGuard);
    region->size = size;
    region->bytes.resize(size);
    region->forget(1);
    uint8_t* begin = region->begin;
    if (__asan_poison_memory_region) {
      __asan_poison_memory_region(region->store.get(), begin - region->store.get());
      __asan_poison_memory_region(begin + size, region->store.get() + kGuard - begin + kGuard);
    }
    used_ += size;
    regions_[reinterpret_cast<uint64_t>(begin)] = std::move(region);
    return begin;
  }

  ~Memory() {
    while (!regions_.empty()) release(regions_.begin()->first);
  }

  bool release(uint64_t address) {
    const auto found = regions_.find(address);
    if (found == regions_.end()) return false;
    Held& held = *found->second;
    if (__asan_unpoison_memory_region) {
      __asan_unpoison_memory_region(held.store.get(), held.size + 2 * kGuard);
    }
    used_ -= held.size;
    if (last_ == &held) last_ = nullptr;
    regions_.erase(found);
    return true;
  }

  // The allocation that all these bytes lie in, or null.
  Region* find(uint64_t address, uint64_t count) {
    if (!last_ || !holds(*last_, address, count)) {
      auto after = regions_.upper_bound(address);
      if (after == regions_.begin()) return nullptr;
      Region* region = std::prev(after)->second.get();
      if (!holds(*region, address, count)) return nullptr;
      last_ = region;
    }
    return last_;
  }

  uint64_t used() const { return used_; }
  uint64_t count() const { return regions_.size(); }

 private:
  struct Held : Region {
    std::unique_ptr<uint8_t[]> store;
  };
  static bool holds(const Region& region, uint64_t address, uint64_t count) {
    const uint64_t begin = reinterpret_cast<uint64_t>(region.begin);
    return begin <= address && address - begin <= region.size &&
           count <= region.size - (address - begin);
  }
  std::map<uint64_t, std::unique_ptr<Held>> regions_;
  Region* last_ = nullptr;
  uint64_t used_ = 0;
};

}  // namespace machine
