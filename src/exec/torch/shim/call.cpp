// Running: operations, TorchScript's own forms, and register windows.
#include "vm.h"

#include <ATen/core/enum_type.h>
#include <ATen/core/function.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <sstream>
#include <unordered_set>

// Operators that write to arguments although their schemas do not say so: running statistics.
static std::vector<uint32_t> hidden_writes(const std::string& name) {
  if (name == "aten::batch_norm" || name == "aten::instance_norm" || name == "aten::native_batch_norm" ||
      name == "aten::cudnn_batch_norm" || name == "aten::miopen_batch_norm" || name == "aten::_batch_norm_impl_index")
    return {3, 4};
  return {};
}

// In-place operators on the elements of their first argument alone, whose functional form gives the same bits.
static std::optional<c10::OperatorHandle> functional_form(const c10::OperatorName& name) {
  static const std::unordered_set<std::string> known = {
      "aten::add_",  "aten::sub_",     "aten::mul_",     "aten::div_",  "aten::relu_",      "aten::hardtanh_",
      "aten::silu_", "aten::sigmoid_", "aten::tanh_",    "aten::elu_",  "aten::hardswish_", "aten::hardsigmoid_",
      "aten::clamp_", "aten::clamp_min_", "aten::leaky_relu_"};
  if (!known.count(name.name)) return std::nullopt;
  return c10::Dispatcher::singleton().findSchema({name.name.substr(0, name.name.size() - 1), name.overload_name});
}

static Op resolve(const std::shared_ptr<torch::jit::Operator>& found, const c10::OperatorName& name) {
  TORCH_CHECK(found->hasOperation(), "it exists only inside libtorch's own graphs");
  Op op;
  const auto& schema = found->schema();
  if (found->isC10Op()) op.handle = c10::Dispatcher::singleton().findSchema(name);
  op.function = found->getOperation();
  op.takes_count = schema.is_vararg();
  op.returns = schema.returns().size();
  op.functional = functional_form(name);
  op.writes = hidden_writes(schema.name());
  for (uint32_t i = 0; i < schema.arguments().size(); i++) {
    const auto* alias = schema.arguments()[i].alias_info();
    if (alias && alias->isWrite()) op.writes.push_back(i);
  }
  return op;
}

// Results leave the operation stack for their registers; the stack is as before.
static void store(pt_vm* vm, size_t bottom, const uint32_t* out, size_t m) {
  TORCH_CHECK(vm->stack.size() == bottom + m, "expected ", m, " results, found ", vm->stack.size() - bottom);
  for (size_t i = m; i-- > 0;) {
    vm->reg(out[i]) = std::move(vm->stack.back());
    vm->stack.pop_back();
  }
}

static void run(Op& op, Stack& stack) {
  if (op.handle)
    op.handle->callBoxed(&stack);
  else
    op.function(stack);
}

static IValue tuple_slice(const IValue& v, int64_t begin, int64_t end) {
  const auto& items = v.toTupleRef().elements();
  auto n = static_cast<int64_t>(items.size());
  begin = std::clamp<int64_t>(begin < 0 ? begin + n : begin, 0, n);
  end = std::clamp<int64_t>(end < 0 ? end + n : end, begin, n);
  std::vector<IValue> out;
  for (int64_t i = begin; i < end; i++) out.push_back(items[i]);
  return c10::ivalue::Tuple::create(std::move(out));
}

static IValue completed_future(const TypePtr& type, IValue value) {
  auto future = c10::make_intrusive<c10::ivalue::Future>(type->expectRef<c10::FutureType>().getElementType());
  future->markCompleted(std::move(value));
  return future;
}

static IValue completed_await(const TypePtr& type, IValue value) {
  auto await = c10::make_intrusive<c10::ivalue::Await>(type->expectRef<c10::AwaitType>().getElementType());
  await->markCompleted(std::move(value));
  return await;
}

static IValue wait_for(const IValue& v) {
  if (v.isFuture()) {
    v.toFuture()->wait();
    return v.toFuture()->value();
  }
  return v.toAwait()->wait();
}

