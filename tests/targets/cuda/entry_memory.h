// Entry points of the driver: memory and copies.
#pragma once

#include "driver.h"

extern "C" {

// ---- memory -----------------------------------------------------------------------------------

Result cuMemGetInfo_v2(size_t* free, size_t* total) {
  ENTER_CONTEXT
  *total = number("EMULATED_MEMORY", int64_t{1} << 30);
  *free = *total > d.memory.used() ? *total - d.memory.used() : 0;
  return kSuccess;
}
Result cuMemAlloc_v2(Address* address, size_t size) {
  ENTER_CONTEXT
  if (!size) return kInvalidValue;
  if (forbidden(d)) return kCaptureUnsupported;
  const uint64_t total = number("EMULATED_MEMORY", int64_t{1} << 30);
  if (++d.allocations == number("EMULATED_FAIL_ALLOCATION", 0)) return kOutOfMemory;
  if (size > total || d.memory.used() > total - size) return kOutOfMemory;
  uint8_t* made = d.memory.allocate(size);
  *address = reinterpret_cast<Address>(made);
  return made ? kSuccess : kOutOfMemory;
}
Result cuMemFree_v2(Address address) {
  ENTER
  if (!address) return kSuccess;
  if (!d.broken) d.finish();
  return d.memory.release(address) ? d.broken : kInvalidValue;
}
Result cuMemHostAlloc(void** address, size_t size, uint32_t) {
  ENTER_CONTEXT
  if (!size) return kInvalidValue;
  if (++d.allocations == number("EMULATED_FAIL_ALLOCATION", 0)) return kOutOfMemory;
  *address = std::malloc(size);
  if (!*address) return kOutOfMemory;
  std::memset(*address, machine::kPoison, size);
  d.pinned[reinterpret_cast<uint64_t>(*address)] = size;
  return kSuccess;
}
Result cuMemFreeHost(void* address) {
  ENTER
  if (!d.broken) d.finish();
  if (!d.pinned.erase(reinterpret_cast<uint64_t>(address))) return kInvalidValue;
  std::free(address);
  return d.broken;
}

// ---- copies -------------------------------------------------------------------------------------

// From pinned memory what is there when the copy is made; from other memory what is there now.
Result cuMemcpyHtoDAsync_v2(Address to, const void* from, size_t size, Stream* given) {
  ENTER_CONTEXT
  Stream* stream = stream_of(d, given);
  if (!stream) return kInvalidHandle;
  if (!d.region(to, size)) return kInvalidValue;
  if (d.is_pinned(from, size)) {
    d.queue(*stream, [&d, to, from, size] { d.write(to, from, size); });
  } else {
    auto now = std::make_shared<std::string>(static_cast<const char*>(from), size);
    d.queue(*stream, [&d, to, now] { d.write(to, now->data(), now->size()); });
  }
  return kSuccess;
}
Result cuMemcpyDtoHAsync_v2(void* to, Address from, size_t size, Stream* given) {
  ENTER_CONTEXT
  Stream* stream = stream_of(d, given);
  if (!stream) return kInvalidHandle;
  if (!d.region(from, size)) return kInvalidValue;
  if (!stream->capture) std::memset(to, machine::kPoison, size);  // until it is done
  d.queue(*stream, [&d, to, from, size] {
    if (!d.region(from, size)) return d.fault("a copy of memory that is not there any more");
    std::memcpy(to, reinterpret_cast<const void*>(from), size);
  });
  return kSuccess;
}
Result cuMemcpyDtoDAsync_v2(Address to, Address from, size_t size, Stream* given) {
  ENTER_CONTEXT
  Stream* stream = stream_of(d, given);
  if (!stream) return kInvalidHandle;
  if (!d.region(to, size) || !d.region(from, size)) return kInvalidValue;
  if (size && to < from + size && from < to + size) {
    d.fault("a copy on the device whose ends overlap");
  }
  d.queue(*stream, [&d, to, from, size] { d.copy(to, from, size); });
  return kSuccess;
}
Result cuMemcpyHtoD_v2(Address to, const void* from, size_t size) {
  ENTER_CONTEXT
  if (forbidden(d)) return kCaptureUnsupported;
  const Result queued = cuMemcpyHtoDAsync_v2(to, from, size, nullptr);
  d.finish(d.default_stream);
  return queued ? queued : d.broken;
}
Result cuMemcpyDtoH_v2(void* to, Address from, size_t size) {
  ENTER_CONTEXT
  if (forbidden(d)) return kCaptureUnsupported;
  const Result queued = cuMemcpyDtoHAsync_v2(to, from, size, nullptr);
  d.finish(d.default_stream);
  return queued ? queued : d.broken;
}

static Result filled(Address to, std::string pattern, size_t count, Stream* given) {
  ENTER_CONTEXT
  Stream* stream = stream_of(d, given);
  if (!stream) return kInvalidHandle;
  const size_t width = pattern.size();
  if (!d.region(to, count * width) || to % width) return kInvalidValue;
  d.queue(*stream, [&d, to, pattern, count] {
    std::string all;
    for (size_t k = 0; k < count; ++k) all += pattern;
    d.write(to, all.data(), all.size());
  });
  return kSuccess;
}
Result cuMemsetD8Async(Address to, uint8_t value, size_t count, Stream* stream) {
  return filled(to, std::string(1, static_cast<char>(value)), count, stream);
}
Result cuMemsetD32Async(Address to, uint32_t value, size_t count, Stream* stream) {
  return filled(to, std::string(reinterpret_cast<const char*>(&value), 4), count, stream);
}
// Not waited for, as on a device: it is in the order of the default stream.
Result cuMemsetD8_v2(Address to, uint8_t value, size_t count) {
  return cuMemsetD8Async(to, value, count, nullptr);
}
Result cuMemsetD32_v2(Address to, uint32_t value, size_t count) {
  return cuMemsetD32Async(to, value, count, nullptr);
}
}
