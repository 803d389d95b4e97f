"""What targets can do, and what fits cores (SNN4xx)."""

from __future__ import annotations

from snnc.compiler.diagnostics import Rule

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
    "What a core holds, how its synapses lie in memory and how cores are joined is read from a "
    "YAML file: one that comes with snnc or your own. docs/hardware.md has its form. Every key "
    "has to be there, so that no limit is forgotten; null says that there is none.",
)
PART_FITS = Rule(
    "SNN407",
    "a core has room for the smallest part of each population",
    "Populations are cut until every part fits a core: rows, columns and channels of a "
    "convolution, else neuron by neuron. A neuron itself is never cut, since what it adds up is "
    "rounded as a whole. If one neuron has more synapses than a core can hold, no partition "
    "helps.",
)
CORES_THERE = Rule(
    "SNN408",
    "the hardware has as many cores as the network needs",
    "The count is that of the best partition that was found; the report shows what each core is "
    "full of. Narrower weights, fewer distinct parameters and smaller layers take fewer cores, "
    "and a description of your own may have more chips.",
)
HARDWARE_CAPABLE = Rule(
    "SNN409",
    "the hardware can do all that the network does",
    "Resets, graded spikes, delays and widths of weights are those that the description of the "
    "hardware lists. Synapses add up what arrives, so there is no largest of several spikes. "
    "Without --hardware the network runs on the integers of Loihi 2, whatever a chip can do.",
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
    "whole network gives the same bits, with and without --hardware. The engine (--target cpu), "
    "the reference and Lava run parts, too.",
)
STOCK_AXONS = Rule(
    "SNN414",
    "what Lava's own processes hear of a core is one source, whole",
    "Where populations are cut over cores, a part may hear neurons of several others, or some of "
    "an input only. snnc puts them side by side with a process of its own, the input axons of the "
    "core; Lava has none that does. --lava mixed and --lava fused run the network as it is cut.",
)
FAN_IN_SPLIT = Rule(
    "SNN415",
    "sums that are divided over neurons stay the same, to the last bit",
    "--split-fan-in divides the synapses of a neuron over relay neurons, which send the binary "
    "digits of what they add up; the neuron adds up the digits. That needs sums of weights and "
    "spikes, some steps of time, and weights so narrow that digits are fewer than synapses. "
    "Nothing is rounded on the way, so that the network stays what it was.",
)
