// A stand-in for NVIDIA's driver, libcuda.so.1, that runs kernels on this processor.
//
// Programs reach it as they reach the real one; see driver.py for what the environment may ask of
// it. What is not here is not found by cuGetProcAddress, and then cuda-bindings says its name.
#include "driver.h"
#include "entry_memory.h"
#include "entry_work.h"

extern "C" {

// ---- the driver and its devices -------------------------------------------------------------

Result cuInit(uint32_t) {
  Lock lock(gate);
  if (number("EMULATED_DEVICES", 1) == 0) return kNoDevice;
  initialized = true;
  return kSuccess;
}
Result cuDriverGetVersion(int32_t* version) {
  *version = static_cast<int32_t>(number("EMULATED_DRIVER_VERSION", 13050));
  return kSuccess;
}
Result cuDeviceGetCount(int32_t* count) {
  ENTER
  *count = 1;
  return kSuccess;
}
Result cuDeviceGet(int32_t* handle, int32_t k) {
  ENTER
  *handle = 0;
  return k == 0 ? kSuccess : kInvalidDevice;
}
Result cuDeviceGetName(char* name, int32_t size, int32_t) {
  ENTER
  std::snprintf(name, size, "EMULATED, not a GPU");
  return kSuccess;
}
Result cuDeviceGetAttribute(int32_t* value, int32_t attribute, int32_t) {
  ENTER
  const int32_t capability = static_cast<int32_t>(number("EMULATED_CAPABILITY", 90));
  static const std::map<int32_t, int32_t> known = {
      {1, 1024}, {8, 49152}, {10, 32}, {16, 4},  // threads, shared memory, warp, processors
  };
  const auto found = known.find(attribute);
  if (attribute == 75) *value = capability / 10;
  else if (attribute == 76) *value = capability % 10;
  else if (found != known.end()) *value = found->second;
  else return kNotSupported;
  return kSuccess;
}
Result cuDeviceTotalMem_v2(size_t* bytes, int32_t) {
  ENTER
  *bytes = number("EMULATED_MEMORY", int64_t{1} << 30);
  return kSuccess;
}
Result cuDevicePrimaryCtxRetain(void** context, int32_t) {
  ENTER
  ++d.retained;
  *context = &d;
  return kSuccess;
}
Result cuDevicePrimaryCtxRelease_v2(int32_t) {
  ENTER
  if (d.retained == 0) return kInvalidContext;
  --d.retained;
  return kSuccess;
}
Result cuCtxSetCurrent(void* context) {
  ENTER
  current = context != nullptr && d.retained > 0;
  return current || !context ? kSuccess : kInvalidContext;
}
Result cuCtxGetCurrent(void** context) {
  ENTER
  *context = current ? &d : nullptr;
  return kSuccess;
}
Result cuCtxGetDevice(int32_t* handle) {
  ENTER_CONTEXT
  *handle = 0;
  return kSuccess;
}
Result cuCtxSynchronize() {
  ENTER_CONTEXT
  if (forbidden(d)) return kCaptureUnsupported;
  d.finish();
  return d.broken;
}
Result cuGetErrorName(Result code, const char** name) {
  for (const Name& known : kNames) {
    if (known.code == code) return *name = known.name, kSuccess;
  }
  return *name = nullptr, kInvalidValue;
}
Result cuGetErrorString(Result code, const char** text) {
  for (const Name& known : kNames) {
    if (known.code == code) return *text = known.text, kSuccess;
  }
  return *text = nullptr, kInvalidValue;
}

// ---- how bindings find all of this ----------------------------------------------------------------

// The last version of a name is the one that bindings of CUDA 13 mean.
Result cuGetProcAddress_v2(const char* symbol, void** function, int32_t, uint64_t,
                           int32_t* status) {
  static void* const self = [] {
    Dl_info info{};
    dladdr(reinterpret_cast<void*>(cuInit), &info);
    return dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  }();
  for (const char* version : {"_v3", "_v2", ""}) {
    *function = dlsym(self, (std::string(symbol) + version).c_str());
    Dl_info info{};
    if (*function && dladdr(*function, &info) && std::strstr(info.dli_fname, "libcuda.so")) {
      if (status) *status = 0;
      return kSuccess;
    }
  }
  *function = nullptr;
  if (status) *status = 1;  // no such symbol
  return kNotFound;
}
Result cuGetProcAddress(const char* symbol, void** function, int32_t version, uint64_t flags) {
  return cuGetProcAddress_v2(symbol, function, version, flags, nullptr);
}
// NVRTC 13.5 asks for tables of functions without names; there are none.
Result cuGetExportTable(const void** table, const void*) {
  *table = nullptr;
  return kNotFound;
}
}
