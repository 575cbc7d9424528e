// quanti_roi_resize: regions of a float map, sampled as the integer operator samples them (`src/bpu/roi.rs`), with the
// gradient of the map. Inferred like the integer form; the specification states no more than its arguments.
#include "fake_roi.h"

#include "fake_quant.h"

#include <ATen/ATen.h>

#include <cmath>

using at::Tensor;
using at::indexing::Slice;

namespace {

// Where samples lie in a region: on bernoulli and bernoulli2 from its corner with the extent + 1; else as torchvision's
// roi_align, without and with the half pixel.
enum class Align { Origin, Legacy, Half };

struct Rule {
  Align align;
  double one;  // units of a coordinate in a pixel; 0 leaves coordinates as they are
};

Rule rule_of(c10::string_view march, bool aligned, bool fixed) {
  const bool origin = march == "bernoulli2" || march == "bernoulli";
  const Align align = origin ? Align::Origin : aligned ? Align::Half : Align::Legacy;
  return {align, fixed ? std::ldexp(1.0, origin ? 8 : 16) : 0.0};
}

Tensor on_steps(const Tensor& value, const Rule& rule) {
  return rule.one > 0 ? at::floor(value * rule.one) / rule.one : value;
}

// Sampling coordinates [M, count] along one axis, from corners [M] in pixels of the map, float64.
Tensor coordinates(const Tensor& low, const Tensor& high, int64_t count, const Rule& rule) {
  Tensor extent = high - low;
  if (rule.align == Align::Origin) extent = extent + 1;
  if (rule.align == Align::Legacy) extent = at::clamp_min(extent, 1.0);
  Tensor step = extent / static_cast<double>(count), first = low;
  if (rule.align != Align::Origin) first = low + step / 2;
  if (rule.align == Align::Half) first = first - 0.5;
  first = on_steps(first, rule).unsqueeze(1);
  step = on_steps(step, rule).unsqueeze(1);
  return at::nan_to_num(first + step * at::arange(count, low.options()), 0.0);
}

Tensor position(const Tensor& at, int64_t size) { return at::clamp(at, 0, size - 1).to(at::kLong); }

// Regions with a size that touch the map; products in float32, as the plugin forms them.
Tensor legal(const Tensor& rois, double scale, int64_t height, int64_t width) {
  auto corner = [&](int64_t i) { return rois.index({Slice(), i}); };
  Tensor outside = corner(2).lt(0).logical_or(corner(3).lt(0));
  outside = outside.logical_or((corner(0) * scale).gt(width)).logical_or((corner(1) * scale).gt(height));
  Tensor empty = (corner(2) - corner(0)).le(0).logical_or((corner(3) - corner(1)).le(0));
  return outside.logical_or(empty).logical_not();
}

}  // namespace

Tensor ho_roi_resize(
    const Tensor& x, const Tensor& regions, const Tensor& scale, const Tensor&, double spatial_scale, int64_t height,
    int64_t width, bool aligned, c10::string_view mode, bool, bool quantized_forward, c10::string_view march) {
  TORCH_CHECK(x.dim() == 4, "expected a map of 4 axes, found ", x.dim());
  TORCH_CHECK(
      regions.dim() == 3 && regions.size(0) == x.size(0) && regions.size(2) == 4, "expected rois [", x.size(0),
      ", K, 4], found ", regions.sizes());
  TORCH_CHECK(mode == "bilinear" || mode == "nearest", "mode is bilinear or nearest, not ", mode);
  TORCH_CHECK(height > 0 && width > 0, "expected a positive output size");
  const int64_t rows = x.size(2), columns = x.size(3), count = regions.size(1);
  Tensor rois = regions.detach().reshape({-1, 4}).to(at::kFloat), wide = rois.to(at::kDouble) * spatial_scale;
  const Rule rule = rule_of(march, aligned, quantized_forward);
  auto corner = [&](int64_t i) { return wide.index({Slice(), i}); };
  Tensor ys = coordinates(corner(1), corner(3), height, rule), xs = coordinates(corner(0), corner(2), width, rule);
  Tensor image = at::arange(x.size(0), rois.options().dtype(at::kLong)).repeat_interleave(count).reshape({-1, 1, 1});
  Tensor pixels = x.permute({0, 2, 3, 1});
  auto pick = [&](const Tensor& y, const Tensor& at_x) {
    return pixels.index({image, position(y, rows).unsqueeze(2), position(at_x, columns).unsqueeze(1)});
  };
  Tensor out;
  if (mode == "nearest") {
    out = pick(at::floor(ys + 0.5), at::floor(xs + 0.5));
  } else {
    Tensor top = at::floor(ys), left = at::floor(xs);
    Tensor fy = (ys - top).to(x.scalar_type()).unsqueeze(2).unsqueeze(3);
    Tensor fx = (xs - left).to(x.scalar_type()).unsqueeze(1).unsqueeze(3);
    Tensor upper = pick(top, left) * (1 - fx) + pick(top, left + 1) * fx;
    Tensor lower = pick(top + 1, left) * (1 - fx) + pick(top + 1, left + 1) * fx;
    out = upper * (1 - fy) + lower * fy;
  }
  out = at::where(legal(rois, spatial_scale, rows, columns).reshape({-1, 1, 1, 1}), out, 0.0).to(x.scalar_type());
  out = out.permute({0, 3, 1, 2}).contiguous();
  return quantized_forward ? ho_on_grid(out, scale, march != "bernoulli") : out;
}
