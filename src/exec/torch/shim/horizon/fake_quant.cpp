// Fake quantisation with the gradients of `horizon.md` 2.2 and 6.5: the result is `clip(round(x / s)) * s`, its
// gradient passes unchanged, and with `saturate` it is zero where the integer leaves its range.
#include "fake_quant.h"

#include "fake_roi.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <tuple>

using at::Tensor;

namespace {

enum class Round { HalfToEven, HalfUp, Down };

Round round_of(std::string_view mode) {
  if (mode == "half_to_even") return Round::HalfToEven;
  if (mode == "bpu_round") return Round::HalfUp;
  TORCH_CHECK(mode == "floor", "round_mode is half_to_even, bpu_round or floor, not ", mode);
  return Round::Down;
}

Tensor rounded(const Tensor& x, Round mode) {
  switch (mode) {
    case Round::HalfToEven: return at::round(x);
    case Round::HalfUp: return at::floor(x + 0.5);
    default: return at::floor(x);
  }
}

// The scale in a shape that broadcasts along `axis` of x; a single scale as a scalar tensor.
Tensor along(const Tensor& scale, const Tensor& x, int64_t axis) {
  if (scale.numel() == 1) return scale.reshape({});
  TORCH_CHECK(
      axis >= -x.dim() && axis < x.dim(), "scale has ", scale.numel(), " elements, but ch_axis is ", axis,
      " and the tensor has ", x.dim(), " axes");
  if (axis < 0) axis += x.dim();
  TORCH_CHECK(
      scale.numel() == x.size(axis), "scale has ", scale.numel(), " elements, axis ", axis, " has ", x.size(axis));
  std::vector<int64_t> shape(x.dim(), 1);
  shape[axis] = -1;
  return scale.reshape(shape);
}

struct Range {
  int64_t min, max;
};

struct Quantised {
  Tensor value;
  Tensor mask;  // where the integer is within its range
};

// On any device; computes in float32 unless x is float64, the result has x's type.
Quantised quantise(const Tensor& x, const Tensor& scale, int64_t axis, Range range, Round mode, bool mask) {
  auto type = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  Tensor s = along(scale, x, axis).to(type);
  Tensor q = rounded(x.to(type) / s, mode);
  Tensor value = (at::clamp(q, range.min, range.max) * s).to(x.scalar_type());
  return {value, mask ? at::logical_and(q.ge(range.min), q.le(range.max)) : Tensor()};
}

template <Round mode>
inline __attribute__((always_inline)) float round_to(float v) {
  if constexpr (mode == Round::HalfToEven) return std::nearbyintf(v);
  if constexpr (mode == Round::HalfUp) return std::floor(v + 0.5f);
  return std::floor(v);
}

// One pass; `y` may be written while `x` is read at the same place. NaN stays NaN, as in the composed form.
template <Round mode>
inline __attribute__((always_inline)) void run(const float* x, float* y, int64_t n, float s, float lo, float hi) {
  for (int64_t i = 0; i < n; i++) {
    float q = round_to<mode>(x[i] / s);
    q = q < lo ? lo : q;
    q = q > hi ? hi : q;
    y[i] = q * s;
  }
}

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__)
#define PER_CPU __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define PER_CPU
#endif

PER_CPU void half_to_even(const float* x, float* y, int64_t n, float s, float lo, float hi) {
  run<Round::HalfToEven>(x, y, n, s, lo, hi);
}
PER_CPU void half_up(const float* x, float* y, int64_t n, float s, float lo, float hi) {
  run<Round::HalfUp>(x, y, n, s, lo, hi);
}
PER_CPU void down(const float* x, float* y, int64_t n, float s, float lo, float hi) {
  run<Round::Down>(x, y, n, s, lo, hi);
}

using Run = void (*)(const float*, float*, int64_t, float, float, float);

Run run_of(Round mode) {
  switch (mode) {
    case Round::HalfToEven: return half_to_even;
    case Round::HalfUp: return half_up;
    default: return down;
  }
}

// Elements that one task quantises: large enough that starting it costs little.
constexpr int64_t kGrain = 32768;

