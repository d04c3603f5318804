#include "cudnn/tensor.hpp"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "cudnn/buffers.hpp"
#include "fault/call.hpp"

namespace cudnn4j::cudnn {
namespace {

/** Elements between the lowest and the highest element, both counted. */
int64_t span_elements(const cudnnTensorStruct& tensor) {
  int64_t last = 0;
  for (int d = 0; d < tensor.dims; ++d) {
    last += int64_t{tensor.extent[d] - 1} * std::abs(int64_t{tensor.stride[d]});
  }
  return tensor.dims == 0 ? 0 : last + 1;
}

/** Repeats a value over a strided array. */
template <class Word>
void fill(const Walk& walk, void* data, const unsigned char* value) {
  Word word;
  std::memcpy(&word, value, sizeof(Word));
  auto* out = static_cast<Word*>(data);
  for (int64_t i = 0; i < walk.count(); ++i) {
    out[walk.offset(i)] = word;
  }
}

}  // namespace

size_t element_bytes(cudnnDataType_t type) {
  switch (type) {
    case CUDNN_DATA_INT8:
    case CUDNN_DATA_UINT8:
      return 1;
    case CUDNN_DATA_HALF:
    case CUDNN_DATA_BFLOAT16:
      return 2;
    case CUDNN_DATA_FLOAT:
    case CUDNN_DATA_INT32:
    case CUDNN_DATA_INT8x4:
    case CUDNN_DATA_UINT8x4:
      return 4;
    case CUDNN_DATA_DOUBLE:
      return 8;
    case CUDNN_DATA_INT8x32:
      return 32;
    default:
      // Types that only cuDNN's graph interface knows; a tensor descriptor refuses them.
      return 0;
  }
}

int64_t elements(const cudnnTensorStruct& tensor) {
  int64_t count = 1;
  for (int d = 0; d < tensor.dims; ++d) {
    if (__builtin_mul_overflow(count, int64_t{tensor.extent[d]}, &count)) {
      return INT64_MAX;
    }
  }
  return count;
}

Range span(const cudnnTensorStruct& tensor, const void* data) {
  if (data == nullptr) {
    return {nullptr, 0};
  }
  int64_t below = 0;
  for (int d = 0; d < tensor.dims; ++d) {
    below += int64_t{tensor.extent[d] - 1} * std::min(int64_t{tensor.stride[d]}, int64_t{0});
  }
  const auto bytes = static_cast<int64_t>(element_bytes(tensor.type));
  return {static_cast<const char*>(data) + below * bytes,
          static_cast<size_t>(span_elements(tensor) * bytes)};
}

const cudnnTensorStruct& set_tensor(cudnnTensorDescriptor_t desc, const char* name) {
  const auto& tensor = live(desc, name);
  require(tensor.dims > 0, "%s was never set", name);
  return tensor;
}

void require_alike(const cudnnTensorStruct& a, const char* a_name, const cudnnTensorStruct& b,
                   const char* b_name) {
  require(a.type == b.type, "%s and %s differ in data type (%d, %d)", a_name, b_name, int(a.type),
          int(b.type));
  require(a.dims == b.dims && a.extent == b.extent, "%s and %s differ in shape", a_name, b_name);
}

void set_packed(cudnnTensorStruct& tensor, cudnnDataType_t type, int first, int second,
                int third) {
  tensor = {.type = type,
            .dims = 3,
            .extent = {first, second, third},
            .stride = {second * third, third, 1}};
}

Walk::Walk(const cudnnTensorStruct& tensor, int first, int last) {
  for (int d = first; d < last; ++d) {
    const int64_t extent = tensor.extent[d];
    const int64_t stride = tensor.stride[d];
    if (extent == 1) {
      continue;
    }
    count_ *= extent;
    if (dims_ > 0 && stride_[dims_ - 1] == stride * extent) {
      extent_[dims_ - 1] *= extent;
      stride_[dims_ - 1] = stride;
    } else {
      extent_[dims_] = extent;
      stride_[dims_] = stride;
      ++dims_;
    }
  }
}

}  // namespace cudnn4j::cudnn

