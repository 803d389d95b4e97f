// Entry points of the driver: modules, launches, streams, events, graphs.
#pragma once

#include "driver.h"

extern "C" {

// ---- modules and launches -------------------------------------------------------------------

Result cuModuleLoadData(Module** module, const void* image) {
  ENTER_CONTEXT
  if (std::memcmp(image, "\177ELF", 4) == 0) return kNoBinary;  // it has no machine of NVIDIA's
  const std::string ptx = static_cast<const char*>(image);
  if (const Result refused = accepted(ptx)) return refused;
  static std::map<std::string, std::string> libraries;
  const char* execute = std::getenv("EMULATED_EXECUTE");
  std::string& path = libraries[(execute ? execute : "") + ptx];
  if (path.empty()) path = built(ptx);
  void* library = path.empty() ? nullptr : dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    d.fault("PTX that the translator does not know");
    return kInvalidPtx;
  }
  *module = *d.modules.insert(new Module{library, path}).first;
  return kSuccess;
}
Result cuModuleLoadDataEx(Module** module, const void* image, uint32_t, int32_t*, void**) {
  return cuModuleLoadData(module, image);
}
Result cuModuleUnload(Module* module) {
  ENTER
  if (!d.broken) d.finish();
  if (!d.modules.erase(module)) return kInvalidHandle;
  dlclose(module->library);
  delete module;
  return d.broken;
}
Result cuModuleGetFunction(Function** function, Module* module, const char* name) {
  ENTER_CONTEXT
  if (!d.modules.count(module)) return kInvalidHandle;
  void* record = dlsym(module->library, (std::string("machine_") + name).c_str());
  if (!record) return kNotFound;
  using Resume = void (*)(machine::Thread*);
  const auto resume = reinterpret_cast<Resume>(dlsym(module->library, "machine_resume"));
  static std::map<void*, Function> functions;  // as many as there are kernels
  *function = &(functions[record] = {static_cast<const machine::Kernel*>(record), resume});
  return kSuccess;
}