// One pass over dense float32 memory. The scale changes every `inner` elements, `channels` of them in turn.
Tensor fused(const Tensor& x, const Tensor& scale, int64_t channels, int64_t inner, Range range, Round mode) {
  Tensor y = at::empty_like(x);
  const float *from = x.const_data_ptr<float>(), *s = scale.const_data_ptr<float>();
  float* to = y.mutable_data_ptr<float>();
  const float lo = range.min, hi = range.max;
  const Run one = run_of(mode);
  if (channels == 1) {
    at::parallel_for(0, x.numel(), kGrain, [&](int64_t b, int64_t e) { one(from + b, to + b, e - b, *s, lo, hi); });
    return y;
  }
  const int64_t rows = x.numel() / inner;
  at::parallel_for(0, rows, std::max<int64_t>(1, kGrain / inner), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; r++) one(from + r * inner, to + r * inner, inner, s[r % channels], lo, hi);
  });
  return y;
}

Tensor on_cpu(const Tensor& x, const Tensor& scale, Range range, int64_t axis, Round mode) {
  const bool plain = x.scalar_type() == at::kFloat && scale.scalar_type() == at::kFloat && x.numel() > 0;
  if (plain && scale.numel() == 1 && x.is_non_overlapping_and_dense())
    return fused(x, scale, 1, 1, range, mode);
  const int64_t at = axis < 0 ? axis + x.dim() : axis;
  if (plain && x.is_contiguous() && at >= 0 && at < x.dim() && scale.numel() == x.size(at)) {
    int64_t inner = 1;
    for (int64_t d = at + 1; d < x.dim(); d++) inner *= x.size(d);
    return fused(x, scale.contiguous(), scale.numel(), inner, range, mode);
  }
  return quantise(x, scale, axis, range, mode, false).value;
}

// The value of its second argument with the gradient of its first, times a mask where there is one.
struct StraightThrough : torch::autograd::Function<StraightThrough> {
  static Tensor forward(
      torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& value,
      const std::optional<Tensor>& mask) {
    context->saved_data["type"] = static_cast<int64_t>(x.scalar_type());
    if (mask) context->save_for_backward({*mask});
    return value;
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* context, torch::autograd::variable_list grads) {
    auto saved = context->get_saved_variables();
    Tensor grad = grads[0].to(static_cast<at::ScalarType>(context->saved_data["type"].toInt()));
    if (!saved.empty()) grad = grad * saved[0];
    return {grad, Tensor(), Tensor()};
  }
};

bool needs_gradient(const Tensor& x) { return at::GradMode::is_enabled() && x.requires_grad(); }

// Computes without recording, then attaches the gradient.
Tensor differentiable(const Tensor& x, const Tensor& scale, int64_t axis, Range range, Round mode, bool saturate) {
  Quantised q;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    q = quantise(x.detach(), scale.detach(), axis, range, mode, saturate);
  }
  return StraightThrough::apply(x, q.value, saturate ? std::optional<Tensor>(q.mask) : std::nullopt);
}

// scale_quanti_opt: eval mode, with the gradient of the default, saturating form.
using Opt = Tensor(const Tensor&, const Tensor&, int64_t, int64_t, int64_t, c10::string_view);

Tensor opt_cpu(const Tensor& x, const Tensor& scale, int64_t lo, int64_t hi, int64_t axis, c10::string_view mode) {
  return on_cpu(x, scale, {lo, hi}, axis, round_of(mode));
}

Tensor opt_any(const Tensor& x, const Tensor& scale, int64_t lo, int64_t hi, int64_t axis, c10::string_view mode) {
  return quantise(x, scale, axis, {lo, hi}, round_of(mode), false).value;
}

Tensor opt_autograd(const Tensor& x, const Tensor& scale, int64_t lo, int64_t hi, int64_t axis, c10::string_view mode) {
  if (needs_gradient(x)) return differentiable(x, scale, axis, {lo, hi}, round_of(mode), true);
  static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("horizon::scale_quanti_opt", "").typed<Opt>();
  at::AutoDispatchBelowADInplaceOrView below;
  return op.call(x, scale, lo, hi, axis, mode);
}

// scale_quanti: `in_place` and `compat_mask` save memory in the plugin and change no value; here they are without effect.
using Train = Tensor(
    const Tensor&, const Tensor&, const Tensor&, int64_t, int64_t, int64_t, bool, bool, bool, c10::string_view,
    c10::string_view);

Tensor train_cpu(
    const Tensor& x, const Tensor& scale, const Tensor&, int64_t axis, int64_t lo, int64_t hi, bool, bool, bool,
    c10::string_view mode, c10::string_view) {
  return on_cpu(x, scale, {lo, hi}, axis, round_of(mode));
}

Tensor train_any(
    const Tensor& x, const Tensor& scale, const Tensor&, int64_t axis, int64_t lo, int64_t hi, bool, bool, bool,
    c10::string_view mode, c10::string_view) {
  return quantise(x, scale, axis, {lo, hi}, round_of(mode), false).value;
}

