// Values that taps keep, without copying what nothing writes to.
#include "vm.h"

#include <forward_list>

// A kept tensor, in a list of its store.
struct Held {
  at::Tensor tensor;
  Held* next = nullptr;
  Held** link = nullptr;    // what points to this one
  IValue* alone = nullptr;  // the kept value that is this tensor; else the tensor lies in a container and is its own
  bool indexed = false;
};

struct pt_kept {
  std::shared_ptr<KeepStore> store;
  IValue value;
  Held alone;
  std::forward_list<Held> inside;
};

// How deep containers are followed; TorchScript lists can contain themselves through Any.
static constexpr int kMaxDepth = 64;

static const c10::StorageImpl* storage_of(const at::Tensor& t) {
  return t.defined() && t.has_storage() ? t.storage().unsafeGetStorageImpl() : nullptr;
}

static void push(Held*& head, Held& held) {
  held.next = head;
  held.link = &head;
  if (head) head->link = &held.next;
  head = &held;
}

static void unlink(Held& held) {
  if (!held.link) return;
  *held.link = held.next;
  if (held.next) held.next->link = held.link;
  held.link = nullptr;
}

void KeepStore::release(Held& held) {
  if (!held.link) return;
  unlink(held);
  if (!held.indexed) return;
  auto found = by_storage.find(storage_of(held.tensor));
  if (found != by_storage.end() && !found->second) by_storage.erase(found);
}

// What a model that never writes need not pay for.
void KeepStore::index() {
  while (Held* held = fresh) {
    unlink(*held);
    held->indexed = true;
    push(by_storage[storage_of(held->tensor)], *held);
  }
}

// Gives every kept tensor on this storage memory of its own.
void KeepStore::redirect(const at::Tensor& written) {
  const auto* storage = storage_of(written);
  if (!storage) return;
  index();
  auto found = by_storage.find(storage);
  if (found == by_storage.end()) return;
  TORCH_CHECK(readers == 0, "a kept value is being looked at while the model would write to it");
  at::NoGradGuard guard;
  while (Held* held = found->second) {
    at::Tensor copy = held->tensor.clone();
    unlink(*held);
    if (held->alone)
      held->alone->toTensor() = std::move(copy);
    else
      held->tensor.unsafeGetTensorImpl()->shallow_copy_from(copy.getIntrusivePtr());
    held->tensor.reset();
  }
  by_storage.erase(found);
}

// Instead of copying a kept tensor and writing to the model's: the kept ones take the old memory, and the model's tensor
// moves on to what the operator's functional form computes. Only where nothing else shares the memory, and never a
// change of type, shape or layout. True when the operator's result is on the stack.
bool KeepStore::moves_on(const c10::OperatorHandle& functional, Stack& stack, size_t bottom) {
  if (!stack[bottom].isTensor()) return false;
  at::Tensor model = stack[bottom].toTensor();
  const auto* storage = storage_of(model);
  if (!storage || model.storage().use_count() != 1 || model.requires_grad() || readers != 0) return false;
  index();
  auto found = by_storage.find(storage);
  if (found == by_storage.end()) return false;
  Stack arguments(stack.begin() + bottom, stack.end());
  functional.callBoxed(&arguments);
  const at::Tensor& result = arguments.back().toTensor();
  if (result.is_same(model) || result.requires_grad() || result.dtype() != model.dtype() ||
      result.sizes() != model.sizes() || result.strides() != model.strides())
    return false;
  at::Tensor old(model.unsafeGetTensorImpl()->shallow_copy_and_detach(c10::VariableVersion(0), true));
  for (Held* held = found->second; held; held = held->next) {
    held->tensor = old;
    *held->alone = old;
  }
  model.unsafeGetTensorImpl()->shallow_copy_from(result.getIntrusivePtr());
  stack.resize(bottom);
  stack.emplace_back(std::move(model));
  return true;
}

void KeepStore::before_write(const IValue& v) {
  if (v.isTensor()) redirect(v.toTensor());
  if (!v.isList()) return;
  for (const IValue& item : v.toListRef())
    if (item.isTensor()) redirect(item.toTensor());
}

static IValue snapshot_tensor(pt_kept& kept, const at::Tensor& t, int depth) {
  if (!storage_of(t)) return t.defined() ? IValue(t.detach().clone()) : IValue(t);
  if (depth == 0 && !t.requires_grad()) {
    kept.alone.tensor = t;
    kept.alone.alone = &kept.value;
    push(kept.store->fresh, kept.alone);
    return t;
  }
  at::Tensor own(t.unsafeGetTensorImpl()->shallow_copy_and_detach(c10::VariableVersion(0), true));
  kept.inside.emplace_front().tensor = own;
  push(kept.store->fresh, kept.inside.front());
  return own;
}

static IValue snapshot(pt_kept& kept, const IValue& v, int depth) {
  if (v.isTensor()) return snapshot_tensor(kept, v.toTensor(), depth);
  if (depth == kMaxDepth) return IValue();
  if (v.isList()) {
    c10::impl::GenericList list(v.toList().elementType());
    for (const IValue& item : v.toListRef()) list.push_back(snapshot(kept, item, depth + 1));
    return list;
  }
  if (v.isTuple()) {
    std::vector<IValue> items;
    for (const IValue& item : v.toTupleRef().elements()) items.push_back(snapshot(kept, item, depth + 1));
    return c10::ivalue::Tuple::create(std::move(items));
  }
  if (v.isGenericDict()) {
    auto dict = v.toGenericDict();
    c10::impl::GenericDict copy(dict.keyType(), dict.valueType());
    for (const auto& entry : dict) copy.insert(entry.key(), snapshot(kept, entry.value(), depth + 1));
    return copy;
  }
  return v;
}

extern "C" {
pt_kept* pt_keep(pt_vm* vm, const pt_value* v) {
  PT_TRY
  auto kept = std::make_unique<pt_kept>();
  kept->store = vm->keep;
  kept->value = snapshot(*kept, iv(v), 0);
  return kept.release();
  PT_CATCH(nullptr)
}
const pt_value* pt_kept_begin(pt_kept* kept) {
  kept->store->readers++;
  return pv(&kept->value);
}
void pt_kept_end(pt_kept* kept) { kept->store->readers--; }
void pt_kept_free(pt_kept* kept) {
  kept->store->release(kept->alone);
  for (Held& held : kept->inside) kept->store->release(held);
  delete kept;
}
}
