// Looking into values.
#include "vm.h"

#include <ATen/core/enum_type.h>

static at::Tensor on_host(const at::Tensor& t) {
  at::Tensor host = t.detach();
  if (host.layout() != at::kStrided) host = host.to_dense();
  return host.cpu().resolve_conj().resolve_neg().contiguous();
}

// Bytes from the first element to the last; 0 without elements.
static uint64_t span_bytes(const at::Tensor& t) {
  if (t.numel() == 0) return 0;
  uint64_t last = 0;
  for (int64_t i = 0; i < t.dim(); i++) last += static_cast<uint64_t>((t.size(i) - 1) * t.stride(i));
  return (last + 1) * t.element_size();
}

static bool readable(const at::Tensor& t) {
  if (!t.device().is_cpu() || t.layout() != at::kStrided || !t.has_storage() || t.is_conj() || t.is_neg()) return false;
  uint64_t offset = static_cast<uint64_t>(t.storage_offset()) * t.element_size();
  return offset + span_bytes(t) <= t.storage().nbytes();
}

static void read_quantizer(const at::Tensor& t, pt_tensor_view* out) {
  static thread_local std::vector<double> scales, zero_points;
  if (t.qscheme() == at::kPerTensorAffine) {
    out->quantizer = 1;
    out->scale = t.q_scale();
    out->zero_point = t.q_zero_point();
    return;
  }
  at::Tensor s = t.q_per_channel_scales().to(at::kCPU, at::kDouble).contiguous();
  at::Tensor z = t.q_per_channel_zero_points();
  out->float_zero_points = z.is_floating_point();
  z = z.to(at::kCPU, at::kDouble).contiguous();
  scales.assign(s.const_data_ptr<double>(), s.const_data_ptr<double>() + s.numel());
  zero_points.assign(z.const_data_ptr<double>(), z.const_data_ptr<double>() + z.numel());
  out->quantizer = 2;
  out->axis = t.q_per_channel_axis();
  out->channels = static_cast<int64_t>(scales.size());
  out->scales = scales.data();
  out->zero_points = zero_points.data();
}

extern "C" {
const pt_value* pt_value_at(pt_vm* vm, uint32_t operand) {
  PT_TRY
  return pv(&vm->read(operand));
  PT_CATCH(nullptr)
}

int pt_tag(const pt_value* value) {
  const IValue& v = iv(value);
  if (v.isNone()) return PT_IS_NONE;
  if (v.isTensor()) return PT_IS_TENSOR;
  if (v.isBool()) return PT_IS_BOOL;
  if (v.isInt()) return PT_IS_INT;
  if (v.isDouble()) return PT_IS_FLOAT;
  if (v.isComplexDouble()) return PT_IS_COMPLEX;
  if (v.isString()) return PT_IS_STR;
  if (v.isDevice()) return PT_IS_DEVICE;
  if (v.isList()) return PT_IS_LIST;
  if (v.isTuple()) return PT_IS_TUPLE;
  if (v.isGenericDict()) return PT_IS_DICT;
  if (v.isEnum()) return PT_IS_ENUM;
  if (v.isObject()) return PT_IS_OBJECT;
  return PT_IS_OTHER;
}

int64_t pt_int(const pt_value* v) {
  if (iv(v).isBool()) return iv(v).toBool();
  return iv(v).isInt() ? iv(v).toInt() : 0;
}
double pt_float(const pt_value* v) { return iv(v).isDouble() ? iv(v).toDouble() : 0; }
void pt_complex(const pt_value* v, double* re, double* im) {
  PT_TRY
  auto c = iv(v).toComplexDouble();
  *re = c.real();
  *im = c.imag();
  PT_CATCH()
}
const char* pt_str(const pt_value* v, size_t* n) {
  PT_TRY
  const std::string& s = iv(v).toStringRef();
  *n = s.size();
  return s.data();
  PT_CATCH(nullptr)
}

const char* pt_type_text(const pt_value* value) {
  PT_TRY
  static thread_local std::string text;
  const IValue& v = iv(value);
  if (v.isDevice())
    text = v.toDevice().str();
  else if (v.isObject())
    text = v.toObjectRef().name();
  else if (v.isEnum())
    text = v.toEnumHolder()->qualifiedClassName();
  else
    text = v.type()->annotation_str();
  return text.c_str();
  PT_CATCH(nullptr)
}

const char* pt_enum_member(const pt_value* v) {
  PT_TRY
  static thread_local std::string text;
  text = iv(v).toEnumHolder()->name();
  return text.c_str();
  PT_CATCH(nullptr)
}

int64_t pt_len(const pt_value* value) {
  PT_TRY
  const IValue& v = iv(value);
  if (v.isList()) return static_cast<int64_t>(v.toListRef().size());
  if (v.isTuple()) return static_cast<int64_t>(v.toTupleRef().elements().size());
  if (v.isGenericDict()) return static_cast<int64_t>(2 * v.toGenericDict().size());
  return 0;
  PT_CATCH(-1)
}

int pt_items(const pt_value* value, const pt_value** out) {
  PT_TRY
  const IValue& v = iv(value);
  if (v.isList()) {
    for (const IValue& item : v.toListRef()) *out++ = pv(&item);
  } else if (v.isTuple()) {
    for (const IValue& item : v.toTupleRef().elements()) *out++ = pv(&item);
  } else if (v.isGenericDict()) {
    auto dict = v.toGenericDict();
    for (const auto& entry : dict) {
      *out++ = pv(&entry.key());
      *out++ = pv(&entry.value());
    }
  }
  return 0;
  PT_CATCH(-1)
}

int pt_tensor(const pt_value* value, pt_tensor_view* out) {
  PT_TRY
  static thread_local std::string device;
  const at::Tensor& t = iv(value).toTensor();
  *out = pt_tensor_view{};
  out->device = "cpu";
  out->device_index = -1;
  out->dtype = -1;
  if (!t.defined()) return 0;
  out->dtype = static_cast<int32_t>(t.scalar_type());
  out->layout = static_cast<int32_t>(t.layout());
  out->requires_grad = t.requires_grad();
  out->device_index = t.device().index();
  if (!t.device().is_cpu()) {
    device = c10::DeviceTypeName(t.device().type(), true);
    out->device = device.c_str();
  }
  out->sizes = t.sizes().data();
  out->ndim = static_cast<int32_t>(t.dim());
  if (t.layout() == at::kStrided) out->strides = t.strides().data();
  if (t.is_quantized()) read_quantizer(t, out);
  if (readable(t)) {
    static const uint8_t none = 0;
    out->bytes = span_bytes(t);
    out->data = out->bytes ? static_cast<const uint8_t*>(t.const_data_ptr()) : &none;
  }
  return 0;
  PT_CATCH(-1)
}

pt_value* pt_to_host(const pt_value* v) {
  PT_TRY
  at::NoGradGuard guard;
  return reinterpret_cast<pt_value*>(new IValue(on_host(iv(v).toTensor())));
  PT_CATCH(nullptr)
}

void pt_value_free(pt_value* v) { delete reinterpret_cast<IValue*>(v); }
}
