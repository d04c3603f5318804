#include "cudnn/objects.hpp"
#include "fault/call.hpp"

using namespace cudnn4j;
using namespace cudnn4j::cudnn;

namespace {

cudnnStatus_t not_computed(cudnnHandle_t handle, cudnnCTCLossDescriptor_t desc) {
  return answer([&] {
    live(handle, "handle");
    live(desc, "ctcLossDesc");
    refuse(CUDNN_STATUS_NOT_SUPPORTED, "the host device does not compute the CTC loss");
  });
}

}  // namespace

cudnnStatus_t cudnnCreateCTCLossDescriptor(cudnnCTCLossDescriptor_t* desc) {
  CUDNN4J_CALL(cudnnStatus_t);
  return create(desc);
}

cudnnStatus_t cudnnDestroyCTCLossDescriptor(cudnnCTCLossDescriptor_t desc) {
  CUDNN4J_CALL(cudnnStatus_t);
  return destroy(desc);
}

cudnnStatus_t cudnnSetCTCLossDescriptor_v9(cudnnCTCLossDescriptor_t desc,
                                           cudnnDataType_t compute_type,
                                           cudnnLossNormalizationMode_t normalization,
                                           cudnnCTCGradMode_t gradient_mode,
                                           int max_label_length) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    auto& ctc = live(desc, "ctcLossDesc");
    require_supported(compute_type == CUDNN_DATA_FLOAT || compute_type == CUDNN_DATA_DOUBLE,
                      "compType is %d, only FLOAT and DOUBLE are supported", int(compute_type));
    // cuDNN looks at the other fields only when it computes.
    ctc = {compute_type, normalization, gradient_mode, max_label_length};
  });
}

cudnnStatus_t cudnnGetCTCLossDescriptor_v9(cudnnCTCLossDescriptor_t desc,
                                           cudnnDataType_t* compute_type,
                                           cudnnLossNormalizationMode_t* normalization,
                                           cudnnCTCGradMode_t* gradient_mode,
                                           int* max_label_length) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    const auto& ctc = live(desc, "ctcLossDesc");
    store(compute_type, ctc.compute_type);
    store(normalization, ctc.normalization);
    store(gradient_mode, ctc.gradient_mode);
    store(max_label_length, ctc.max_label_length);
  });
}

cudnnStatus_t cudnnCTCLoss(cudnnHandle_t handle, cudnnTensorDescriptor_t, const void*, const int[],
                           const int[], const int[], void*, cudnnTensorDescriptor_t, void*,
                           cudnnCTCLossAlgo_t, cudnnCTCLossDescriptor_t desc, void*, size_t) {
  CUDNN4J_CALL(cudnnStatus_t);
  return not_computed(handle, desc);
}

cudnnStatus_t cudnnCTCLoss_v8(cudnnHandle_t handle, cudnnCTCLossAlgo_t,
                              cudnnCTCLossDescriptor_t desc, cudnnTensorDescriptor_t, const void*,
                              const int[], const int[], const int[], void*,
                              cudnnTensorDescriptor_t, void*, size_t, void*) {
  CUDNN4J_CALL(cudnnStatus_t);
  return not_computed(handle, desc);
}

cudnnStatus_t cudnnGetCTCLossWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t,
                                           cudnnTensorDescriptor_t, const int*, const int*,
                                           const int*, cudnnCTCLossAlgo_t,
                                           cudnnCTCLossDescriptor_t desc, size_t*) {
  CUDNN4J_CALL(cudnnStatus_t);
  return not_computed(handle, desc);
}

cudnnStatus_t cudnnGetCTCLossWorkspaceSize_v8(cudnnHandle_t handle, cudnnCTCLossAlgo_t,
                                              cudnnCTCLossDescriptor_t desc,
                                              cudnnTensorDescriptor_t, cudnnTensorDescriptor_t,
                                              size_t*) {
  CUDNN4J_CALL(cudnnStatus_t);
  return not_computed(handle, desc);
}
