// C ABI between the kernels (Rust) and libtorch's dispatcher: the horizon:: operators.
//
// Shared by ptool and by libhorizon_ops.so. No exception and no panic crosses it.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const int64_t* sizes;
  const int64_t* strides;  // in elements
  const uint8_t* data;     // the first element; null on the meta device
  uint64_t bytes;          // from the first element to the end of the storage
  int32_t dtype;           // c10::ScalarType
  int32_t ndim;
  uint64_t key;  // stands for content that has not changed, 0 if unknown
} ho_tensor;

enum { HO_NONE, HO_BOOL, HO_INT, HO_FLOAT, HO_STR, HO_INTS, HO_FLOATS, HO_TENSOR, HO_TENSORS };

// One argument; `items` points to what the tag says, `n` of them.
typedef struct {
  int32_t tag;
  int64_t number;
  double real;
  const void* items;
  size_t n;
} ho_arg;

typedef struct ho_call ho_call;  // one call under way

// Runs a kernel (or, with meta, tells types and shapes): reports through ho_output or ho_error, 0 on success.
typedef int (*ho_run)(const char* name, int meta, const ho_arg* args, size_t n, ho_call* call);
typedef void (*ho_free)(void* owner);

// The next result. `owner` keeps `data` alive until ho_free; null for meta results.
void ho_output(ho_call* call, const ho_tensor* tensor, void* owner);
void ho_error(ho_call* call, const char* text, size_t n);

// How many threads a kernel may use.
int ho_threads(void);

// Declares the operators and registers their kernels, once per process; names that some library has already
// declared are left to it. 0 on success; else ho_registration_error tells why.
int ho_register(const char* const* schemas, size_t n, ho_run run, ho_free free);
const char* ho_registration_error(void);
// Writes the text to standard error as torch's warnings are.
void ho_warn(const char* text);

#ifdef __cplusplus
}
#endif
