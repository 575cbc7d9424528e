// C ABI between ptool's machine (Rust) and libtorch.
//
// A Vm owns everything of one loaded model: types, constants, resolved operations, the register file and a build
// stack. No exception leaves a function: those that can fail return a negative number (or null) and leave a message
// for pt_error_message on the calling thread. Pointers returned stay valid until the next call that runs or stores.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pt_vm pt_vm;
typedef struct pt_value pt_value;  // a c10::IValue that somebody else owns
typedef struct pt_kept pt_kept;
typedef struct pt_module pt_module;

// Operands: a register of the current window, or a constant; PT_LAST moves the value out of the register.
#define PT_LAST 0x80000000u
#define PT_CONSTANT 0x40000000u

// Errors of the last failed call on this thread.
const char* pt_error_message(void);
const char* pt_error_class(void);  // Python class of an exception that the model raised, or null
int pt_error_is_raise(void);

// Process.
const char* pt_version(void);
int pt_set_threads(int n);
int pt_manual_seed(uint64_t seed);
int pt_load_library(const char* path);
const char* pt_schemas(void);  // every schema, one per line
void pt_configure_allocator(void);

pt_vm* pt_vm_new(void);
void pt_vm_free(pt_vm* vm);

// Types: each call returns an id.
enum {
  PT_TENSOR, PT_INT, PT_FLOAT, PT_BOOL, PT_STR, PT_COMPLEX, PT_NUMBER, PT_NONE, PT_ANY, PT_DEVICE, PT_GENERATOR,
  PT_STREAM, PT_CAPSULE, PT_STORAGE, PT_QSCHEME, PT_ANY_LIST, PT_ANY_TUPLE, PT_ANY_ENUM, PT_ANY_CLASS,
  PT_OPTIONAL, PT_UNION, PT_LIST, PT_DICT, PT_TUPLE, PT_FUTURE, PT_AWAIT, PT_RREF
};
int pt_type(pt_vm* vm, int kind, const int32_t* items, size_t n);
int pt_class(pt_vm* vm, const char* name, int is_module);
int pt_class_attribute(pt_vm* vm, int type, const char* name, int attribute, int is_parameter, int is_buffer);
int pt_interface(pt_vm* vm, const char* name, int is_module);
int pt_named_tuple(pt_vm* vm, const char* name, const char* const* fields, const int32_t* types, size_t n);
int pt_enum(pt_vm* vm, const char* name, int value_type, const char* const* members, size_t n);  // pops n values
int pt_native_class(pt_vm* vm, const char* name);
const void* pt_type_identity(pt_vm* vm, int type);

// Build stack.
int pt_push_none(pt_vm* vm);
int pt_push_bool(pt_vm* vm, int v);
int pt_push_int(pt_vm* vm, int64_t v);
int pt_push_float(pt_vm* vm, double v);
int pt_push_complex(pt_vm* vm, double re, double im);
int pt_push_str(pt_vm* vm, const uint8_t* bytes, size_t n);
int pt_push_device(pt_vm* vm, const char* text);
int pt_push_operand(pt_vm* vm, uint32_t operand);
int pt_push_enum(pt_vm* vm, int type, const char* member);
int pt_make_list(pt_vm* vm, int type, size_t n);
int pt_make_tuple(pt_vm* vm, int type, size_t n);  // type < 0: unnamed
int pt_make_dict(pt_vm* vm, int type, size_t n);   // pops key, value, key, value, ...
int pt_make_object(pt_vm* vm, int type);
int pt_set_slot(pt_vm* vm, uint32_t object, uint32_t slot);  // pops the value
int pt_set_state(pt_vm* vm, int type);  // pops a state, pushes the C++ object that __setstate__ makes of it
int pt_pop_constant(pt_vm* vm);  // returns its operand index
int pt_pop_register(pt_vm* vm, uint32_t reg);

// Storages and tensors.
int64_t pt_map_file(pt_vm* vm, int fd, uint64_t size);
int64_t pt_storage_mapped(pt_vm* vm, int64_t map, uint64_t offset, uint64_t bytes, const char* device);
int64_t pt_storage_copied(pt_vm* vm, const uint8_t* data, size_t bytes, const char* device);
int64_t pt_storage_empty(pt_vm* vm, uint64_t bytes, const char* device);
typedef struct {
  int32_t dtype;
  int32_t quantizer;  // 0 none, 1 per tensor, 2 per channel (pops zero points, then scales)
  double scale;
  int64_t zero_point;
  int64_t axis;
  int64_t offset;
  const int64_t* sizes;
  const int64_t* strides;
  size_t ndim;
  int32_t requires_grad;
  int32_t conj;
  int32_t neg;
} pt_tensor_spec;
int pt_push_tensor(pt_vm* vm, int64_t storage, const pt_tensor_spec* spec);
int pt_push_sparse(pt_vm* vm, int layout, const int64_t* sizes, size_t ndim, int requires_grad);  // pops its parts
void pt_end_load(pt_vm* vm, const uint32_t* keep, size_t n);  // forgets all other constants made so far
void pt_forget_storages(pt_vm* vm);                            // their tensors keep them alive

