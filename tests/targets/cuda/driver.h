// What all entry points of the stand-in for the driver share. Numbers of errors are those of cuda.h.
#pragma once

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "device.h"

using emulated::Device;
using emulated::Event;
using emulated::Function;
using emulated::Graph;
using emulated::Module;
using emulated::number;
using emulated::Stream;
using Result = int32_t;
using Address = uint64_t;

namespace {

enum : Result {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kNoDevice = 100,
  kInvalidDevice = 101,
  kInvalidContext = 201,
  kNoBinary = 209,
  kInvalidPtx = 218,
  kUnsupportedPtx = 222,
  kInvalidHandle = 400,
  kNotFound = 500,
  kNotReady = 600,
  kIllegalAddress = 700,
  kOutOfResources = 701,
  kLaunchFailed = 719,
  kNotSupported = 801,
  kCaptureUnsupported = 900,
  kCaptureInvalidated = 901,
};

struct Name {
  Result code;
  const char* name;
  const char* text;
};
constexpr Name kNames[] = {
    {kSuccess, "CUDA_SUCCESS", "no error"},
    {kInvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {kNotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {kNoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {kNoBinary, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available"},
    {kInvalidPtx, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {kUnsupportedPtx, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "an unsupported toolchain"},
    {kInvalidHandle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {kNotFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {kNotReady, "CUDA_ERROR_NOT_READY", "device not ready"},
    {kIllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access"},
    {kOutOfResources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested"},
    {kLaunchFailed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {kNotSupported, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {kCaptureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "not permitted in a capture"},
    {kCaptureInvalidated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "an earlier error"},
};

std::recursive_mutex gate;
bool initialized = false;
thread_local bool current = false;  // a context in this thread

// Never destroyed: the record is written when the process ends.
Device& device() {
  static Device* only = new Device;
  return *only;
}

using Lock = std::lock_guard<std::recursive_mutex>;

#define ENTER                                        \
  Lock lock(gate);                                   \
  if (!initialized) return kNotInitialized;          \
  Device& d = device();                              \
  (void)d;

// For what needs a context. After a fault of a kernel all of these fail.
#define ENTER_CONTEXT                                \
  ENTER                                              \
  if (!current) return kInvalidContext;              \
  if (d.broken) return d.broken;

Stream* stream_of(Device& d, Stream* stream) {
  if (!stream || stream == reinterpret_cast<Stream*>(1)) return &d.default_stream;
  return d.streams.count(stream) ? stream : nullptr;
}

// What waits, or may wait, must not happen while a stream of this process is captured.
bool forbidden(Device& d) {
  bool found = false;
  for (Stream* stream : d.streams) {
    if (stream->capture) found = stream->invalid = true;
  }
  return found;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result + "\"";
}

// One line of JSON into the file that the environment names.
__attribute__((destructor)) void report() {
  const char* path = std::getenv("EMULATED_REPORT");
  if (!path || !initialized) return;
  Device& d = device();
  std::ofstream file(path, std::ios::app);
  file << "{\"pid\": " << getpid() << ", \"faults\": [";
  for (size_t k = 0; k < d.faults.texts.size(); ++k) {
    file << (k ? ", " : "") << quoted(d.faults.texts[k]);
  }
  file << "], \"left\": {\"contexts\": " << d.retained << ", \"allocations\": " << d.memory.count()
       << ", \"host allocations\": " << d.pinned.size() << ", \"modules\": " << d.modules.size()
       << ", \"streams\": " << d.streams.size() << ", \"events\": " << d.events.size()
       << ", \"graphs\": " << d.graphs.size() << ", \"executables\": " << d.executables.size()
       << "}, \"allocations\": " << d.allocations << ", \"launched\": {";
  const char* between = "";
  for (const auto& [name, count] : d.launched) {
    file << between << quoted(name) << ": " << count;
    between = ", ";
  }
  file << "}}\n";
}

// The library that PTX becomes, made by Python; empty where it cannot be.
std::string built(const std::string& ptx) {
  char name[] = P_tmpdir "/emulated-XXXXXX";
  const int file = mkstemp(name);
  if (file < 0 || write(file, ptx.data(), ptx.size()) != static_cast<ssize_t>(ptx.size())) return "";
  close(file);
  const char* python = std::getenv("EMULATED_PYTHON");
  const char* tree = std::getenv("EMULATED_TREE");
  const std::string command = std::string("cd '") + (tree ? tree : ".") + "' && LD_PRELOAD= '" +
                              (python ? python : "python3") +
                              "' -m tests.targets.cuda.modules '" + name + "'";
  std::string path;
  if (FILE* pipe = popen(command.c_str(), "r")) {
    char line[4096];
    if (std::fgets(line, sizeof line, pipe)) path = line;
    if (pclose(pipe) != 0) path.clear();
  }
  unlink(name);
  while (!path.empty() && path.back() == '\n') path.pop_back();
  return path;
}

// What the driver would say of PTX before it compiles it.
Result accepted(const std::string& ptx) {
  int major = 0, minor = 0, target = 0;
  const size_t version = ptx.find(".version "), of = ptx.find(".target sm_");
  if (version == std::string::npos || of == std::string::npos ||
      std::sscanf(ptx.c_str() + version, ".version %d.%d", &major, &minor) != 2 ||
      std::sscanf(ptx.c_str() + of, ".target sm_%d", &target) != 1) {
    return kInvalidPtx;
  }
  // CUDA 13.5 brings PTX 9.5, as each 13.n brings 9.n and each 12.n brought 8.n.
  const int64_t driver = number("EMULATED_DRIVER_VERSION", 13050);
  if (major * 1000 + minor * 10 > driver - 4000) return kUnsupportedPtx;
  return target > number("EMULATED_CAPABILITY", 90) ? kInvalidPtx : kSuccess;
}

}  // namespace

