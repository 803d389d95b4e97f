// What the engine is told of a network and of a run: plain records, as targets/cpu/library.py has
// them. All arrays are in C order; shapes of values are [channels, height, width], and those of
// one axis have height 1.
#pragma once

#include <cstdint>

extern "C" {

struct SnncOperator {
  int32_t kind;  // 0 dense, 1 scaling, 2 convolution, 3 sum pooling, 4 max pooling, 5 sparse
  int32_t groups;
  int32_t weight_bytes;  // 1 or 2
  int32_t reserved;
  const void* weight;  // dense [out, in], scaling [n], convolution [out, in / groups, kernel]
  // sparse [nnz]: of source j at begin[j] to begin[j + 1] - 1, ascending by index, its target
  const int32_t* index;
  const int64_t* begin;
  int64_t in[3];
  int64_t out[3];
  int64_t kernel[2];
  int64_t stride[2];
  int64_t before[2];
  int64_t dilation[2];
};

struct SnncProjection {
  int32_t source;  // inputs first, then populations, then axons
  int32_t target;  // a population
  int32_t weight_exp;
  int32_t delay;
  int32_t operator_count;
  int32_t reserved;
  const SnncOperator* operators;
};

struct SnncPopulation {
  int64_t size;
  int32_t reset;
  int32_t spiking;
  int32_t refractory;
  int32_t lag;
  int32_t narrow;     // every synaptic input is within what 32 bits of states allow
  int32_t unwrapped;  // and, times 64, within 24 bits
  const int32_t* keep_u;   // 4096 - (du + 1)
  const int32_t* keep_v;   // 4096 - dv
  const int32_t* theta;    // threshold * 64
  const int32_t* bias;     // bias_mant << bias_exp
  const int32_t* initial;  // v before the first step
};

// Elements of several sources, side by side in the same step.
struct SnncAxons {
  int64_t size;
  int32_t source_count;
  int32_t reserved;
  const int32_t* sources;  // inputs first, then populations; each once
  const int32_t* member;   // of each axon its source among these, [size]
  const int32_t* element;  // and the element of that source; none stands twice
};

struct SnncNetwork {
  int32_t input_count;
  int32_t population_count;
  int32_t projection_count;
  int32_t axons_count;
  const int64_t* input_sizes;
  const int32_t* input_largest;  // magnitude of a value that enters
  const SnncPopulation* populations;
  const SnncProjection* projections;
  const SnncAxons* axons;
};

// Where the signals of a population go, [steps + latency, batch, n], zero before, or null.
struct SnncRecording {
  uint8_t* spikes;
  int32_t* u;
  int32_t* v;
};

struct SnncRun {
  int64_t steps;
  int64_t latency;
  int64_t batch;
  int32_t threads;
  int32_t patience;                 // microseconds that a run lasts before it takes more than one
  int32_t parts;                    // threads that share a sample; 0 as many as are faster than one
  int32_t reserved;
  const void* const* inputs;        // of each input [steps, batch, n]
  const int32_t* input_bytes;       // of a value of each input, with its sign: 1 or 4
  const SnncRecording* recordings;  // of each population
};

// Called now and then with hardware steps done and in all; another answer than 0 ends the run.
typedef int32_t (*SnncProgress)(int64_t, int64_t);

// Gives null where memory is short. Arrays of the network are read and not kept.
void* snnc_prepare(const SnncNetwork* network, int32_t level);
void snnc_release(void* program);
// 0 done, 1 ended by progress, 2 memory is short.
int32_t snnc_run(void* program, const SnncRun* run, SnncProgress progress);
// Bytes of weights, tables and parameters, and of what one thread needs for states and events;
// below 0 where memory is short.
int64_t snnc_bytes(void* program);
int32_t snnc_best_level();
}