Tensor train_autograd(
    const Tensor& x, const Tensor& scale, const Tensor& zero_point, int64_t axis, int64_t lo, int64_t hi,
    bool saturate, bool in_place, bool compat_mask, c10::string_view mode, c10::string_view march) {
  if (needs_gradient(x)) return differentiable(x, scale, axis, {lo, hi}, round_of(mode), saturate);
  static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("horizon::scale_quanti", "").typed<Train>();
  at::AutoDispatchBelowADInplaceOrView below;
  return op.call(x, scale, zero_point, axis, lo, hi, saturate, in_place, compat_mask, mode, march);
}

// Scale of a symmetric range, `horizon.md` 6.1.
Tensor scale_of(const Tensor& min, const Tensor& max, Range range) {
  Tensor largest = at::clamp_min(at::maximum(at::neg(min), max), 0.0);
  const double half = (static_cast<double>(range.max) - static_cast<double>(range.min)) / 2;
  return at::clamp_min(largest / half, 0x1p-23).reshape({-1});
}

std::tuple<Tensor, Tensor, Tensor> minmax(
    const Tensor& x, const Tensor& min, const Tensor& max, int64_t axis, int64_t lo, int64_t hi, bool saturate,
    c10::string_view mode) {
  Tensor scale;
  Quantised q;
  {
    at::NoGradGuard none;
    scale = scale_of(min, max, {lo, hi});
    q = quantise(x.detach(), scale, axis, {lo, hi}, round_of(mode), true);
  }
  Tensor y = StraightThrough::apply(x, q.value, saturate ? std::optional<Tensor>(q.mask) : std::nullopt);
  return {y, scale, q.mask};
}

Range range_of(std::string_view type) {
  if (type == "qint8") return {-128, 127};
  if (type == "qint16") return {-32768, 32767};
  if (type == "qint4") return {-8, 7};
  if (type == "quint4") return {0, 15};
  TORCH_CHECK(type == "qint32", "unsupported dtype: ", type);
  return {INT32_MIN, INT32_MAX};
}

// scale_requanti: the integer form rounds half up after the product.
Tensor requanti(
    const Tensor& x, const Tensor&, const Tensor& out_scale, const Tensor&, const Tensor&, int64_t axis,
    c10::string_view, c10::string_view out_type, bool, bool post_round, c10::string_view) {
  return differentiable(x, out_scale, axis, range_of(out_type), post_round ? Round::HalfUp : Round::Down, true);
}

// quanti_resize: centre-aligned sampling in float; the forward value is put on the scale's grid as the integer form
// rounds it (floor on bernoulli).
Tensor resize(
    const Tensor& x, const Tensor& scale, const Tensor&, c10::string_view mode, bool align_corners, int64_t height,
    int64_t width, double ratio_h, double ratio_w, bool quantized_forward, c10::string_view march) {
  TORCH_CHECK(x.dim() == 4, "expected a tensor of 4 axes, found ", x.dim());
  const bool by_ratio = ratio_h > 0 && ratio_w > 0;
  if (by_ratio) {
    height = static_cast<int64_t>(std::floor(x.size(2) * ratio_h));
    width = static_cast<int64_t>(std::floor(x.size(3) * ratio_w));
  }
  const auto h = by_ratio ? std::optional<double>(ratio_h) : std::nullopt;
  const auto w = by_ratio ? std::optional<double>(ratio_w) : std::nullopt;
  Tensor y;
  if (mode == "nearest") {
    y = at::_upsample_nearest_exact2d(x, {height, width}, h, w);
  } else {
    TORCH_CHECK(mode == "bilinear", "mode is bilinear or nearest, not ", mode);
    y = at::upsample_bilinear2d(x, {height, width}, align_corners, h, w);
  }
  return quantized_forward ? ho_on_grid(y, scale, march != "bernoulli") : y;
}