static IValue scalar_of(const at::Tensor& t, int64_t index) {
  if (t.scalar_type() == at::kDouble) return t.const_data_ptr<double>()[index];
  if (t.scalar_type() == at::kLong) return t.const_data_ptr<int64_t>()[index];
  if (t.scalar_type() == at::kBool) return t.const_data_ptr<bool>()[index];
  return t.const_data_ptr<c10::complex<double>>()[index];
}

// Nested lists of the dimensions from `dim` on; `index` walks over the contiguous elements.
static IValue list_of(const TypePtr& type, const at::Tensor& t, int64_t dim, int64_t& index) {
  if (dim == t.dim()) return scalar_of(t, index++);
  auto element = type->expectRef<c10::ListType>().getElementType();
  c10::impl::GenericList list(element);
  list.reserve(t.size(dim));
  for (int64_t i = 0; i < t.size(dim); i++) list.push_back(list_of(element, t, dim + 1, index));
  return list;
}

// prim::tolist, which libtorch registers only for its own graphs.
static IValue to_list(const TypePtr& type, const at::Tensor& tensor) {
  TypePtr element = type;
  int64_t dim = 0;
  while (auto list = element->cast<c10::ListType>()) {
    element = list->getElementType();
    dim++;
  }
  auto kind = element->kind();
  bool fits = kind == c10::TypeKind::FloatType ? tensor.is_floating_point()
      : kind == c10::TypeKind::ComplexType     ? tensor.is_complex()
      : kind == c10::TypeKind::BoolType        ? tensor.scalar_type() == at::kBool
                                               : tensor.scalar_type() == at::kLong;
  TORCH_CHECK(
      fits, "Output annotation element type and runtime tensor element type must match for tolist(): ",
      *element, " vs ", tensor.scalar_type());
  TORCH_CHECK(
      tensor.dim() == dim, "Output annotation list dimension and runtime tensor dimension must match for tolist()");
  at::Tensor t = tensor.detach().cpu();
  if (t.is_floating_point()) t = t.to(at::kDouble);
  if (t.is_complex()) t = t.to(at::kComplexDouble);
  t = t.resolve_conj().resolve_neg().contiguous();
  int64_t index = 0;
  return list_of(type, t, 0, index);
}

static IValue list_construct(pt_vm* vm, int type, const uint32_t* in, size_t n) {
  c10::impl::GenericList list(vm->type(type)->expectRef<c10::ListType>().getElementType());
  list.reserve(n);
  for (size_t i = 0; i < n; i++) list.push_back(vm->take(in[i]));
  return list;
}

static IValue tuple_construct(pt_vm* vm, int type, const uint32_t* in, size_t n) {
  std::vector<IValue> items;
  items.reserve(n);
  for (size_t i = 0; i < n; i++) items.push_back(vm->take(in[i]));
  auto t = vm->type(type)->expect<c10::TupleType>();
  if (t->name()) return c10::ivalue::Tuple::createNamed(std::move(items), t);
  return c10::ivalue::Tuple::create(std::move(items));
}

static IValue dict_construct(pt_vm* vm, int type, const uint32_t* in, size_t n) {
  const auto& t = vm->type(type)->expectRef<c10::DictType>();
  c10::impl::GenericDict dict(t.getKeyType(), t.getValueType());
  for (size_t i = 0; i + 1 < n; i += 2) {
    IValue key = vm->take(in[i]);
    dict.insert_or_assign(std::move(key), vm->take(in[i + 1]));
  }
  return dict;
}

static IValue get_slot(const IValue& object, int32_t slot) {
  const auto& slots = object.toObjectRef().slots();
  TORCH_CHECK(static_cast<size_t>(slot) < slots.size(), "slot ", slot, " is out of range");
  return slots[slot];
}

static void unpack(pt_vm* vm, c10::ArrayRef<IValue> items, const char* what, const uint32_t* out, size_t m) {
  TORCH_CHECK(items.size() == m, "Expected ", m, " elements in a ", what, " but found ", items.size());
  for (size_t i = 0; i < m; i++) vm->stack.push_back(items[i]);
}

