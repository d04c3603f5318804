#include <algorithm>

#include "cudnn/objects.hpp"
#include "cudnn/tensor.hpp"
#include "fault/call.hpp"

using namespace cudnn4j::cudnn;

namespace {

cudnnStatus_t set(cudnnFilterDescriptor_t desc, cudnnDataType_t data_type,
                  cudnnTensorFormat_t format, int nb_dims, const int dims[]) {
  return answer([&] {
    auto& filter = live(desc, "filterDesc");
    require(element_bytes(data_type) != 0 && data_type != CUDNN_DATA_INT32,
            "dataType is %d, not a type of filters", int(data_type));
    require_enum(format, 3, "format");
    const bool vectors = data_type == CUDNN_DATA_INT8x4 || data_type == CUDNN_DATA_UINT8x4 ||
                         data_type == CUDNN_DATA_INT8x32;
    require(format != CUDNN_TENSOR_NCHW_VECT_C || vectors,
            "format is NCHW_VECT_C, but dataType %d has no vectors", int(data_type));
    require(nb_dims >= 3, "nbDims is %d, at least 3 are needed", nb_dims);
    require_supported(nb_dims <= CUDNN_DIM_MAX, "nbDims is %d, at most %d are supported", nb_dims,
                      int(CUDNN_DIM_MAX));
    require_pointer(dims, "filterDimA");
    cudnnFilterStruct changed{.type = data_type, .format = format, .dims = nb_dims};
    for (int d = 0; d < nb_dims; ++d) {
      require(dims[d] > 0, "filterDimA[%d] is %d, not positive", d, dims[d]);
      changed.extent[d] = dims[d];
    }
    filter = changed;
  });
}

}  // namespace

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* desc) {
  CUDNN4J_CALL(cudnnStatus_t);
  return create(desc);
}

cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t desc) {
  CUDNN4J_CALL(cudnnStatus_t);
  return destroy(desc);
}

cudnnStatus_t cudnnSetFilterNdDescriptor(cudnnFilterDescriptor_t desc, cudnnDataType_t data_type,
                                         cudnnTensorFormat_t format, int nb_dims,
                                         const int dims[]) {
  CUDNN4J_CALL(cudnnStatus_t);
  return set(desc, data_type, format, nb_dims, dims);
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t desc, cudnnDataType_t data_type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  CUDNN4J_CALL(cudnnStatus_t);
  const int dims[] = {k, c, h, w};
  return set(desc, data_type, format, 4, dims);
}

cudnnStatus_t cudnnGetFilterNdDescriptor(cudnnFilterDescriptor_t desc, int nb_dims_requested,
                                         cudnnDataType_t* data_type, cudnnTensorFormat_t* format,
                                         int* nb_dims, int dims[]) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    const auto& filter = live(desc, "filterDesc");
    const int count = std::clamp<int>(nb_dims_requested, 0, CUDNN_DIM_MAX);
    if (count > 0) require_pointer(dims, "filterDimA");
    store(data_type, filter.type);
    store(format, filter.format);
    store(nb_dims, filter.dims);
    std::copy_n(filter.extent.begin(), count, dims);
  });
}

cudnnStatus_t cudnnGetFilter4dDescriptor(cudnnFilterDescriptor_t desc, cudnnDataType_t* data_type,
                                         cudnnTensorFormat_t* format, int* k, int* c, int* h,
                                         int* w) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    const auto& filter = live(desc, "filterDesc");
    store(data_type, filter.type);
    store(format, filter.format);
    int* const extents[] = {k, c, h, w};
    for (int d = 0; d < 4; ++d) store(extents[d], filter.extent[d]);
  });
}

cudnnStatus_t cudnnGetFilterSizeInBytes(cudnnFilterDescriptor_t desc, size_t* size) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    const auto& filter = live(desc, "filterDesc");
    require_pointer(size, "size");
    size_t bytes = filter.dims == 0 ? 0 : element_bytes(filter.type);
    for (int d = 0; d < filter.dims; ++d) bytes *= static_cast<size_t>(filter.extent[d]);
    *size = bytes;
  });
}