// quanti_grid_sample: `grid` [N,H,W,2] holds (x, y) offsets from the output pixel, in pixels; they are put on steps of
// 2^-coord_shift, the result on the scale's grid. Layout and rounding are those of the integer function (`horizon.md`
// 3.11); the specification does not tell them for this operator.
Tensor grid_sample(
    const Tensor& x, const Tensor& grid, const Tensor& scale, c10::string_view mode, c10::string_view padding_mode,
    bool align_corners, int64_t coord_shift, c10::string_view) {
  TORCH_CHECK(x.dim() == 4 && grid.dim() == 4 && grid.size(3) == 2, "expected x [N,C,H,W] and grid [N,H,W,2]");
  TORCH_CHECK(align_corners, "coordinates are pixels: align_corners must be true");
  TORCH_CHECK(mode == "bilinear" || mode == "nearest", "mode is bilinear or nearest, not ", mode);
  TORCH_CHECK(padding_mode == "zeros" || padding_mode == "border", "padding_mode is zeros or border, not ", padding_mode);
  const int64_t height = grid.size(1), width = grid.size(2);
  Tensor step = at::full({1}, std::ldexp(1.0, -static_cast<int>(coord_shift)), grid.options());
  Tensor offset = differentiable(grid, step, -1, range_of("qint16"), Round::HalfUp, true);
  Tensor columns = at::arange(width, grid.options()).reshape({1, width}).expand({height, width});
  Tensor rows = at::arange(height, grid.options()).reshape({height, 1}).expand({height, width});
  Tensor absolute = offset + at::stack({columns, rows}, -1);
  const double last_x = std::max<int64_t>(x.size(3) - 1, 1), last_y = std::max<int64_t>(x.size(2) - 1, 1);
  Tensor last = at::stack({at::full({}, last_x, grid.options()), at::full({}, last_y, grid.options())});
  Tensor y = at::grid_sampler(
      x, absolute * 2 / last - 1, mode == "bilinear" ? 0 : 1, padding_mode == "zeros" ? 0 : 1, true);
  return ho_on_grid(y, scale, true);
}

// fake_cast: through float16; with `enable_clip` values beyond its range become its largest.
Tensor fake_cast(const Tensor& x, bool enable_clip) {
  constexpr double largest = 65504.0;
  Tensor value;
  std::optional<Tensor> mask;
  {
    at::NoGradGuard none;
    Tensor from = x.detach();
    if (enable_clip) {
      mask = from.abs().le(largest);
      from = at::clamp(from, -largest, largest);
    }
    value = from.to(at::kHalf).to(x.scalar_type());
  }
  return StraightThrough::apply(x, value, mask);
}

Tensor round_half_up(const Tensor& x) { return at::floor(x + 0.5); }

Tensor clamp(const Tensor& x, double min, double max) { return at::clamp(x, min, max); }

// Kernels for the processor, every other device, and recording.
template <class Cpu, class Any, class Autograd>
void three(torch::Library& library, const char* name, Cpu cpu, Any any, Autograd autograd) {
  library.impl(name, torch::dispatch(c10::DispatchKey::CPU, torch::CppFunction(cpu)));
  library.impl(name, torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd, torch::CppFunction(any)));
  library.impl(name, torch::dispatch(c10::DispatchKey::Autograd, torch::CppFunction(autograd)));
}

template <class F>
bool composite(torch::Library& library, const char* name, F f) {
  library.impl(name, torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, torch::CppFunction(f)));
  return true;
}

}  // namespace

Tensor ho_on_grid(const Tensor& x, const Tensor& scale, bool half_up) {
  return differentiable(x, scale, 1, range_of("qint32"), half_up ? Round::HalfUp : Round::Down, false);
}

bool ho_register_fake_quant(torch::Library& library, const std::string& name) {
  if (name == "scale_quanti_opt") {
    three(library, "scale_quanti_opt", TORCH_FN(opt_cpu), TORCH_FN(opt_any), TORCH_FN(opt_autograd));
    return true;
  }
  if (name == "scale_quanti") {
    three(library, "scale_quanti", TORCH_FN(train_cpu), TORCH_FN(train_any), TORCH_FN(train_autograd));
    return true;
  }
  if (name == "fake_quantize_minmax") return composite(library, "fake_quantize_minmax", TORCH_FN(minmax));
  if (name == "scale_requanti") return composite(library, "scale_requanti", TORCH_FN(requanti));
  if (name == "quanti_resize") return composite(library, "quanti_resize", TORCH_FN(resize));
  if (name == "quanti_roi_resize") return composite(library, "quanti_roi_resize", TORCH_FN(ho_roi_resize));
  if (name == "quanti_grid_sample") return composite(library, "quanti_grid_sample", TORCH_FN(grid_sample));
  if (name == "fake_cast") return composite(library, "fake_cast", TORCH_FN(fake_cast));
  if (name == "round") return composite(library, "round", TORCH_FN(round_half_up));
  if (name == "clamp") return composite(library, "clamp", TORCH_FN(clamp));
  return false;
}