// Reading values.
enum {
  PT_IS_NONE, PT_IS_BOOL, PT_IS_INT, PT_IS_FLOAT, PT_IS_COMPLEX, PT_IS_STR, PT_IS_DEVICE, PT_IS_TENSOR, PT_IS_LIST,
  PT_IS_TUPLE, PT_IS_DICT, PT_IS_ENUM, PT_IS_OBJECT, PT_IS_OTHER
};
const pt_value* pt_value_at(pt_vm* vm, uint32_t operand);
int pt_tag(const pt_value* v);
int64_t pt_int(const pt_value* v);  // ints and bools
double pt_float(const pt_value* v);
void pt_complex(const pt_value* v, double* re, double* im);
const char* pt_str(const pt_value* v, size_t* n);
const char* pt_type_text(const pt_value* v);  // class name of objects, type text of others, device text
const char* pt_enum_member(const pt_value* v);
int64_t pt_len(const pt_value* v);
int pt_items(const pt_value* v, const pt_value** out);  // dict: key, value, key, value, ...
typedef struct {
  const int64_t* sizes;
  const int64_t* strides;
  const uint8_t* data;  // null when not readable as it is
  uint64_t bytes;
  int32_t dtype;
  int32_t ndim;
  int32_t layout;
  int32_t device_index;
  const char* device;
  int32_t requires_grad;
  int32_t quantizer;
  double scale;
  int64_t zero_point;
  int64_t axis;
  const double* scales;
  const double* zero_points;
  int64_t channels;
  int32_t float_zero_points;
} pt_tensor_view;
int pt_tensor(const pt_value* v, pt_tensor_view* out);
pt_value* pt_to_host(const pt_value* v);  // owned; dense, contiguous, on the host
void pt_value_free(pt_value* v);

// Operations.
int pt_find_operator(pt_vm* vm, const char* name, const char* overload);
int pt_find_method(pt_vm* vm, int type, const char* name);
int pt_call(pt_vm* vm, int op, const uint32_t* in, size_t n, const uint32_t* out, size_t m);

enum {
  PT_LIST_CONSTRUCT, PT_TUPLE_CONSTRUCT, PT_DICT_CONSTRUCT, PT_LIST_UNPACK, PT_TUPLE_UNPACK, PT_TUPLE_SLICE,
  PT_GET_ATTR, PT_SET_ATTR, PT_CREATE_OBJECT, PT_ISINSTANCE, PT_MOVE, PT_UNINITIALIZED, PT_MAKE_FUTURE,
  PT_MAKE_AWAIT, PT_WAIT, PT_TO_LIST, PT_ENUM_NAME, PT_ENUM_VALUE, PT_DEVICE_WITH_INDEX
};
int pt_form(pt_vm* vm, int form, int32_t a, int32_t b, const uint32_t* in, size_t n, const uint32_t* out, size_t m);
int pt_isinstance(pt_vm* vm, uint32_t value, const int32_t* types, size_t n, uint32_t out);
int pt_test(pt_vm* vm, uint32_t operand);  // 0, 1
int pt_loop(pt_vm* vm, uint32_t trip, uint32_t max, uint32_t condition, int first);  // 0 done, 1 go on
const char* pt_print(pt_vm* vm, const uint32_t* in, size_t n);
const void* pt_class_of(pt_vm* vm, uint32_t operand);  // identity of the object's class, or null

// Windows.
int pt_enter(pt_vm* vm, uint32_t step, uint32_t registers, const uint32_t* in, size_t n);
int pt_leave(pt_vm* vm, uint32_t step, uint32_t registers, uint32_t result, uint32_t out);
void pt_drop(pt_vm* vm, const uint32_t* regs, size_t n);
void pt_reset(pt_vm* vm);
int pt_grad_mode(int enabled);  // returns the mode before

// Keeping produced values.
pt_kept* pt_keep(pt_vm* vm, const pt_value* v);
const pt_value* pt_kept_begin(pt_kept* kept);  // no kept value is redirected until pt_kept_end
void pt_kept_end(pt_kept* kept);
void pt_kept_free(pt_kept* kept);

// libtorch's own loader and interpreter.
pt_module* pt_module_load(const char* path, const char* device);
void pt_module_free(pt_module* m);
int pt_module_run(pt_module* m, const char* method, pt_vm* vm, size_t n);  // pops n inputs, pushes the result
void pt_optimize(int enabled);

#ifdef __cplusplus
}
#endif
