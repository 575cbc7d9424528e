// Values under construction: constants, inputs, and what a file stores.
#include "vm.h"

#include <ATen/EmptyTensor.h>
#include <ATen/core/enum_type.h>
#include <ATen/ops/_empty_affine_quantized.h>
#include <ATen/ops/_empty_per_channel_affine_quantized.h>
#include <ATen/ops/_sparse_coo_tensor_unsafe.h>
#include <ATen/ops/_sparse_compressed_tensor_unsafe.h>
#include <ATen/ops/empty.h>
#include <ATen/core/function.h>
#include <c10/core/CPUAllocator.h>

#include <cstring>
#include <sys/mman.h>

// A private copy-on-write mapping of a model file.
struct Mapping {
  uint8_t* data;
  uint64_t size;
  Mapping(void* start, uint64_t bytes) : data(static_cast<uint8_t*>(start)), size(bytes) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { munmap(data, size); }
};

static c10::Device device_of(const char* text) { return c10::Device(std::string(text)); }

static void release_mapping(void* context) { delete static_cast<std::shared_ptr<Mapping>*>(context); }

// Moves a host storage to its device; the device's storage is shared like the host's was.
static int64_t add_storage(pt_vm* vm, c10::Storage storage, const char* device) {
  c10::Device target = device_of(device);
  if (!target.is_cpu()) {
    at::Tensor bytes = at::empty({0}, at::TensorOptions().dtype(at::kByte));
    auto size = static_cast<int64_t>(storage.nbytes());
    bytes.unsafeGetTensorImpl()->set_storage_keep_dtype(std::move(storage));
    bytes.unsafeGetTensorImpl()->set_sizes_and_strides(at::IntArrayRef(size), at::IntArrayRef(1));
    storage = bytes.to(target).storage();
  }
  vm->storages.push_back(std::move(storage));
  return static_cast<int64_t>(vm->storages.size()) - 1;
}

