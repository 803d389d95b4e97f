"""Every rule that snnc checks, with the long text of ``snnc explain CODE``.

Codes never change: 0xx use and files, 1xx models and frontends, 2xx limits of a target,
3xx numbers, 4xx placing, 5xx runs and comparison, 9xx faults of snnc itself.
"""

from __future__ import annotations

from snnc.compiler.diagnostics import Rule

INPUT_READABLE = Rule(
    "SNN001",
    "a file that is named exists and can be read",
    "snnc opened the path and the file system said no: it is missing, a directory where a file "
    "is wanted, or not readable by this user. Nothing was written.",
)
OUTPUT_WRITABLE = Rule(
    "SNN002",
    "the place that is named can be written",
    "Results are written to a temporary name beside their place and moved there when they are "
    "whole, so a refusal leaves nothing half-written behind. Check permissions and free space.",
)
OUTPUT_FREE = Rule(
    "SNN003",
    "the place that is named is free or holds a result of snnc",
    "snnc replaces its own artifacts and reports, and never anything else: a directory that holds "
    "other files stays as it is.",
)
OPTION_VALID = Rule(
    "SNN004",
    "options have a value in their range and fit together",
    "An option has a value that snnc cannot use, or two options contradict each other.",
)
FILE_FORM = Rule(
    "SNN101",
    "a .nir file is HDF5 and holds one NIR graph",
    "The file does not begin as HDF5 does, is damaged, or lacks the groups that NIR writes "
    "(node, node/nodes, node/edges). Very old .nir files were text; write them again with a "
    "current release of the tool that made them.",
)
FILE_SAFE = Rule(
    "SNN102",
    "a .nir file refers to nothing but itself and is of a sane size",
    "HDF5 can refer to other files, to raw parts of the disk, and can declare far more data than "
    "it holds. snnc reads plain data sets only, and checks their declared size before it reads.",
)
NODE_KNOWN = Rule(
    "SNN103",
    "every node is of a type that snnc can compile",
    "The graph has a node that NIR does not define, or that this release of snnc does not "
    "compile yet. docs/nir.md lists what is supported.",
)
NODE_COMPLETE = Rule(
    "SNN104",
    "every node has all its fields, each with the shape that the node's equation needs",
    "A field is missing, is not numeric, or its shape does not fit the other fields of the node.",
)
NUMBER_USABLE = Rule(
    "SNN105",
    "every parameter is finite and in the range where its equation makes sense",
    "NaN and infinity, time constants that are not positive, a step longer than a time constant, "
    "thresholds that are not positive: none of them can be executed faithfully.",
)
EDGE_VALID = Rule(
    "SNN106",
    "every edge joins two nodes of the graph whose shapes agree",
    "An edge names a node that is not there, stands twice, or joins nodes of different size.",
)
NAME_VALID = Rule(
    "SNN107",
    "every name in a .nir file is plain text",
    "Names of nodes, fields and metadata become HDF5 names: not empty, without slash, control or "
    "invisible characters, in Unicode's composed form (NFC), of 255 bytes or less. Anything else "
    "cannot be read back, or looks like another name than it is.",
)
FILE_BOUNDED = Rule(
    "SNN108",
    "a .nir file is read within its limits of time and memory, without a fault",
    "HDF5 runs for ever, takes all memory or crashes on some damaged files. snnc therefore reads "
    "them in a process of its own, which gets time and memory in proportion to the file and can "
    "open no other file. It was ended, and nothing of the file was used. A file of your own can be "
    "read without that process: read_nir(path, trust=True), or --trust-input.",
)
GRAPH_NESTS = Rule(
    "SNN109",
    "a nested graph can be put in the place of its node",
    "A node of a NIR graph may be a graph itself. Its nodes take the place of that node, named by "
    "both with a dot between. An edge to it means its one Input or its one Output; where it "
    "has several, the edge names one: block.input2.",
)
STEP_KNOWN = Rule(
    "SNN110",
    "the length of a time step is known",
    "NIR describes neurons in continuous time and does not say how long a step is. Files that "
    "snnc wrote carry it; for any other file it must be named with --dt, in the unit of the "
    "file's time constants (seconds in almost every file). A wrong dt gives another network.",
)
SEMANTICS_KNOWN = Rule(
    "SNN111",
    "it is known how the framework that made the file computes",
    "The same NIR node is written by different frameworks for different computations: reset to "
    "zero or by subtraction, at once or one step later, with or without a factor dt/tau on the "
    "input. Where the numbers do not decide, name it with --dialect and --reset.",
)
LAYER_SUPPORTED = Rule(
    "SNN112",
    "every layer of the model is one that snnc can import",
    "A layer of the model computes something that snnc cannot express exactly, so it is refused "
    "rather than approximated. docs/frontends.md lists what is supported.",
)
MODEL_TRACEABLE = Rule(
    "SNN113",
    "what a model computes can be followed from its input to its outputs, the same in every step",
    "snnc runs the model's own forward, records every function of torch that it calls, and tells "
    "the steps apart by the states of its neurons. A function that the compiler has no operator "
    "for, numbers that are read out of tensors, and steps that differ cannot be followed. "
    "docs/frontends.md lists what can.",
)
MODEL_LOADS = Rule(
    "SNN114",
    "FILE.py:FUNCTION names a function that returns a trained module",
    "snnc imports the file and calls the function without arguments. The file is your code and "
    "runs with your rights.",
)
STATE_FITS = Rule(
    "SNN115",
    "a file of weights holds tensors alone, those of the module that the function returns",
    "Weights are loaded by torch.load with weights_only=True: a file that holds anything else, "
    "such as a whole pickled module, is refused and none of its code is run. Every parameter and "
    "buffer has to be there under its name, in its shape, and no other.",
)
ONNX_FORM = Rule(
    "SNN140",
    "an .onnx file holds one ONNX model, whole and of a version that is known",
    "The file does not parse as a model of ONNX, a value is used before it is made, a tensor is "
    "not as long as its shape, or the model needs operators older or newer than snnc knows. Run "
    "onnx.checker.check_model on it, or export the model again.",
)
ONNX_SAFE = Rule(
    "SNN141",
    "an ONNX model is of a sane size and refers to nothing outside its folder",
    "The weights of an ONNX model can lie in other files, and a small file can declare far more "
    "than it holds. snnc reads such weights from the folder of the model only, follows no link, "
    "and checks what a model would take before it reads it.",
)
OPERATOR_SUPPORTED = Rule(
    "SNN142",
    "every operator of an ONNX model is one that snnc can convert",
    "An operator has no counterpart in a spiking network, has an attribute that snnc does not "
    "know, or gets values of another form than it can convert. docs/onnx.md lists what is "
    "supported.",
)
STATE_EXPORTED = Rule(
    "SNN143",
    "a spiking model is exported with its states as inputs and outputs",
    "The model compares a value with a threshold, as a spiking neuron does, but has no input for "
    "the state that the neuron keeps from step to step: the exporter took it for the number 0, "
    "and the file holds the first step only. snnTorch's layers made with init_hidden=True are "
    "exported so. Give forward the states as arguments, and return the new ones.",
)
UPDATE_KNOWN = Rule(
    "SNN144",
    "every state of an ONNX model is updated as a known neuron updates it",
    "snnc takes the operators between a state that enters and the state that leaves as one "
    "equation, and compares it with those of the neurons that it knows: leak, input, spike and "
    "reset. docs/onnx.md lists them.",
)
CALIBRATION_GIVEN = Rule(
    "SNN145",
    "a network of ReLUs is converted with typical input data at hand",
    "A neuron fires once a step at most, so the largest activation of a layer decides what one of "
    "its spikes stands for. It is measured on typical input data.",
)
TOPOLOGY = Rule(
    "SNN120",
    "weights lead from inputs or spiking populations to spiking populations",
    "On neuromorphic cores a synapse carries spikes from a neuron or an input to a neuron. What "
    "stands between the two, weights, pooling and sums, is computed within one step. What feeds no "
    "neuron, a read-out that feeds anything but an output, and a loop without neurons have no "
    "place there.",
)
LOOP_DELAYED = Rule(
    "SNN121",
    "every loop takes at least one step of delay for each projection on it",
    "A spike reaches the next neuron no earlier than one step later on neuromorphic hardware. A "
    "loop whose delays add up to less than the number of its projections cannot be kept in time; "
    "feed-forward projections without delay can, by letting later populations run behind.",
)
ONE_LAYER = Rule(
    "SNN122",
    "what stands between two neurons makes one layer of weights, with pooling before and behind it",
    "A synapse takes spikes and gives a current, so operators between two neurons become one: "
    "layers of weights are multiplied, batch norms and average pooling go into them. A max pooling "
    "cannot be multiplied with anything. It may stand before the weights, or behind them where "
    "nothing has to be added or changed in sign across it.",
)
NODE_STANDARD = Rule(
    "SNN130",
    "every node of a written file is one that other tools can read",
    "NIR has no word for some layers, and nir 1.0.8 refuses some forms of others. snnc writes them "
    "all the same and reads them back; another tool will refuse the file or leave the node out.",
)
DELAY_RANGE = Rule(
    "SNN201",
    "no projection delays a spike longer than 100,000 steps",
    "Lava and Loihi have 6 bits for a delay. Relay neurons make a longer one of several, and an "
    "input is held back by whoever sends it. What is on its way has to be kept step by step, so "
    "there is an end to it. Branches of unequal depth are balanced by delays on the shorter one, "
    "which count as well.",
)
RELAYS_FIT = Rule(
    "SNN202",
    "all relay neurons together are no more than a chip has neurons",
    "Lava and Loihi have 6 bits for a delay. Behind a population a longer one takes relay neurons, "
    "which pass its spikes on: one for each of its neurons and each 63 steps, shared by all "
    "projections from there.",
)
INPUT_HELD = Rule(
    "SNN203",
    "Lava's own processes hold an input back by 63 steps at most",
    "An input is held back by what sends it into the network: in the mixed form of a Lava network "
    "a process of ours, for as long as it takes. Lava's own have 6 bits for a delay, and relay "
    "neurons would lose all integers but 0 and 1.",
)
NUMBER_FITS = Rule(
    "SNN301",
    "every parameter fits the hardware's integers",
    "A threshold or a bias cannot be represented even at the smallest scale that leaves the "
    "weights their meaning.",
)
TIME_CONSTANT = Rule(
    "SNN302",
    "a time constant keeps its value to 5 % when its decay is rounded to 12 bits",
    "Decays are fractions of 4096. A time constant of more than some 400 steps is changed "
    "noticeably by rounding; above 8192 steps the decay rounds to none at all.",
)
NO_OVERFLOW = Rule(
    "SNN303",
    "u and v are proven never to leave their 24 bits",
    "snnc bounds u and v of every neuron over all possible inputs. Where the proof does not hold, "
    "u would wrap around and v would stick at its limit, as on the hardware; the report says for "
    "which populations, and what calibration data showed. --overflow wrap,clip accepts both.",
)
FEW_COUNTS = Rule(
    "SNN304",
    "a threshold is at least 32 counts",
    "A threshold of a few counts makes every rounding a large step. It comes from weights that "
    "are large against the threshold.",
)
WEIGHTS_KEPT = Rule(
    "SNN305",
    "rounding leaves at least half of a population's weights",
    "Weights that are small against the largest one of the same neuron, or against its threshold, "
    "are rounded to zero, and the network computes without them. snnc verify shows what that "
    "costs.",
)
RANGE_KEPT = Rule(
    "SNN307",
    "u and v stay within their 24 bits on the calibration data",
    "Beyond them u wraps around, which turns excitation into inhibition, and v sticks at its "
    "limit. Where the bounds over all inputs do not hold and it happens on the calibration data, "
    "the network is refused, unless --overflow wrap or --overflow clip names what is accepted.",
)
DATA_TYPICAL = Rule(
    "SNN308",
    "calibration data make neurons spike",
    "Rounding follows what typical data make neurons do, and guards compare it. Data on which no "
    "neuron spikes, such as zeros, tell nothing of either.",
)
RATES_KEPT = Rule(
    "SNN310",
    "a population does on typical data what it does in the float network",
    "On the first samples of the calibration data the float network and the integers are run side "
    "by side, the integers twice: as they are, and with each population receiving what the float "
    "network sends. The second tells whether a population's own rounding changes its spikes, or "
    "what arrives there.",
)
INPUTS_ACT = Rule(
    "SNN311",
    "what a population receives has a weight that rounding leaves",
    "Where all weights of one source neuron or channel are small against the largest of each "
    "neuron that it drives, all of them become zero, and it drives nothing any more.",
)
THRESHOLDS_FEW = Rule(
    "SNN320",
    "a population has no more different thresholds than the hardware has room for",
    "Loihi keeps thresholds in a small table of each core. Neurons with weights of their own share "
    "thresholds by giving up some of their scale. Those of a channel have one scale, and cannot "
    "where they were trained with different thresholds, gains or time constants.",
)
SIGN_FITS = Rule(
    "SNN314",
    "weights of 1 bit have one sign for each projection",
    "Where all weights of a projection have the same sign, it belongs to the projection, and 1 bit "
    "says whether a weight is there. Where both signs occur, each weight has a bit for its own, "
    "and of 1 bit nothing is left. Two projections, one for each sign, would take 2 bits for each "
    "weight as well, so 2 bits are what to allow.",
)
ACCURACY_IN_BUDGET = Rule(
    "SNN317",
    "the widest weights lose no more accuracy than the budget allows",
    "--budget top1>=-Xpt promises that accuracy on the labeled calibration data falls by at most X "
    "points against the float network. Where it falls by more with 8 bits everywhere, no choice of "
    "widths can be expected to keep the promise, and nothing is written. The message names the "
    "population whose weights are the most sensitive to rounding.",
)
MEMORY_IN_BUDGET = Rule(
    "SNN318",
    "the narrowest weights take no more memory than the budget allows",
    "--budget memory<=X counts the stored weights, kernels once and zeros as others, times their "
    "bits. Where the narrowest widths need more, nothing is written. The message names the "
    "population with most weights.",
)
BUDGET_MEASURED = Rule(
    "SNN319",
    "a budget comes with the data that it is measured on",
    "What rounding costs is measured on calibration data: for a budget of accuracy with the true "
    "class of each sample, for one of memory the error of the outputs.",
)
ROUNDING_DATA = Rule(
    "SNN312",
    "rounding that follows data has calibration data to follow",
    "With error feedback weights make up for each other's rounding on what the float network does, "
    "and thresholds are moved until neurons spike as often as there. Both need typical input data.",
)
GRADIENT_PASSES = Rule(
    "SNN323",
    "neurons that are trained pass a gradient on",
    "A spike is a step, whose derivative is 0. Frameworks put a surrogate in its place; where a "
    "layer has none, no parameter before it would ever change, and nothing would say so.",
)
STOCK_POPULATION = Rule(
    "SNN401",
    "in the stock form Lava's own LIF computes every population",
    "--lava stock uses Lava's own processes only, as Lava documents them, so that the network can "
    "be taken to Loihi. Lava's LIF in fixed point resets to zero, begins at rest and has one du, "
    "one dv and one threshold for a population. --lava mixed runs other populations on processes "
    "of snnc.",
)
STOCK_PROJECTION = Rule(
    "SNN402",
    "in the stock form Lava's own synapses compute every projection",
    "--lava stock uses Dense, Sparse, DelayDense, DelaySparse and Conv only. What lies between two "
    "populations must be one matrix of weights of 8 bits. Max pooling is none, and where windows "
    "overlap, products of weights add up to larger ones. --lava mixed runs other projections on a "
    "process of snnc.",
)
JOINABLE = Rule(
    "SNN405",
    "an artifact can be a process in a network of Lava processes",
    "load_process makes a Lava process of an artifact for the target lava, with a port for each of "
    "its inputs and outputs. What passes a port are integers that the processes of the artifact "
    "receive and send; form stock has only what Lava's own processes can.",
)
HARDWARE_DESCRIBED = Rule(
    "SNN406",
    "a description of hardware is complete, and every number in it has a source",
    "What a core holds, how its synapses lie in memory and how cores are joined is read from a YAML "
    "file: one that comes with snnc or your own. docs/hardware.md has its form. Every key has to be "
    "there, so that no limit is forgotten; null says that there is none.",
)
PART_FITS = Rule(
    "SNN407",
    "a core has room for the smallest part of each population",
    "Populations are cut until every part fits a core: rows, columns and channels of a convolution, "
    "else neuron by neuron. A neuron itself is never cut, since what it adds up is rounded as a whole. "
    "If one neuron has more synapses than a core can hold, no partition helps.",
)
CORES_THERE = Rule(
    "SNN408",
    "the hardware has as many cores as the network needs",
    "The count is that of the best partition that was found; the report shows what each core is full "
    "of. Narrower weights, fewer distinct parameters and smaller layers take fewer cores, and a "
    "description of your own may have more chips.",
)
HARDWARE_CAPABLE = Rule(
    "SNN409",
    "the hardware can do all that the network does",
    "Resets, graded spikes, delays and widths of weights are those that the description of the "
    "hardware lists. Synapses add up what arrives, so there is no largest of several spikes. Without "
    "--hardware the network runs on the integers of Loihi 2, whatever a chip can do.",
)
PARTITION_FOUND = Rule(
    "SNN411",
    "neurons are laid out so that each core sends and receives what it can",
    "How much a core sends depends on where the neurons are that receive. snnc lays a network out "
    "anew, with fewer neurons on a core, while cores send to more cores than they may. Smaller "
    "cores are more cores to send to, so that this need not come to an end.",
)
MAPPING_HOLDS = Rule(
    "SNN412",
    "what lies on the cores, counted anew, is within every limit of the hardware",
    "Every neuron is on one core, and what the cores hold is counted a second time: synapse by "
    "synapse, by code that has nothing in common with the one that maps. If the two disagree, one "
    "of them is wrong, or the artifact was changed by hand.",
)
CUDA_WHOLE = Rule(
    "SNN413",
    "target cuda runs networks that are not cut over cores",
    "A GPU has no cores to cut for, and its kernels no axons that gather what parts send. The "
    "whole network gives the same bits, with and without --hardware. The engine (--target cpu), the "
    "reference and Lava run parts, too.",
)
STOCK_AXONS = Rule(
    "SNN414",
    "what Lava's own processes hear of a core is one source, whole",
    "Where populations are cut over cores, a part may hear neurons of several others, or some of "
    "an input only. snnc puts them side by side with a process of its own, the input axons of the "
    "core; Lava has none that does. --lava mixed and --lava fused run the network as it is cut.",
)
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
INTERNAL = Rule(
    "SNN900",
    "snnc keeps its own invariants",
    "This is a fault of snnc, not of your model or your machine. Run the command again with "
    "--debug and report what it prints.",
)


def all_rules() -> dict[str, Rule]:
    """Give every rule by its code."""
    return {r.code: r for r in globals().values() if isinstance(r, Rule)}