extern "C" {
int pt_find_operator(pt_vm* vm, const char* name, const char* overload) {
  PT_TRY
  c10::OperatorName full(name, overload);
  auto found = torch::jit::findOperatorFor(full);
  if (!found) {
    pt_set_error("no such operator");
    return -1;
  }
  vm->ops.push_back(resolve(found, full));
  return static_cast<int>(vm->ops.size()) - 1;
  PT_CATCH(-1)
}

int pt_find_method(pt_vm* vm, int type, const char* name) {
  PT_TRY
  torch::jit::Function& method = vm->type(type)->expectRef<c10::ClassType>().getMethod(name);
  Op op;
  op.function = [&method](Stack& stack) { method.run(stack); };
  op.returns = 1;
  vm->ops.push_back(std::move(op));
  return static_cast<int>(vm->ops.size()) - 1;
  PT_CATCH(-1)
}

int pt_call(pt_vm* vm, int id, const uint32_t* in, size_t n, const uint32_t* out, size_t m) {
  Stack& stack = vm->stack;
  const size_t bottom = stack.size();
  try {
    Op& op = vm->ops.at(id);
    for (size_t i = 0; i < n; i++) stack.push_back(vm->take(in[i]));
    if (op.takes_count) stack.emplace_back(static_cast<int64_t>(n));
    bool done = false;
    if (!op.writes.empty() && !vm->keep->is_empty()) {
      done = op.functional && vm->keep->moves_on(*op.functional, stack, bottom);
      for (uint32_t w : op.writes)
        if (w < n && !done) vm->keep->before_write(stack[bottom + w]);
    }
    if (!done) run(op, stack);
    store(vm, bottom, out, m);
    return 0;
  } catch (...) {
    stack.resize(bottom);
    PT_TRY throw;
    PT_CATCH(-1)
  }
}

int pt_form(pt_vm* vm, int form, int32_t a, int32_t b, const uint32_t* in, size_t n, const uint32_t* out, size_t m) {
  const size_t bottom = vm->stack.size();
  Stack& stack = vm->stack;
  try {
    switch (form) {
      case PT_LIST_CONSTRUCT: stack.push_back(list_construct(vm, a, in, n)); break;
      case PT_TUPLE_CONSTRUCT: stack.push_back(tuple_construct(vm, a, in, n)); break;
      case PT_DICT_CONSTRUCT: stack.push_back(dict_construct(vm, a, in, n)); break;
      case PT_LIST_UNPACK: {
        IValue list = vm->take(in[0]);
        unpack(vm, list.toListRef(), "list", out, m);
        break;
      }
      case PT_TUPLE_UNPACK: {
        IValue tuple = vm->take(in[0]);
        unpack(vm, tuple.toTupleRef().elements(), "tuple", out, m);
        break;
      }
      case PT_TUPLE_SLICE: stack.push_back(tuple_slice(vm->take(in[0]), a, b)); break;
      case PT_GET_ATTR: stack.push_back(get_slot(vm->read(in[0]), a)); break;
      case PT_SET_ATTR: {
        auto object = vm->read(in[0]).toObject();
        TORCH_CHECK(static_cast<size_t>(a) < object->slots().size(), "slot ", a, " is out of range");
        object->setSlot(a, vm->take(in[1]));
        break;
      }
      case PT_CREATE_OBJECT: {
        auto cls = vm->type(a)->expect<c10::ClassType>();
        size_t slots = cls->numAttributes();
        stack.emplace_back(c10::ivalue::Object::create(c10::StrongTypePtr(vm->cu, std::move(cls)), slots));
        break;
      }
      case PT_MOVE:
        for (size_t i = 0; i < n; i++) stack.push_back(vm->take(in[i]));
        break;
      case PT_UNINITIALIZED: stack.push_back(IValue::uninitialized()); break;
      case PT_MAKE_FUTURE: stack.push_back(completed_future(vm->type(a), vm->take(in[0]))); break;
      case PT_MAKE_AWAIT: stack.push_back(completed_await(vm->type(a), vm->take(in[0]))); break;
      case PT_WAIT: stack.push_back(wait_for(vm->take(in[0]))); break;
      case PT_TO_LIST: stack.push_back(to_list(vm->type(a), vm->take(in[0]).toTensor())); break;
      case PT_ENUM_NAME: stack.emplace_back(vm->take(in[0]).toEnumHolder()->name()); break;
      case PT_ENUM_VALUE: stack.push_back(vm->take(in[0]).toEnumHolder()->value()); break;
      case PT_DEVICE_WITH_INDEX: {
        // libtorch's own aten::device.with_index takes its arguments in the wrong order.
        TORCH_CHECK(n == 2, "a device needs a type and an index");
        stack.emplace_back(c10::Device(vm->read(in[0]).toStringRef() + ":" + std::to_string(vm->read(in[1]).toInt())));
        break;
      }
      default: TORCH_CHECK(false, "unknown form ", form);
    }
    store(vm, bottom, out, m);
    return 0;
  } catch (...) {
    stack.resize(bottom);
    PT_TRY throw;
    PT_CATCH(-1)
  }
}

int pt_isinstance(pt_vm* vm, uint32_t value, const int32_t* types, size_t n, uint32_t out) {
  PT_TRY
  TypePtr type = vm->take(value).type();
  bool is = false;
  for (size_t i = 0; i < n && !is; i++) is = type->isSubtypeOf(*vm->type(types[i]));
  vm->reg(out) = is;
  return 0;
  PT_CATCH(-1)
}

int pt_test(pt_vm* vm, uint32_t operand) {
  PT_TRY
  return vm->read(operand).toBool();
  PT_CATCH(-1)
}

int pt_loop(pt_vm* vm, uint32_t trip, uint32_t max, uint32_t condition, int first) {
  PT_TRY
  int64_t next = first ? 0 : vm->reg(trip).toInt() + 1;
  vm->reg(trip) = next;
  return next < vm->read(max).toInt() && vm->read(condition).toBool();
  PT_CATCH(-1)
}

const char* pt_print(pt_vm* vm, const uint32_t* in, size_t n) {
  PT_TRY
  std::ostringstream s;
  for (size_t i = 0; i < n; i++) s << (i ? " " : "") << vm->take(in[i]);
  s << "\n";
  vm->text = s.str();
  return vm->text.c_str();
  PT_CATCH(nullptr)
}

const void* pt_class_of(pt_vm* vm, uint32_t operand) {
  PT_TRY
  const IValue& v = vm->read(operand);
  return v.isObject() ? v.toObjectRef().type().get() : nullptr;
  PT_CATCH(nullptr)
}

int pt_enter(pt_vm* vm, uint32_t step, uint32_t registers, const uint32_t* in, size_t n) {
  PT_TRY
  size_t base = vm->base + step;
  if (vm->registers.size() < base + registers) vm->registers.resize(std::max(base + registers, 2 * base));
  for (size_t i = 0; i < n; i++) vm->registers[base + i] = vm->take(in[i]);
  vm->base = base;
  return 0;
  PT_CATCH(-1)
}

int pt_leave(pt_vm* vm, uint32_t step, uint32_t registers, uint32_t result, uint32_t out) {
  PT_TRY
  IValue value = vm->take(result);
  for (uint32_t i = 0; i < registers; i++) vm->reg(i) = IValue();
  vm->base -= step;
  vm->reg(out) = std::move(value);
  return 0;
  PT_CATCH(-1)
}

void pt_drop(pt_vm* vm, const uint32_t* regs, size_t n) {
  PT_TRY
  for (size_t i = 0; i < n; i++) vm->reg(regs[i]) = IValue();
  PT_CATCH()
}

// Back to an empty register file, as before the first call.
void pt_reset(pt_vm* vm) {
  for (IValue& v : vm->registers) v = IValue();
  vm->base = 0;
  vm->stack.clear();
  vm->build.clear();
}
}
