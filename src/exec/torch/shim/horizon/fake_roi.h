// The float form of resized regions (`horizon.md` 2.2).
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/util/string_view.h>

// `[N·K, C, height, width]` of a map `[N, C, H, W]` and regions `[N, K, 4]` in pixels of the image, whatever
// `roi_quantized` says of where they come from. With `quantized_forward` coordinates lie on the hardware's steps and
// results on the scale's grid.
at::Tensor ho_roi_resize(
    const at::Tensor& x, const at::Tensor& regions, const at::Tensor& scale, const at::Tensor& zero_point,
    double spatial_scale, int64_t height, int64_t width, bool aligned, c10::string_view mode, bool roi_quantized,
    bool quantized_forward, c10::string_view march);
