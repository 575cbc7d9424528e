// Values that taps keep, without copying what nothing writes to.
#include "vm.h"

struct pt_kept {
  std::shared_ptr<KeepStore> store;
  IValue value;
  std::vector<at::Tensor> tensors;
};

// How deep containers are followed; TorchScript lists can contain themselves through Any.
static constexpr int kMaxDepth = 64;

static const c10::StorageImpl* storage_of(const at::Tensor& t) {
  return t.defined() && t.has_storage() ? t.storage().unsafeGetStorageImpl() : nullptr;
}

void KeepStore::add(const at::Tensor& t) {
  tensors.emplace(storage_of(t), t);
}

void KeepStore::remove(const at::Tensor& t) {
  auto [begin, end] = tensors.equal_range(storage_of(t));
  for (auto it = begin; it != end; ++it) {
    if (!it->second.is_same(t)) continue;
    tensors.erase(it);
    return;
  }
}

// Gives every kept tensor on this storage memory of its own.
static void redirect(KeepStore& store, const at::Tensor& written) {
  const auto* storage = storage_of(written);
  auto [begin, end] = store.tensors.equal_range(storage);
  if (!storage || begin == end) return;
  TORCH_CHECK(store.readers == 0, "a kept value is being looked at while the model would write to it");
  at::NoGradGuard guard;
  for (auto it = begin; it != end; ++it) {
    at::Tensor copy = it->second.clone();
    it->second.unsafeGetTensorImpl()->shallow_copy_from(copy.getIntrusivePtr());
  }
  store.tensors.erase(begin, end);
}

void KeepStore::before_write(const IValue& v) {
  if (v.isTensor()) redirect(*this, v.toTensor());
  if (!v.isList()) return;
  for (const IValue& item : v.toListRef())
    if (item.isTensor()) redirect(*this, item.toTensor());
}

static IValue snapshot(pt_kept& kept, const IValue& v, int depth) {
  if (v.isTensor()) {
    const at::Tensor& t = v.toTensor();
    if (!storage_of(t)) return t.defined() ? IValue(t.detach().clone()) : v;
    auto impl = t.unsafeGetTensorImpl()->shallow_copy_and_detach(c10::VariableVersion(0), true);
    at::Tensor own(std::move(impl));
    kept.store->add(own);
    kept.tensors.push_back(own);
    return own;
  }
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
  for (const at::Tensor& t : kept->tensors) kept->store->remove(t);
  delete kept;
}
}
