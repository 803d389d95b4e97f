// All kernels of the CUDA target, in plain CUDA C++: integers, shared memory, barriers and atomic
// additions of integers; no float, no votes, no shuffles. Built with -I for arithmetic.h.
#pragma once

#include "dense.h"
#include "elements.h"
#include "events.h"
#include "neurons.h"
#include "windows.h"