using namespace cudnn4j;
using namespace cudnn4j::cudnn;

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* desc) {
  CUDNN4J_CALL(cudnnStatus_t);
  return create(desc);
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t desc) {
  CUDNN4J_CALL(cudnnStatus_t);
  return destroy(desc);
}

namespace {

void require_tensor_type(cudnnDataType_t type) {
  require(element_bytes(type) != 0, "dataType is %d, not a type of tensors", int(type));
}

/** The body of the functions that set a descriptor. */
cudnnStatus_t set(cudnnTensorDescriptor_t desc, cudnnDataType_t data_type, int nb_dims,
                  const int dims[], const int strides[]) {
  return answer([&] {
    auto& tensor = live(desc, "tensorDesc");
    require_tensor_type(data_type);
    require(nb_dims >= 2, "nbDims is %d, at least 2 are needed", nb_dims);
    require_supported(nb_dims <= CUDNN_DIM_MAX, "nbDims is %d, at most %d are supported", nb_dims,
                      int(CUDNN_DIM_MAX));
    require_pointer(dims, "dimA");
    require_pointer(strides, "strideA");
    cudnnTensorStruct changed{.type = data_type, .dims = nb_dims};
    for (int d = 0; d < nb_dims; ++d) {
      require(dims[d] > 0, "dimA[%d] is %d, not positive", d, dims[d]);
      require(strides[d] != 0 || dims[d] == 1, "strideA[%d] is 0 where dimA[%d] is %d", d, d,
              dims[d]);
      changed.extent[d] = dims[d];
      changed.stride[d] = strides[d];
    }
    tensor = changed;
    // cuDNN, too, has changed the descriptor when it refuses one that reaches too far.
    require_supported(span_elements(tensor) <= INT_MAX,
                      "the tensor spans %lld elements, at most 2147483647 are supported",
                      static_cast<long long>(span_elements(tensor)));
  });
}

/** The same for a packed tensor, whose second dimension is the innermost one in NHWC. */
cudnnStatus_t set_packed(cudnnTensorDescriptor_t desc, cudnnTensorFormat_t format,
                         cudnnDataType_t data_type, int nb_dims, const int dims[]) {
  std::array<int, CUDNN_DIM_MAX> strides{};
  const cudnnStatus_t status = answer([&] {
    require_enum(format, 3, "format");
    require_tensor_type(data_type);
    require_supported(format != CUDNN_TENSOR_NCHW_VECT_C, "format is NCHW_VECT_C");
    require(nb_dims >= (format == CUDNN_TENSOR_NHWC ? 3 : 2), "nbDims is %d, too few", nb_dims);
    require_supported(nb_dims <= CUDNN_DIM_MAX, "nbDims is %d, at most %d are supported", nb_dims,
                      int(CUDNN_DIM_MAX));
    require_pointer(dims, "dimA");
    int64_t stride = 1;
    const auto step = [&](int d) {
      require(dims[d] > 0, "dimA[%d] is %d, not positive", d, dims[d]);
      strides[d] = static_cast<int>(stride);
      stride *= dims[d];
      require_supported(stride <= INT_MAX, "the tensor has more than 2147483647 elements");
    };
    const bool channels_last = format == CUDNN_TENSOR_NHWC;
    if (channels_last) step(1);
    for (int d = nb_dims - 1; d >= 0; --d) {
      if (d != 1 || !channels_last) step(d);
    }
  });
  return status == CUDNN_STATUS_SUCCESS ? set(desc, data_type, nb_dims, dims, strides.data())
                                        : status;
}

}  // namespace

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t desc, cudnnDataType_t data_type,
                                         int nb_dims, const int dims[], const int strides[]) {
  CUDNN4J_CALL(cudnnStatus_t);
  return set(desc, data_type, nb_dims, dims, strides);
}

