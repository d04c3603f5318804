#include "blas/handle.hpp"

#include "runtime/capture.hpp"
#include "runtime/context.hpp"
#include "runtime/device.hpp"
#include "runtime/handles.hpp"

using namespace cudnn4j;

namespace {

HandleTable<BlasHandle>& handles() {
  static HandleTable<BlasHandle>& table = *new HandleTable<BlasHandle>;
  return table;
}

struct StatusText {
  cublasStatus_t code;
  const char* name;
  const char* text;
};

#define STATUS(name, text) {name, #name, text}
constexpr StatusText status_texts[] = {
    STATUS(CUBLAS_STATUS_SUCCESS, "success"),
    STATUS(CUBLAS_STATUS_NOT_INITIALIZED, "the handle was not created"),
    STATUS(CUBLAS_STATUS_ALLOC_FAILED, "out of memory"),
    STATUS(CUBLAS_STATUS_INVALID_VALUE, "an argument is outside its range"),
    STATUS(CUBLAS_STATUS_ARCH_MISMATCH, "the device lacks a feature that was asked for"),
    STATUS(CUBLAS_STATUS_MAPPING_ERROR, "memory could not be mapped"),
    STATUS(CUBLAS_STATUS_EXECUTION_FAILED, "the work could not be launched"),
    STATUS(CUBLAS_STATUS_INTERNAL_ERROR, "internal error"),
    STATUS(CUBLAS_STATUS_NOT_SUPPORTED, "the combination of arguments is not supported"),
    STATUS(CUBLAS_STATUS_LICENSE_ERROR, "licence error"),
};
#undef STATUS

const char* describe(cublasStatus_t status, const char* StatusText::*field) {
  for (const StatusText& known : status_texts) {
    if (known.code == status) return known.*field;
  }
  return "CUBLAS_STATUS unknown";
}

}  // namespace

BlasHandle* cudnn4j::find_blas(cublasHandle_t handle) { return handles().find(handle); }

CUDNN4J_API const char* cublasGetStatusName(cublasStatus_t status) {
  CUDNN4J_COUNT();
  return describe(status, &StatusText::name);
}

CUDNN4J_API const char* cublasGetStatusString(cublasStatus_t status) {
  CUDNN4J_COUNT();
  return describe(status, &StatusText::text);
}

CUDNN4J_API cublasStatus_t cublasGetProperty(libraryPropertyType type, int* value) {
  CUDNN4J_CALL(cublasStatus_t);
  if (value == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  switch (type) {
    case MAJOR_VERSION:
      *value = cuda_version / 1000;
      return CUBLAS_STATUS_SUCCESS;
    case MINOR_VERSION:
      *value = cuda_version % 1000 / 10;
      return CUBLAS_STATUS_SUCCESS;
    case PATCH_LEVEL:
      *value = 0;
      return CUBLAS_STATUS_SUCCESS;
  }
  return CUBLAS_STATUS_INVALID_VALUE;
}

CUDNN4J_API cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] {
    if (handle == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    use_primary_context();
    // The library allocates a workspace here.
    if (refuse_if_unsafe() != cudaSuccess) return CUBLAS_STATUS_ALLOC_FAILED;
    *handle = reinterpret_cast<cublasHandle_t>(handles().add(std::make_shared<BlasHandle>()));
    return CUBLAS_STATUS_SUCCESS;
  };
}

CUDNN4J_API cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] {
    if (handles().remove(handle) == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
    run_all();  // as the library does before it frees its workspace
    return CUBLAS_STATUS_SUCCESS;
  };
}

CUDNN4J_API cublasStatus_t cublasGetVersion_v2(cublasHandle_t handle, int* version) {
  CUDNN4J_CALL(cublasStatus_t);
  if (find_blas(handle) == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (version == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  *version = cuda_version * 10;
  return CUBLAS_STATUS_SUCCESS;
}

CUDNN4J_API cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  CUDNN4J_CALL(cublasStatus_t);
  BlasHandle* blas = find_blas(handle);
  if (blas == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (find_stream(stream) == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  blas->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

CUDNN4J_API cublasStatus_t cublasGetStream_v2(cublasHandle_t handle, cudaStream_t* stream) {
  CUDNN4J_CALL(cublasStatus_t);
  const BlasHandle* blas = find_blas(handle);
  if (blas == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (stream == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  *stream = blas->stream;
  return CUBLAS_STATUS_SUCCESS;
}

CUDNN4J_API cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t handle,
                                                   cublasPointerMode_t mode) {
  CUDNN4J_CALL(cublasStatus_t);
  BlasHandle* blas = find_blas(handle);
  if (blas == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (mode != CUBLAS_POINTER_MODE_HOST && mode != CUBLAS_POINTER_MODE_DEVICE) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  blas->pointer_mode = mode;
  return CUBLAS_STATUS_SUCCESS;
}

CUDNN4J_API cublasStatus_t cublasGetPointerMode_v2(cublasHandle_t handle,
                                                   cublasPointerMode_t* mode) {
  CUDNN4J_CALL(cublasStatus_t);
  const BlasHandle* blas = find_blas(handle);
  if (blas == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (mode == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  *mode = blas->pointer_mode;
  return CUBLAS_STATUS_SUCCESS;
}

CUDNN4J_API cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  CUDNN4J_CALL(cublasStatus_t);
  if (find_blas(handle) == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  const int base = mode & ~CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
  const bool known = base >= CUBLAS_DEFAULT_MATH && base <= CUBLAS_TF32_TENSOR_OP_MATH;
  return known ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

CUDNN4J_API cublasStatus_t cublasSetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t mode) {
  CUDNN4J_CALL(cublasStatus_t);
  if (find_blas(handle) == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  const bool known = mode == CUBLAS_ATOMICS_NOT_ALLOWED || mode == CUBLAS_ATOMICS_ALLOWED;
  return known ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

CUDNN4J_API cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace,
                                                 size_t bytes) {
  CUDNN4J_CALL(cublasStatus_t);
  if (find_blas(handle) == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  // Nothing here needs one, but what is given has to be device memory.
  if (bytes == 0) return CUBLAS_STATUS_SUCCESS;
  const bool valid = workspace != nullptr && inside({workspace, bytes}, MemoryKind::Device);
  return valid ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
