// libtorch's own loader and interpreter, to compare with.
#include "vm.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/print_handler.h>
#include <torch/csrc/jit/serialization/import.h>

struct pt_module {
  torch::jit::Module module;
};

extern "C" {
pt_module* pt_module_load(const char* path, const char* device) {
  PT_TRY
  std::optional<c10::Device> target;
  if (device) target = c10::Device(std::string(device));
  torch::jit::setPrintHandler([](const std::string&) {});
  auto module = torch::jit::load(path, target);
  return new pt_module{std::move(module)};
  PT_CATCH(nullptr)
}
void pt_module_free(pt_module* m) { delete m; }

int pt_module_run(pt_module* m, const char* method, pt_vm* vm, size_t n) {
  PT_TRY
  auto inputs = vm->pop_n(n);
  vm->build.push_back(m->module.get_method(method)(std::move(inputs)));
  return 0;
  PT_CATCH(-1)
}

void pt_optimize(int enabled) { torch::jit::setGraphExecutorOptimize(enabled != 0); }
}
