// Declares the horizon:: operators; boxed kernels hand their arguments to Rust.
#include "register.h"

#include "fake_quant.h"
#include "memo.h"

#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>
#include <torch/csrc/jit/frontend/function_schema_parser.h>
#include <torch/library.h>

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

using c10::IValue;
using Stack = std::vector<IValue>;

namespace {

ho_run g_run = nullptr;
ho_free g_free = nullptr;
std::string g_error;

// Arguments as the kernel sees them; everything they point to lives in here or in the stack.
struct Arguments {
  std::vector<ho_arg> args;
  std::deque<std::vector<ho_tensor>> tensors;
  std::deque<std::vector<int64_t>> ints;
  std::deque<std::vector<double>> floats;

  static ho_tensor view(const at::Tensor& t, bool meta) {
    TORCH_CHECK(t.defined(), "an argument is an undefined tensor");
    TORCH_CHECK(t.layout() == at::kStrided, "expected a dense tensor, found ", t.layout());
    ho_tensor view{t.sizes().data(), t.strides().data(), nullptr, 0, static_cast<int32_t>(t.scalar_type()),
                   static_cast<int32_t>(t.dim()), 0};
    if (meta) return view;
    TORCH_CHECK(t.device().is_cpu(), "expected a tensor on the cpu, found one on ", t.device());
    const size_t skipped = t.storage_offset() * t.itemsize(), all = t.storage().nbytes();
    if (t.numel() > 0 && all > skipped) {
      view.data = static_cast<const uint8_t*>(t.const_data_ptr());
      view.bytes = all - skipped;
    }
    return view;
  }

  void push(const IValue& v, bool meta) {
    ho_arg arg{HO_NONE, 0, 0.0, nullptr, 0};
    if (v.isTensor()) {
      arg = items(HO_TENSOR, tensors.emplace_back(1, view(v.toTensor(), meta)));
    } else if (v.isTensorList()) {
      auto& list = tensors.emplace_back();
      for (const at::Tensor& t : v.toTensorVector()) list.push_back(view(t, meta));
      arg = items(HO_TENSORS, list);
    } else if (v.isBool()) {
      arg.tag = HO_BOOL;
      arg.number = v.toBool();
    } else if (v.isInt()) {
      arg.tag = HO_INT;
      arg.number = v.toInt();
    } else if (v.isDouble()) {
      arg.tag = HO_FLOAT;
      arg.real = v.toDouble();
    } else if (v.isString()) {
      arg.tag = HO_STR;
      arg.items = v.toStringRef().data();
      arg.n = v.toStringRef().size();
    } else if (v.isIntList()) {
      arg = items(HO_INTS, ints.emplace_back(v.toIntVector()));
    } else if (v.isDoubleList()) {
      arg = items(HO_FLOATS, floats.emplace_back(v.toDoubleVector()));
    } else {
      TORCH_CHECK(v.isNone(), "an argument of kind ", v.tagKind(), " is not expected");
    }
    args.push_back(arg);
  }

  // Lets the kernel know argument `i` again: its packed form is kept.
  void identify(size_t i, const IValue& v) {
    if (args[i].tag == HO_TENSOR) tensors_at(i).key = ho_key(v.toTensor());
  }

  ho_tensor& tensors_at(size_t i) { return *const_cast<ho_tensor*>(static_cast<const ho_tensor*>(args[i].items)); }

  template <class T>
  static ho_arg items(int32_t tag, const std::vector<T>& values) {
    return ho_arg{tag, 0, 0.0, values.data(), values.size()};
  }
};

}  // namespace

struct ho_call {
  bool meta = false;
  std::vector<at::Tensor> outputs;
  std::string error;    // the kernel's
  std::string failure;  // while wrapping a result
};

namespace {

// The weight of every convolution and of convert_conv_params.
constexpr size_t kWeight = 1;

class Kernel final : public c10::OperatorKernel {
 public:
  Kernel(std::string name, bool meta)
      : name_(std::move(name)),
        meta_(meta),
        remembers_(!meta && name_ == "convert_conv_params"),
        packs_(!meta && name_.find("convolution") != std::string::npos) {}

  void operator()(const c10::OperatorHandle& op, c10::DispatchKeySet, Stack* stack) {
    const size_t n = op.schema().arguments().size(), first = stack->size() - n;
    if (!remembers_ || !(*stack)[first + kWeight].isTensor()) return run(op, stack);
    const auto key = Memo::key(at::ArrayRef<IValue>(stack->data() + first, n), kWeight);
    const at::Tensor weight = (*stack)[first + kWeight].toTensor();
    if (!key || !Identity::of(weight)) return run(op, stack);
    if (auto results = Memo::find(weight, *key)) {
      stack->resize(first);
      for (at::Tensor& t : *results) stack->emplace_back(std::move(t));
      return;
    }
    c10::InferenceMode off(false);  // its tensors could not be watched
    run(op, stack);
    std::vector<at::Tensor> results;
    for (size_t i = first; i < stack->size(); i++) results.push_back((*stack)[i].toTensor());
    if (!results.empty()) ho_new_key(results[0]);
    Memo::keep(weight, *key, results);
  }

