#pragma once

#include <cstdint>

#include "cudnn/objects.hpp"
#include "gemm/half.hpp"
#include "runtime/memory.hpp"

namespace cudnn4j::cudnn {

/** Bytes of one element; 0 for a value that no tensor can have. */
size_t element_bytes(cudnnDataType_t type);

/** Calls f with an element of the type, refusing those that are not computed with. */
template <class F>
auto with_element(cudnnDataType_t type, const char* name, F&& f) {
  switch (type) {
    case CUDNN_DATA_FLOAT:
      return f(float{});
    case CUDNN_DATA_DOUBLE:
      return f(double{});
    case CUDNN_DATA_HALF:
      return f(Half{});
    case CUDNN_DATA_BFLOAT16:
      return f(BFloat16{});
    default:
      refuse(CUDNN_STATUS_NOT_SUPPORTED,
             "%s has data type %d, only FLOAT, DOUBLE, HALF and BFLOAT16 are supported", name,
             int(type));
  }
}

/** Number of elements, or the largest number there is; 1 for a descriptor that was never set. */
int64_t elements(const cudnnTensorStruct& tensor);

/** The memory between a tensor's lowest and its highest element when its first one is at `data`. */
Range span(const cudnnTensorStruct& tensor, const void* data);

/** The tensor behind a descriptor, refused unless it is live and set. */
const cudnnTensorStruct& set_tensor(cudnnTensorDescriptor_t desc, const char* name);

/** Refuses two tensors of different type or extents. */
void require_alike(const cudnnTensorStruct& a, const char* a_name, const cudnnTensorStruct& b,
                   const char* b_name);

/** Makes a descriptor describe a packed row-major tensor of three dimensions. */
void set_packed(cudnnTensorStruct& tensor, cudnnDataType_t type, int first, int second, int third);

/**
 * Offsets of a strided array's elements in row-major order. Neighbouring dimensions that one
 * stride steps through are merged, so that a packed array is a single dimension.
 */
class Walk {
 public:
  Walk() = default;
  /** Dimensions [first, last) of a tensor. */
  Walk(const cudnnTensorStruct& tensor, int first, int last);

  int64_t count() const { return count_; }
  /** Whether element i is at offset i. */
  bool packed() const { return dims_ == 0 || (dims_ == 1 && stride_[0] == 1); }

  /** Offset of element i, in elements. */
  int64_t offset(int64_t i) const {
    if (dims_ == 1) {
      return i * stride_[0];
    }
    int64_t at = 0;
    for (int d = dims_ - 1; d >= 0; --d) {
      at += i % extent_[d] * stride_[d];
      i /= extent_[d];
    }
    return at;
  }

 private:
  int dims_ = 0;
  int64_t count_ = 1;
  int64_t extent_[CUDNN_DIM_MAX] = {};
  int64_t stride_[CUDNN_DIM_MAX] = {};
};

}  // namespace cudnn4j::cudnn