extern "C" {
int pt_push_none(pt_vm* vm) {
  PT_TRY
  vm->build.emplace_back();
  return 0;
  PT_CATCH(-1)
}
int pt_push_bool(pt_vm* vm, int v) {
  PT_TRY
  vm->build.emplace_back(v != 0);
  return 0;
  PT_CATCH(-1)
}
int pt_push_int(pt_vm* vm, int64_t v) {
  PT_TRY
  vm->build.emplace_back(v);
  return 0;
  PT_CATCH(-1)
}
int pt_push_float(pt_vm* vm, double v) {
  PT_TRY
  vm->build.emplace_back(v);
  return 0;
  PT_CATCH(-1)
}
int pt_push_complex(pt_vm* vm, double re, double im) {
  PT_TRY
  vm->build.emplace_back(c10::complex<double>(re, im));
  return 0;
  PT_CATCH(-1)
}
int pt_push_str(pt_vm* vm, const uint8_t* bytes, size_t n) {
  PT_TRY
  vm->build.emplace_back(std::string(reinterpret_cast<const char*>(bytes), n));
  return 0;
  PT_CATCH(-1)
}
int pt_push_device(pt_vm* vm, const char* text) {
  PT_TRY
  vm->build.emplace_back(device_of(text));
  return 0;
  PT_CATCH(-1)
}
int pt_push_operand(pt_vm* vm, uint32_t operand) {
  PT_TRY
  vm->build.push_back(vm->take(operand));
  return 0;
  PT_CATCH(-1)
}

int pt_push_enum(pt_vm* vm, int type, const char* member) {
  PT_TRY
  auto e = vm->type(type)->expect<c10::EnumType>();
  for (const auto& [name, value] : e->enumNamesValues()) {
    if (name != member) continue;
    vm->build.emplace_back(c10::make_intrusive<c10::ivalue::EnumHolder>(e, name, value));
    return 0;
  }
  TORCH_CHECK(false, "no member `", member, "`");
  PT_CATCH(-1)
}

int pt_make_list(pt_vm* vm, int type, size_t n) {
  PT_TRY
  c10::impl::GenericList list(vm->type(type)->expectRef<c10::ListType>().getElementType());
  list.reserve(n);
  for (auto& v : vm->pop_n(n)) list.push_back(std::move(v));
  vm->build.emplace_back(std::move(list));
  return 0;
  PT_CATCH(-1)
}

int pt_make_tuple(pt_vm* vm, int type, size_t n) {
  PT_TRY
  auto items = vm->pop_n(n);
  if (type >= 0 && vm->type(type)->cast<c10::TupleType>() && vm->type(type)->expectRef<c10::TupleType>().name())
    vm->build.emplace_back(c10::ivalue::Tuple::createNamed(std::move(items), vm->type(type)->expect<c10::TupleType>()));
  else
    vm->build.emplace_back(c10::ivalue::Tuple::create(std::move(items)));
  return 0;
  PT_CATCH(-1)
}

int pt_make_dict(pt_vm* vm, int type, size_t n) {
  PT_TRY
  const auto& t = vm->type(type)->expectRef<c10::DictType>();
  c10::impl::GenericDict dict(t.getKeyType(), t.getValueType());
  auto items = vm->pop_n(2 * n);
  dict.reserve(n);
  for (size_t i = 0; i < n; i++) dict.insert_or_assign(std::move(items[2 * i]), std::move(items[2 * i + 1]));
  vm->build.emplace_back(std::move(dict));
  return 0;
  PT_CATCH(-1)
}

int pt_make_object(pt_vm* vm, int type) {
  PT_TRY
  auto cls = vm->type(type)->expect<c10::ClassType>();
  size_t slots = cls->numAttributes();
  vm->build.emplace_back(c10::ivalue::Object::create(c10::StrongTypePtr(vm->cu, std::move(cls)), slots));
  return 0;
  PT_CATCH(-1)
}

int pt_set_slot(pt_vm* vm, uint32_t object, uint32_t slot) {
  PT_TRY
  auto target = vm->read(object).toObject();
  TORCH_CHECK(slot < target->slots().size(), "slot ", slot, " is out of range");
  target->setSlot(slot, vm->pop());
  return 0;
  PT_CATCH(-1)
}

int pt_set_state(pt_vm* vm, int type) {
  PT_TRY
  auto cls = vm->type(type)->expect<c10::ClassType>();
  auto object = c10::ivalue::Object::create(c10::StrongTypePtr(nullptr, cls), cls->numAttributes());
  Stack stack{object, vm->pop()};
  cls->getMethod("__setstate__").run(stack);
  vm->build.emplace_back(std::move(object));
  return 0;
  PT_CATCH(-1)
}

int pt_pop_constant(pt_vm* vm) {
  PT_TRY
  vm->constants.push_back(vm->pop());
  return static_cast<int>(vm->constants.size()) - 1;
  PT_CATCH(-1)
}

int pt_pop_register(pt_vm* vm, uint32_t reg) {
  PT_TRY
  vm->reg(reg) = vm->pop();
  return 0;
  PT_CATCH(-1)
}

int64_t pt_map_file(pt_vm* vm, int fd, uint64_t size) {
  PT_TRY
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
  TORCH_CHECK(data != MAP_FAILED, "the file cannot be mapped");
  vm->maps.push_back(std::make_shared<Mapping>(data, size));
  return static_cast<int64_t>(vm->maps.size()) - 1;
  PT_CATCH(-1)
}

int64_t pt_storage_mapped(pt_vm* vm, int64_t map, uint64_t offset, uint64_t bytes, const char* device) {
  PT_TRY
  auto mapping = vm->maps.at(map);
  TORCH_CHECK(offset <= mapping->size && bytes <= mapping->size - offset, "the record lies outside the file");
  uint8_t* start = mapping->data + offset;
  auto* context = new std::shared_ptr<Mapping>(std::move(mapping));
  c10::DataPtr data(start, context, release_mapping, c10::Device(c10::kCPU));
  return add_storage(vm, c10::Storage(c10::Storage::use_byte_size_t(), bytes, std::move(data)), device);
  PT_CATCH(-1)
}

int64_t pt_storage_copied(pt_vm* vm, const uint8_t* source, size_t bytes, const char* device) {
  PT_TRY
  auto data = c10::GetCPUAllocator()->allocate(bytes);
  if (bytes) memcpy(data.get(), source, bytes);
  return add_storage(vm, c10::Storage(c10::Storage::use_byte_size_t(), bytes, std::move(data)), device);
  PT_CATCH(-1)
}

int64_t pt_storage_empty(pt_vm* vm, uint64_t bytes, const char* device) {
  PT_TRY
  auto t = at::empty({static_cast<int64_t>(bytes)}, at::TensorOptions().dtype(at::kByte).device(device_of(device)));
  vm->storages.push_back(t.storage());
  return static_cast<int64_t>(vm->storages.size()) - 1;
  PT_CATCH(-1)
}

static at::Tensor empty_tensor(pt_vm* vm, const pt_tensor_spec& spec, c10::Device device) {
  auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(spec.dtype)).device(device);
  if (spec.quantizer == 1) return at::_empty_affine_quantized({0}, options, spec.scale, spec.zero_point);
  if (spec.quantizer == 2) {
    auto parts = vm->pop_n(2);
    return at::_empty_per_channel_affine_quantized({0}, parts[0].toTensor(), parts[1].toTensor(), spec.axis, options);
  }
  return at::empty({0}, options);
}

