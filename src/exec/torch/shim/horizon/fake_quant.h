// Fake quantisation: differentiable operators of the float graph (`horizon.md` 2.2).
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/library.h>

#include <string>

// Registers the kernels of one operator; false when it is not of this family.
bool ho_register_fake_quant(torch::Library& library, const std::string& name);

// `x` on the grid of its scale (channels on axis 1), half up or down, with the gradient of `x`.
at::Tensor ho_on_grid(const at::Tensor& x, const at::Tensor& scale, bool half_up);