Result cuLaunchKernel(Function* function, uint32_t grid_x, uint32_t grid_y, uint32_t grid_z,
                      uint32_t block_x, uint32_t block_y, uint32_t block_z, uint32_t shared,
                      Stream* given, void** parameters, void** extra) {
  ENTER_CONTEXT
  Stream* stream = stream_of(d, given);
  if (!stream || !function) return kInvalidHandle;
  const machine::Kernel& kernel = *function->kernel;
  const uint64_t threads = uint64_t{block_x} * block_y * block_z;
  if (extra || !grid_x || !grid_y || !grid_z || grid_x > 2147483647u || grid_y > 65535 ||
      grid_z > 65535 || !threads || threads > 1024 || block_z > 64 ||
      kernel.shared_bytes + uint64_t{shared} > 49152) {
    return kInvalidValue;
  }
  if (kernel.max_threads && threads > static_cast<uint64_t>(kernel.max_threads)) {
    return kOutOfResources;
  }
  auto values = std::make_shared<std::vector<std::array<char, 8>>>(kernel.parameter_count);
  for (int32_t k = 0; k < kernel.parameter_count; ++k) {
    std::memcpy((*values)[k].data(), parameters[k], kernel.parameter_bytes[k]);
  }
  const Function called = *function;
  d.queue(*stream, [=, &d] {
    std::vector<void*> places;
    for (auto& value : *values) places.push_back(value.data());
    d.run(called, {{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared, places.data(),
                   0, 0});
  });
  return kSuccess;
}

// ---- streams and events -------------------------------------------------------------------------

Result cuStreamCreate(Stream** stream, uint32_t flags) {
  ENTER_CONTEXT
  *stream = *d.streams.insert(new Stream).first;
  (*stream)->blocking = !(flags & 1);  // CU_STREAM_NON_BLOCKING
  return kSuccess;
}
Result cuStreamSynchronize(Stream* given) {
  ENTER_CONTEXT
  Stream* stream = stream_of(d, given);
  if (!stream) return kInvalidHandle;
  if (stream->capture) return stream->invalid = true, kCaptureUnsupported;
  d.finish(*stream);
  return d.broken;
}
Result cuStreamQuery(Stream* given) {
  ENTER_CONTEXT
  Stream* stream = stream_of(d, given);
  if (!stream) return kInvalidHandle;
  d.some();
  return !stream->last || stream->last->done ? kSuccess : kNotReady;
}
Result cuStreamDestroy_v2(Stream* stream) {
  ENTER
  if (!d.streams.erase(stream)) return kInvalidHandle;
  delete stream;  // what it has queued is done nevertheless
  return d.broken;
}
Result cuStreamWaitEvent(Stream* given, Event* event, uint32_t) {
  ENTER_CONTEXT
  Stream* stream = stream_of(d, given);
  if (!stream || !d.events.count(event)) return kInvalidHandle;
  if (event->capture) {
    stream->capture = event->capture;
    stream->front.insert(stream->front.end(), event->front.begin(), event->front.end());
    return kSuccess;
  }
  d.queue(*stream, [] {});
  if (event->recorded) stream->last->after.push_back(event->recorded);
  return kSuccess;
}
Result cuEventCreate(Event** event, uint32_t) {
  ENTER_CONTEXT
  *event = *d.events.insert(new Event).first;
  return kSuccess;
}
Result cuEventRecord(Event* event, Stream* given) {
  ENTER_CONTEXT
  Stream* stream = stream_of(d, given);
  if (!stream || !d.events.count(event)) return kInvalidHandle;
  event->capture = stream->capture;
  event->front = stream->front;
  event->recorded = stream->capture ? nullptr : stream->last;
  return kSuccess;
}
// Whoever asks again and again gets an answer: what is asked for is done at some time.
Result cuEventQuery(Event* event) {
  ENTER_CONTEXT
  if (!d.events.count(event)) return kInvalidHandle;
  if (!event->recorded || event->recorded->done) return kSuccess;
  d.some();
  if (d.random() % 4 == 0) d.finish(event->recorded);
  if (d.broken) return d.broken;
  return event->recorded->done ? kSuccess : kNotReady;
}
Result cuEventSynchronize(Event* event) {
  ENTER_CONTEXT
  if (!d.events.count(event)) return kInvalidHandle;
  if (event->recorded) d.finish(event->recorded);
  return d.broken;
}
Result cuEventDestroy_v2(Event* event) {
  ENTER
  if (!d.events.erase(event)) return kInvalidHandle;
  delete event;
  return d.broken;
}

// ---- graphs -------------------------------------------------------------------------------------

Result cuStreamBeginCapture_v2(Stream* given, int32_t) {
  ENTER_CONTEXT
  Stream* stream = stream_of(d, given);
  if (!stream || stream == &d.default_stream) return kCaptureUnsupported;
  if (stream->capture) return kInvalidValue;
  stream->capture = std::make_shared<Graph>();
  stream->front.clear();
  stream->invalid = false;
  return kSuccess;
}
Result cuStreamEndCapture(Stream* stream, std::shared_ptr<Graph>** graph) {
  ENTER_CONTEXT
  if (!d.streams.count(stream) || !stream->capture) return kInvalidValue;
  const auto captured = std::move(stream->capture);
  stream->capture = nullptr;
  stream->front.clear();
  *graph = nullptr;
  if (stream->invalid) return kCaptureInvalidated;
  *graph = *d.graphs.insert(new std::shared_ptr<Graph>(captured)).first;
  return kSuccess;
}
Result cuGraphInstantiateWithFlags(Graph** executable, std::shared_ptr<Graph>* graph, uint64_t) {
  ENTER_CONTEXT
  if (!d.graphs.count(graph)) return kInvalidHandle;
  *executable = *d.executables.insert(new Graph(**graph)).first;
  return kSuccess;
}
Result cuGraphInstantiate(Graph** executable, std::shared_ptr<Graph>* graph, uint64_t flags) {
  return cuGraphInstantiateWithFlags(executable, graph, flags);
}
Result cuGraphLaunch(Graph* executable, Stream* given) {
  ENTER_CONTEXT
  Stream* stream = stream_of(d, given);
  if (!stream || !d.executables.count(executable)) return kInvalidHandle;
  auto kept = std::make_shared<Graph>(*executable);
  d.queue(*stream, [&d, kept] { d.replay(*kept); });
  return kSuccess;
}
Result cuGraphExecDestroy(Graph* executable) {
  ENTER
  if (!d.executables.erase(executable)) return kInvalidHandle;
  delete executable;
  return d.broken;
}
Result cuGraphDestroy(std::shared_ptr<Graph>* graph) {
  ENTER
  if (!d.graphs.erase(graph)) return kInvalidHandle;
  delete graph;
  return d.broken;
}
}
