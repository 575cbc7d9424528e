// What the parts of the shim share.
#pragma once
#include "shim.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/class_type.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <ATen/core/stack.h>
#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/runtime/jit_exception.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

using c10::IValue;
using c10::TypePtr;
using Stack = std::vector<IValue>;

void pt_set_error(const std::string& message);
void pt_set_raise(const std::string& message, std::optional<std::string> python_class);

#define PT_TRY try {
#define PT_CATCH(result)                                                                 \
  }                                                                                      \
  catch (const torch::jit::JITException& e) {                                            \
    pt_set_raise(e.getOriginalMsg().value_or(e.what()), e.getPythonClassName());         \
    return result;                                                                       \
  }                                                                                      \
  catch (const c10::Error& e) {                                                          \
    pt_set_error(e.what_without_backtrace());                                            \
    return result;                                                                       \
  }                                                                                      \
  catch (const std::exception& e) {                                                      \
    pt_set_error(e.what());                                                              \
    return result;                                                                       \
  }                                                                                      \
  catch (...) {                                                                          \
    pt_set_error("unknown C++ exception");                                               \
    return result;                                                                       \
  }

// One resolved operation.
struct Op {
  std::optional<c10::OperatorHandle> handle;
  std::function<void(Stack&)> function;
  std::vector<uint32_t> writes;  // arguments it writes to
  std::optional<c10::OperatorHandle> functional;  // what computes the same and writes to nothing
  bool takes_count = false;      // varargs: the number of inputs goes on the stack
  size_t returns = 0;
};

struct Held;

// Values kept by taps. A kept tensor shares its storage until an operation is about to write to it.
struct KeepStore {
  Held* fresh = nullptr;  // not yet in the index
  std::unordered_map<const c10::StorageImpl*, Held*> by_storage;
  size_t readers = 0;
  bool is_empty() const { return !fresh && by_storage.empty(); }
  void before_write(const IValue& v);
  bool moves_on(const c10::OperatorHandle& functional, Stack& stack, size_t bottom);
  void release(Held& held);

 private:
  void index();
  void redirect(const at::Tensor& written);
};

struct Mapping;

struct pt_vm {
  std::vector<TypePtr> types;
  std::vector<IValue> constants;
  std::vector<Op> ops;
  std::vector<IValue> registers;
  size_t base = 0;
  Stack build;  // values under construction
  Stack stack;  // arguments and results of the running operation
  std::vector<std::shared_ptr<Mapping>> maps;
  std::vector<c10::Storage> storages;
  std::shared_ptr<torch::jit::CompilationUnit> cu = std::make_shared<torch::jit::CompilationUnit>();
  std::shared_ptr<KeepStore> keep = std::make_shared<KeepStore>();
  std::string text;

  IValue& reg(uint32_t index) { return registers.at(base + index); }
  const IValue& read(uint32_t operand) {
    return operand & PT_CONSTANT ? constants.at(operand & ~(PT_LAST | PT_CONSTANT)) : reg(operand & ~PT_LAST);
  }
  IValue take(uint32_t operand) {
    if ((operand & (PT_LAST | PT_CONSTANT)) == PT_LAST) return std::move(reg(operand & ~PT_LAST));
    return read(operand);
  }
  IValue pop() {
    TORCH_CHECK(!build.empty(), "the build stack is empty");
    IValue v = std::move(build.back());
    build.pop_back();
    return v;
  }
  std::vector<IValue> pop_n(size_t n) {
    TORCH_CHECK(build.size() >= n, "the build stack holds ", build.size(), " values, not ", n);
    std::vector<IValue> out(std::make_move_iterator(build.end() - n), std::make_move_iterator(build.end()));
    build.resize(build.size() - n);
    return out;
  }
  const TypePtr& type(int id) { return types.at(id); }
  int add_type(TypePtr t) {
    types.push_back(std::move(t));
    return static_cast<int>(types.size()) - 1;
  }
};

inline const IValue& iv(const pt_value* v) { return *reinterpret_cast<const IValue*>(v); }
inline const pt_value* pv(const IValue* v) { return reinterpret_cast<const pt_value*>(v); }
