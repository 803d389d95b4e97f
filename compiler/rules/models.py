"""What models and frontends have to keep to (SNN1xx)."""

from __future__ import annotations

from snnc.compiler.diagnostics import Rule

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
