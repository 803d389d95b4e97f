"""Limits of the integers, and what rounding may do (SNN2xx, SNN3xx)."""

from __future__ import annotations

from snnc.compiler.diagnostics import Rule

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
