// Process-wide calls, the Vm, and torch types built from ptool's.
#include "vm.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/enum_type.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>
#include <torch/csrc/jit/runtime/operator.h>
#include <torch/custom_class_detail.h>
#include <torch/version.h>

#include <dlfcn.h>
#include <malloc.h>
#include <sstream>

static thread_local std::string last_message;
static thread_local std::optional<std::string> last_class;
static thread_local bool last_is_raise = false;

void pt_set_error(const std::string& message) {
  last_message = message;
  last_class.reset();
  last_is_raise = false;
}
void pt_set_raise(const std::string& message, std::optional<std::string> python_class) {
  last_message = message;
  last_class = std::move(python_class);
  last_is_raise = true;
}

// Warnings of kernels belong to the caller, not on stderr.
struct DropWarnings final : c10::WarningHandler {
  void process(const c10::Warning&) override {}
};
static DropWarnings drop_warnings;

extern "C" {
const char* pt_error_message(void) { return last_message.c_str(); }
const char* pt_error_class(void) { return last_class ? last_class->c_str() : nullptr; }
int pt_error_is_raise(void) { return last_is_raise; }

const char* pt_version(void) { return TORCH_VERSION; }

int pt_set_threads(int n) {
  PT_TRY
  at::set_num_threads(n);
  return 0;
  PT_CATCH(-1)
}

int pt_manual_seed(uint64_t seed) {
  PT_TRY
  at::manual_seed(seed);
  return 0;
  PT_CATCH(-1)
}

// As torch.ops.load_library does: the library's static initialisers register its operators.
int pt_load_library(const char* path) {
  PT_TRY
  if (!dlopen(path, RTLD_NOW | RTLD_GLOBAL)) {
    const char* why = dlerror();
    pt_set_error(why ? why : "cannot be loaded");
    return -1;
  }
  return 0;
  PT_CATCH(-1)
}

const char* pt_schemas(void) {
  PT_TRY
  static thread_local std::string text;
  std::ostringstream s;
  for (const auto& op : torch::jit::getAllOperators()) s << op->schema() << "\n";
  text = s.str();
  return text.c_str();
  PT_CATCH(nullptr)
}

// Keeps freed blocks in the process, so that the next run does not fault them in again.
void pt_configure_allocator(void) {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 16 << 20);
}

pt_vm* pt_vm_new(void) {
  PT_TRY
  c10::WarningUtils::set_warning_handler(&drop_warnings);
  auto* vm = new pt_vm();
  vm->stack.reserve(32);
  return vm;
  PT_CATCH(nullptr)
}
void pt_vm_free(pt_vm* vm) { delete vm; }

int pt_grad_mode(int enabled) {
  int before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(enabled != 0);
  return before;
}

static TypePtr simple_type(int kind) {
  switch (kind) {
    case PT_TENSOR: return c10::TensorType::get();
    case PT_INT: return c10::IntType::get();
    case PT_FLOAT: return c10::FloatType::get();
    case PT_BOOL: return c10::BoolType::get();
    case PT_STR: return c10::StringType::get();
    case PT_COMPLEX: return c10::ComplexType::get();
    case PT_NUMBER: return c10::NumberType::get();
    case PT_NONE: return c10::NoneType::get();
    case PT_ANY: return c10::AnyType::get();
    case PT_DEVICE: return c10::DeviceObjType::get();
    case PT_GENERATOR: return c10::GeneratorType::get();
    case PT_STREAM: return c10::StreamObjType::get();
    case PT_CAPSULE: return c10::CapsuleType::get();
    case PT_STORAGE: return c10::StorageType::get();
    case PT_QSCHEME: return c10::QSchemeType::get();
    case PT_ANY_LIST: return c10::AnyListType::get();
    case PT_ANY_TUPLE: return c10::AnyTupleType::get();
    case PT_ANY_ENUM: return c10::AnyEnumType::get();
    case PT_ANY_CLASS: return c10::AnyClassType::get();
    default: return nullptr;
  }
}

