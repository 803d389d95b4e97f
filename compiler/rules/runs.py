"""Runs and comparison (SNN5xx), and snnc itself (SNN9xx)."""

from __future__ import annotations

from snnc.compiler.diagnostics import Rule

PACKAGE_PRESENT = Rule(
    "SNN501",
    "the packages that a run needs are installed",
    "Frameworks and targets are extras of snnc, so that the core stays light. snnc doctor tells "
    "what is installed.",
)
INPUT_SHAPE = Rule(
    "SNN502",
    "input data has the shape [steps, batch, *shape] of the network's input",
    "The first axis is time, the second the sample. A single sample needs a batch axis of 1: "
    "x[:, None].",
)
INPUT_VALUES = Rule(
    "SNN503",
    "input data are integers that the compiled input takes",
    "Without calibration data an input takes spikes, 0 or 1. Compile with --calibrate X.npy, where "
    "X holds typical input data, and real values are scaled to the input's integers.",
)
ARTIFACT_WHOLE = Rule(
    "SNN504",
    "an artifact is whole: every member there, unchanged, and no other",
    "The manifest lists every file with its SHA-256. A file that is missing, added or changed, or "
    "a record that does not fit this release, makes the artifact worthless as proof.",
)
WORKER_FINISHED = Rule(
    "SNN505",
    "the process that runs Lava finishes its work",
    "Lava runs in a process group of its own. It ended early: a process model raised, the process "
    "was killed, or memory ran out. All its processes and shared memory have been removed.",
)
TIME_LIMIT = Rule(
    "SNN506",
    "a run ends within its time limit",
    "The run was ended because it took longer than its limit. All its processes and shared memory "
    "have been removed. Raise --timeout if the work is long.",
)
LABELS_FIT = Rule(
    "SNN507",
    "there is one label for each sample",
    "Labels are a one-dimensional array of class indices, as long as the batch axis of the input.",
)
MACHINE_SUFFICES = Rule(
    "SNN508",
    "the machine gives what the work needs: memory, files, processes",
    "The operating system refused something in the middle of the work. Nothing was written. Fewer "
    "samples at once need less memory; snnc doctor looks at the rest.",
)
STEPS_FIT = Rule(
    "SNN509",
    "input data suit the loop over time that a model has itself",
    "A model whose forward runs all steps says how many they are, and one that takes a single "
    "input holds it for all of them. snnc runs the model as it is, so data of another length, or "
    "that change while the model holds its input, cannot be given to it.",
)
ENGINE_COMPILED = Rule(
    "SNN510",
    "the native engine is compiled for this machine",
    "pip install compiles it where it finds a compiler of C++17, and a wheel brings it along. All "
    "else of snnc works without it: --target integer computes the same, slowly.",
)
CUDA_PACKAGES = Rule(
    "SNN511",
    "the packages that target cuda needs are installed",
    "cuda-bindings calls NVIDIA's driver, and nvidia-cuda-nvrtc compiles the kernels, for the GPU "
    "at hand or ahead of time for those that --arch names. Both are in the extra cuda.",
)
CUDA_DEVICE = Rule(
    "SNN512",
    "there is an NVIDIA GPU, and its driver",
    "The kernels of target cuda run on a GPU of compute capability 7.5 or higher. In a container "
    "the driver comes from the host, with docker run --gpus all and NVIDIA's container toolkit.",
)
CUDA_DRIVER = Rule(
    "SNN513",
    "the driver of the GPU is new enough",
    "The packages of CUDA 13 need a driver of the series 580 or newer. nvidia-smi tells which one "
    "there is.",
)
CUDA_ARCHITECTURE = Rule(
    "SNN514",
    "kernels can be compiled for the architecture of the GPU",
    "CUDA 13 compiles for compute capability 7.5 (sm_75) and higher. --arch takes those that the "
    "installed NVRTC knows; what is compiled for one runs on all later ones, too, as the driver "
    "translates it when it is loaded.",
)
CUDA_MEMORY = Rule(
    "SNN515",
    "a sample of the network fits into the memory of the GPU",
    "Samples and steps are computed in portions that fit into the memory that is free. Weights, "
    "states, and the steps of the longest delay of one sample have to fit at once.",
)
CUDA_COMPILES = Rule(
    "SNN516",
    "the kernels of snnc compile",
    "This is a fault of snnc, or of a compiler that no release of it has seen. Another version of "
    "nvidia-cuda-nvrtc may compile them.",
)
CUDA_IMAGE = Rule(
    "SNN517",
    "the artifact has kernels for this GPU",
    "An artifact holds the source of its kernels, which NVRTC compiles for the GPU at hand, and "
    "those that were compiled ahead of time. Without NVRTC these have to be for this GPU or an "
    "older one.",
)
CUDA_EXECUTION = Rule(
    "SNN518",
    "the GPU does its work to the end",
    "The driver reported an error in the middle of a run. After a fault of the hardware, or where "
    "another process broke the GPU, it has to be reset; nothing was written.",
)
BISECT_INTEGERS = Rule(
    "SNN621",
    "executions that are bisected compute with integers",
    "Integers have no tolerance: two executions give the same bits, or one of them is wrong, and "
    "a part of the network shows it by itself. Real numbers and the integers made of them differ "
    "by rounding nearly everywhere, so that there is no smallest part; snnc verify tells what "
    "rounding cost, and why.",
)
SAME_TOPOLOGY = Rule(
    "SNN622",
    "artifacts that are bisected are of one topology",
    "Inputs, populations and projections are held against each other by name and shape, and parts "
    "of both networks are run on the same input. Weights, thresholds, decays, delays and lags may "
    "differ: that is what is looked for.",
)
RUNS_DIFFER = Rule(
    "SNN623",
    "there is a difference to reduce",
    "Both executions give the same spikes, u and v of every population, so that there is nothing "
    "to make a small case of. Other input may show a difference.",
)
RUNS_REPEAT = Rule(
    "SNN624",
    "an execution gives the same values of the same input each time",
    "A difference is narrowed by running parts again and again, and comparing. An execution that "
    "gives other values each time, because something is random or not initialized, cannot be "
    "narrowed: first make it repeat itself.",
)
INTERNAL = Rule(
    "SNN900",
    "snnc keeps its own invariants",
    "This is a fault of snnc, not of your model or your machine. Run the command again with "
    "--debug and report what it prints.",
)
