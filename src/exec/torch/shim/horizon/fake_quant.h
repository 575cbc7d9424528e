// Fake quantisation: differentiable operators of the float graph (`horizon.md` 2.2).
#pragma once
#include <torch/library.h>

#include <string>

// Registers the kernels of one operator; false when it is not of this family.
bool ho_register_fake_quant(torch::Library& library, const std::string& name);