static TypePtr composed_type(int kind, std::vector<TypePtr> items) {
  size_t wanted = kind == PT_DICT ? 2 : 1;
  TORCH_CHECK(kind == PT_TUPLE || kind == PT_UNION || items.size() == wanted, "wrong number of type arguments");
  switch (kind) {
    case PT_OPTIONAL: return c10::OptionalType::create(items[0]);
    case PT_UNION: return c10::UnionType::create(std::move(items));
    case PT_LIST: return c10::ListType::create(items[0]);
    case PT_DICT: return c10::DictType::create(items[0], items[1]);
    case PT_TUPLE: return c10::TupleType::create(std::move(items));
    case PT_FUTURE: return c10::FutureType::create(items[0]);
    case PT_AWAIT: return c10::AwaitType::create(items[0]);
    case PT_RREF: return c10::RRefType::create(items[0]);
    default: TORCH_CHECK(false, "unknown type kind ", kind);
  }
}

int pt_type(pt_vm* vm, int kind, const int32_t* items, size_t n) {
  PT_TRY
  if (auto t = simple_type(kind)) return vm->add_type(t);
  std::vector<TypePtr> types;
  for (size_t i = 0; i < n; i++) types.push_back(vm->type(items[i]));
  return vm->add_type(composed_type(kind, std::move(types)));
  PT_CATCH(-1)
}

int pt_class(pt_vm* vm, const char* name, int is_module) {
  PT_TRY
  return vm->add_type(c10::ClassType::create(c10::QualifiedName(name), vm->cu, is_module != 0));
  PT_CATCH(-1)
}

int pt_class_attribute(pt_vm* vm, int type, const char* name, int attribute, int is_parameter, int is_buffer) {
  PT_TRY
  auto cls = vm->type(type)->expect<c10::ClassType>();
  // libtorch insists that parameters are tensors; ptool does not need the mark for anything else.
  bool tensor = vm->type(attribute)->isSubtypeOf(*c10::OptionalType::ofTensor());
  return static_cast<int>(
      cls->addAttribute(name, vm->type(attribute), is_parameter && tensor, is_buffer && tensor && !is_parameter));
  PT_CATCH(-1)
}

int pt_interface(pt_vm* vm, const char* name, int is_module) {
  PT_TRY
  return vm->add_type(c10::InterfaceType::create(c10::QualifiedName(name), is_module != 0));
  PT_CATCH(-1)
}

int pt_named_tuple(pt_vm* vm, const char* name, const char* const* fields, const int32_t* types, size_t n) {
  PT_TRY
  std::vector<std::string> names(fields, fields + n);
  std::vector<TypePtr> elements;
  for (size_t i = 0; i < n; i++) elements.push_back(vm->type(types[i]));
  return vm->add_type(c10::TupleType::createNamed(c10::QualifiedName(name), names, elements));
  PT_CATCH(-1)
}

int pt_enum(pt_vm* vm, const char* name, int value_type, const char* const* members, size_t n) {
  PT_TRY
  auto values = vm->pop_n(n);
  std::vector<c10::EnumNameValue> pairs;
  for (size_t i = 0; i < n; i++) pairs.emplace_back(members[i], values[i]);
  return vm->add_type(c10::EnumType::create(c10::QualifiedName(name), vm->type(value_type), std::move(pairs), vm->cu));
  PT_CATCH(-1)
}

int pt_native_class(pt_vm* vm, const char* name) {
  PT_TRY
  auto cls = torch::getCustomClass(name);
  if (!cls) {
    pt_set_error(std::string("no class ") + name);
    return -1;
  }
  return vm->add_type(cls);
  PT_CATCH(-1)
}

const void* pt_type_identity(pt_vm* vm, int type) {
  PT_TRY
  return vm->type(type).get();
  PT_CATCH(nullptr)
}
}