cudnnStatus_t cudnnSetTensorNdDescriptorEx(cudnnTensorDescriptor_t desc,
                                           cudnnTensorFormat_t format, cudnnDataType_t data_type,
                                           int nb_dims, const int dims[]) {
  CUDNN4J_CALL(cudnnStatus_t);
  return set_packed(desc, format, data_type, nb_dims, dims);
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t desc, cudnnTensorFormat_t format,
                                         cudnnDataType_t data_type, int n, int c, int h, int w) {
  CUDNN4J_CALL(cudnnStatus_t);
  const int dims[] = {n, c, h, w};
  return set_packed(desc, format, data_type, 4, dims);
}

cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t desc, cudnnDataType_t data_type,
                                           int n, int c, int h, int w, int n_stride, int c_stride,
                                           int h_stride, int w_stride) {
  CUDNN4J_CALL(cudnnStatus_t);
  const int dims[] = {n, c, h, w};
  const int strides[] = {n_stride, c_stride, h_stride, w_stride};
  return set(desc, data_type, 4, dims, strides);
}

cudnnStatus_t cudnnGetTensor4dDescriptor(cudnnTensorDescriptor_t desc, cudnnDataType_t* data_type,
                                         int* n, int* c, int* h, int* w, int* n_stride,
                                         int* c_stride, int* h_stride, int* w_stride) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    // Whatever the number of dimensions: the first four, 0 where there are fewer.
    const auto& tensor = live(desc, "tensorDesc");
    store(data_type, tensor.type);
    int* const extents[] = {n, c, h, w};
    int* const strides[] = {n_stride, c_stride, h_stride, w_stride};
    for (int d = 0; d < 4; ++d) {
      store(extents[d], tensor.extent[d]);
      store(strides[d], tensor.stride[d]);
    }
  });
}

cudnnStatus_t cudnnGetTensorNdDescriptor(cudnnTensorDescriptor_t desc, int nb_dims_requested,
                                         cudnnDataType_t* data_type, int* nb_dims, int dims[],
                                         int strides[]) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    const auto& tensor = live(desc, "tensorDesc");
    require_pointer(nb_dims, "nbDims");
    const int count = std::min(nb_dims_requested, tensor.dims);
    if (count > 0) {
      require_pointer(dims, "dimA");
      require_pointer(strides, "strideA");
    }
    store(data_type, tensor.type);
    *nb_dims = tensor.dims;
    for (int d = 0; d < count; ++d) {
      dims[d] = tensor.extent[d];
      strides[d] = tensor.stride[d];
    }
  });
}

cudnnStatus_t cudnnGetTensorSizeInBytes(cudnnTensorDescriptor_t desc, size_t* size) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    const auto& tensor = live(desc, "tensorDesc");
    require_pointer(size, "size");
    *size = static_cast<size_t>(span_elements(tensor)) * element_bytes(tensor.type);
  });
}

cudnnStatus_t cudnnSetTensor(cudnnHandle_t handle, cudnnTensorDescriptor_t y_desc, void* y,
                             const void* value) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    auto& stream = stream_of(handle);
    const auto& tensor = set_tensor(y_desc, "yDesc");
    require_pointer(y, "y");
    require_pointer(value, "valuePtr");
    const size_t bytes = element_bytes(tensor.type);
    require_supported(bytes <= 8, "yDesc has data type %d, whose elements are vectors of 32",
                      int(tensor.type));
    Buffers buffers;
    buffers.add("y", span(tensor, y), Use::Write, bytes);
    // The value is read now: the caller may reuse its memory as soon as the call returns.
    std::array<unsigned char, 8> copy{};
    std::memcpy(copy.data(), value, bytes);
    submit(stream, buffers.ranges(), [walk = Walk(tensor, 0, tensor.dims), y, copy, bytes] {
      switch (bytes) {
        case 1:
          return fill<uint8_t>(walk, y, copy.data());
        case 2:
          return fill<uint16_t>(walk, y, copy.data());
        case 4:
          return fill<uint32_t>(walk, y, copy.data());
        default:
          return fill<uint64_t>(walk, y, copy.data());
      }
    });
  });
}
