// Arrays that begin with a line of the cache, so that no vector lies across two; large ones on large
// pages, where the machine has them.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace snnc {

template <class T>
struct Aligned {
  using value_type = T;
  static constexpr size_t kCacheLine = 64, kLargePage = size_t{1} << 21;

  Aligned() = default;
  template <class U>
  Aligned(const Aligned<U>&) {}  // NOLINT: allocators convert

  T* allocate(size_t n) {
    const size_t bytes = n * sizeof(T);
    const size_t unit = bytes >= 2 * kLargePage ? kLargePage : kCacheLine;
    void* made = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
    if (!made) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
    if (unit == kLargePage) madvise(made, bytes, MADV_HUGEPAGE);  // advice: it may be refused
#endif
    return static_cast<T*>(made);
  }
  void deallocate(T* p, size_t) { std::free(p); }
  bool operator==(const Aligned&) const { return true; }
  bool operator!=(const Aligned&) const { return false; }
};

template <class T>
using Array = std::vector<T, Aligned<T>>;

// Bytes of what any kind of vector holds.
template <class V>
int64_t held(const V& v) {
  return static_cast<int64_t>(v.size() * sizeof(typename V::value_type));
}

}  // namespace snnc
