#pragma once

#include <algorithm>
#include <new>
#include <span>
#include <type_traits>

#include "abi/cublas_abi.h"
#include "fault/call.hpp"
#include "fault/live.hpp"
#include "runtime/memory.hpp"
#include "runtime/stream.hpp"

namespace cudnn4j {

using BlasCall = ApiCall<cublasStatus_t, CUBLAS_STATUS_ALLOC_FAILED>;

/** What a cuBLAS handle remembers. Modes that only choose among a GPU's units have no effect. */
struct BlasHandle {
  cudaStream_t stream = nullptr;
  cublasPointerMode_t pointer_mode = CUBLAS_POINTER_MODE_HOST;
  LiveToken<LiveCount::CublasHandles> token;
};

BlasHandle* find_blas(cublasHandle_t handle);

/** A factor that a function takes: by value, or in device memory, to be read when the task runs. */
template <class T>
class Scalar {
 public:
  Scalar(const BlasHandle& handle, const T* address) {
    if (handle.pointer_mode == CUBLAS_POINTER_MODE_DEVICE) {
      address_ = address;
      valid_ = address != nullptr && address_kind(address) != AddressKind::Pageable;
    } else {
      valid_ = address != nullptr && address_kind(address) != AddressKind::Device;
      if (valid_) value_ = *address;
    }
  }

  /** False for null, and for an address of the other kind of memory. */
  bool valid() const { return valid_; }
  T get() const { return address_ != nullptr ? *address_ : value_; }
  Range range() const { return {address_, sizeof(T)}; }

 private:
  const T* address_ = nullptr;
  T value_{};
  bool valid_;
};

/** What a function does with elements of this type. */
template <class T>
constexpr Use use_of = std::is_const_v<T> ? Use::Read : Use::Write;

/** A strided vector, walked as BLAS does: a negative increment begins at the far end. */
template <class T>
struct Vector {
  T* data;
  int64_t count;
  int64_t increment;

  T& operator[](int64_t i) const {
    return data[i * increment + (increment < 0 ? (1 - count) * increment : 0)];
  }

  bool contiguous() const { return increment == 1; }

  Range range() const {
    if (count <= 0) return {nullptr, 0};
    const int64_t steps = (count - 1) * (increment < 0 ? -increment : increment);
    return {data, static_cast<size_t>(steps + 1) * sizeof(T), use_of<T>};
  }
};

/** A column-major matrix. */
template <class T>
struct Matrix {
  T* data;
  int64_t rows;
  int64_t columns;
  int64_t leading;

  bool valid() const { return leading >= std::max<int64_t>(1, rows); }

  Range range() const {
    if (rows == 0 || columns == 0) return {nullptr, 0};
    return {data, static_cast<size_t>((columns - 1) * leading + rows) * sizeof(T), use_of<T>};
  }
};

inline bool known(cublasOperation_t op) { return op >= CUBLAS_OP_N && op <= CUBLAS_OP_C; }

/** A matrix whose op is rows x columns. */
template <class T>
Matrix<T> matrix_for(cublasOperation_t op, T* data, int64_t rows, int64_t columns,
                     int64_t leading) {
  if (op == CUBLAS_OP_N) return {data, rows, columns, leading};
  return {data, columns, rows, leading};
}

/** Whether the memory is there: what a GPU would find out in the kernel. */
inline bool accessible(std::initializer_list<Range> ranges) {
  return std::all_of(ranges.begin(), ranges.end(), reachable);
}

inline cublasStatus_t blas_status(cudaError_t error) {
  if (error == cudaSuccess) return CUBLAS_STATUS_SUCCESS;
  return error == cudaErrorMemoryAllocation ? CUBLAS_STATUS_ALLOC_FAILED
                                            : CUBLAS_STATUS_EXECUTION_FAILED;
}

/** Hands a task over to the handle's stream, if its memory is there. */
template <class Work>
cublasStatus_t submit(const BlasHandle& handle, std::initializer_list<Range> ranges,
                      Work&& work) {
  Stream* stream = find_stream(handle.stream);
  if (stream == nullptr || !accessible(ranges)) return CUBLAS_STATUS_EXECUTION_FAILED;
  return blas_status(stream->submit(ranges, std::forward<Work>(work)));
}

}  // namespace cudnn4j