 private:
  void run(const c10::OperatorHandle& op, Stack* stack) {
    const auto& schema = op.schema();
    const size_t n = schema.arguments().size(), first = stack->size() - n;
    Arguments arguments;
    for (size_t i = 0; i < n; i++) arguments.push((*stack)[first + i], meta_);
    if (packs_ && n > kWeight) arguments.identify(kWeight, (*stack)[first + kWeight]);
    ho_call call;
    call.meta = meta_;
    const int failed = g_run(name_.c_str(), meta_, arguments.args.data(), n, &call);
    TORCH_CHECK(!failed, call.error);  // it names the operator
    TORCH_CHECK(call.failure.empty(), "horizon::", name_, ": ", call.failure);
    size_t written = 0;
    for (size_t i = 0; i < n; i++) {
      const auto* alias = schema.arguments()[i].alias_info();
      if (!alias || !alias->isWrite()) continue;
      TORCH_CHECK(written < call.outputs.size(), "horizon::", name_, ": too few results");
      if (!meta_) (*stack)[first + i].toTensor().copy_(call.outputs[written]);
      written++;
    }
    TORCH_CHECK(
        call.outputs.size() == written + schema.returns().size(), "horizon::", name_, ": ", call.outputs.size(),
        " results, the schema has ", written + schema.returns().size());
    stack->resize(first);
    for (size_t i = written; i < call.outputs.size(); i++) stack->emplace_back(std::move(call.outputs[i]));
  }

  std::string name_;
  bool meta_;
  bool remembers_;  // keeps its results
  bool packs_;      // keeps its weight in packed form
};

// The dispatcher may hold a declaration from another library: its kernels then stand.
bool declared(const c10::FunctionSchema& schema) {
  return c10::Dispatcher::singleton().findSchema(schema.operator_name()).has_value();
}

void boxed(torch::Library& library, const std::string& name, const std::string& base, bool meta) {
  auto kernel = torch::CppFunction::makeFromBoxedFunctor(std::make_unique<Kernel>(base, meta));
  library.impl(name.c_str(), torch::dispatch(meta ? c10::DispatchKey::Meta : c10::DispatchKey::CPU, std::move(kernel)));
}

void register_all(const char* const* schemas, size_t n) {
  // Kept for ever: dropping it would take the operators away.
  auto* library = new torch::Library(torch::Library::FRAGMENT, "horizon", std::nullopt, __FILE__, __LINE__);
  for (size_t i = 0; i < n; i++) {
    auto schema = torch::jit::parseSchema(schemas[i]);
    if (declared(schema)) continue;
    const std::string base = schema.name().substr(schema.name().rfind(':') + 1);
    const std::string full = schema.overload_name().empty() ? base : base + "." + schema.overload_name();
    library->def(std::move(schema));
    if (ho_register_fake_quant(*library, base)) continue;
    boxed(*library, full, base, false);
    boxed(*library, full, base, true);
  }
}

}  // namespace

extern "C" {
// An exception stays in the call: Rust frames lie above.
void ho_output(ho_call* call, const ho_tensor* t, void* owner) {
  try {
    const at::IntArrayRef sizes(t->sizes, t->ndim), strides(t->strides, t->ndim);
    const auto dtype = static_cast<at::ScalarType>(t->dtype);
    if (call->meta) {
      call->outputs.push_back(at::empty_strided(sizes, strides, at::device(at::kMeta).dtype(dtype)));
      return;
    }
    auto free = [owner](void*) { g_free(owner); };
    auto* data = const_cast<uint8_t*>(t->data);
    call->outputs.push_back(at::from_blob(data, sizes, strides, free, at::device(at::kCPU).dtype(dtype)));
  } catch (const std::exception& e) {
    call->failure = e.what();
  }
}

void ho_error(ho_call* call, const char* text, size_t n) { call->error.assign(text, n); }

int ho_threads(void) { return at::in_parallel_region() ? 1 : at::get_num_threads(); }

int ho_register(const char* const* schemas, size_t n, ho_run run, ho_free free) {
  // A second thread has to wait until the operators are there, not only begun.
  static std::mutex once;
  const std::lock_guard<std::mutex> lock(once);
  if (g_run) return g_error.empty() ? 0 : -1;
  try {
    g_run = run;
    g_free = free;
    register_all(schemas, n);
    return 0;
  } catch (const c10::Error& e) {
    g_error = e.what_without_backtrace();
  } catch (const std::exception& e) {
    g_error = e.what();
  } catch (...) {
    g_error = "unknown C++ exception";
  }
  return -1;
}

const char* ho_registration_error(void) { return g_error.c_str(); }

void ho_warn(const char* text) {
  try {
    TORCH_WARN(text);
  } catch (...) {  // warnings may be errors; a constructor must not throw
  }
}
}