static void check_range(const pt_tensor_spec& spec, const c10::Storage& storage) {
  at::IntArrayRef sizes(spec.sizes, spec.ndim), strides(spec.strides, spec.ndim);
  TORCH_CHECK(spec.offset >= 0, "a tensor starts before its storage");
  for (size_t i = 0; i < spec.ndim; i++)
    TORCH_CHECK(sizes[i] >= 0 && strides[i] >= 0, "a size or stride is negative");
  if (storage.device().is_meta()) return;
  size_t item = c10::elementSize(static_cast<at::ScalarType>(spec.dtype));
  size_t needed = at::detail::computeStorageNbytes(sizes, strides, item, spec.offset);
  bool empty = std::any_of(sizes.begin(), sizes.end(), [](int64_t size) { return size == 0; });
  TORCH_CHECK(empty || needed <= storage.nbytes(), "a tensor needs ", needed, " bytes of ", storage.nbytes());
}

int pt_push_tensor(pt_vm* vm, int64_t storage, const pt_tensor_spec* spec) {
  PT_TRY
  c10::Storage& s = vm->storages.at(storage);
  check_range(*spec, s);
  at::Tensor t = empty_tensor(vm, *spec, s.device());
  auto* impl = t.unsafeGetTensorImpl();
  impl->set_storage_keep_dtype(s);
  impl->set_storage_offset(spec->offset);
  impl->set_sizes_and_strides(
      at::IntArrayRef(spec->sizes, spec->ndim), at::IntArrayRef(spec->strides, spec->ndim));
  if (spec->conj) t._set_conj(true);
  if (spec->neg) t._set_neg(true);
  if (spec->requires_grad) t.set_requires_grad(true);
  vm->build.emplace_back(std::move(t));
  return 0;
  PT_CATCH(-1)
}

int pt_push_sparse(pt_vm* vm, int layout, const int64_t* sizes, size_t ndim, int requires_grad) {
  PT_TRY
  at::IntArrayRef shape(sizes, ndim);
  auto kind = static_cast<at::Layout>(layout);
  auto parts = vm->pop_n(kind == at::kSparse ? 2 : 3);
  const at::Tensor& values = parts.back().toTensor();
  at::Tensor t = kind == at::kSparse
      ? at::_sparse_coo_tensor_unsafe(parts[0].toTensor(), values, shape, values.options().layout(at::kSparse))
      : at::_sparse_compressed_tensor_unsafe(
            parts[0].toTensor(), parts[1].toTensor(), values, shape, values.options().layout(kind));
  if (requires_grad) t.set_requires_grad(true);
  vm->build.emplace_back(std::move(t));
  return 0;
  PT_CATCH(-1)
}

void pt_forget_storages(pt_vm* vm) { vm->storages.clear(); }

// The values made so far keep what they use alive; the tables were only needed to share it.
void pt_end_load(pt_vm* vm, const uint32_t* keep, size_t n) {
  vm->storages.clear();
  vm->maps.clear();
  std::vector<bool> kept(vm->constants.size(), false);
  for (size_t i = 0; i < n; i++) {
    size_t index = keep[i] & ~(PT_LAST | PT_CONSTANT);
    if (index < kept.size()) kept[index] = true;
  }
  for (size_t i = 0; i < kept.size(); i++)
    if (!kept[i]) vm->constants[i] = IValue();
}
}
