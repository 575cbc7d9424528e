// Results and identities that stand while the tensors they come from are unchanged.
#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <optional>
#include <string>
#include <vector>

// A tensor as it was: its storage, its place in it, its version counter, and a probe of its bytes.
//
// The version counter sees every in-place operator. It does not see writes through `.data` or a shared numpy array;
// the probe, one line of 64 bytes in 32 KiB, sees those that touch a probed line: whole-tensor ones always do.
class Identity {
 public:
  // Not tensors made in inference mode, nor those of other devices than the cpu.
  static bool can_watch(const at::Tensor& t);
  // None for tensors that cannot be watched.
  static std::optional<Identity> of(const at::Tensor& t);
  bool holds(const at::Tensor& t) const;
  bool expired() const { return storage_.expired(); }

 private:
  Identity(const at::Tensor& t);

  c10::weak_intrusive_ptr<c10::StorageImpl> storage_;
  const void* data_;
  uint32_t version_;
  at::ScalarType type_;
  std::vector<int64_t> sizes_, strides_;
  uint64_t probe_;
};

// A number that stands for a tensor's unchanged content; 0 at first sight, when the content may never come again.
uint64_t ho_key(const at::Tensor& t);
// As ho_key for a tensor that is sure to come again.
uint64_t ho_new_key(const at::Tensor& t);

// The results of a pure operator, kept while argument `large` is unchanged and the others are equal in value.
class Memo {
 public:
  // What the arguments say but for `large`; none when they must not be remembered: a gradient may be asked for.
  static std::optional<std::string> key(at::ArrayRef<c10::IValue> args, size_t large);
  // Fresh tensors over the kept results; none when there are none, or when somebody wrote to them.
  static std::optional<std::vector<at::Tensor>> find(const at::Tensor& large, const std::string& key);
  static void keep(const at::Tensor& large, std::string key, const std::vector<at::Tensor>& results);
};
