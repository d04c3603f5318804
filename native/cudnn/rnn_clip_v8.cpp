#include "cudnn/objects.hpp"
#include "fault/call.hpp"

using namespace cudnn4j::cudnn;

cudnnStatus_t cudnnRNNSetClip_v8(cudnnRNNDescriptor_t desc, cudnnRNNClipMode_t mode,
                                 cudnnNanPropagation_t nan, double lclip, double rclip) {
  CUDNN4J_CALL(cudnnStatus_t);
  const cudnnStatus_t status = cudnnRNNSetClip_v9(desc, mode, lclip, rclip);
  if (status == CUDNN_STATUS_SUCCESS) desc->clip_nan = nan;
  return status;
}

cudnnStatus_t cudnnRNNGetClip_v8(cudnnRNNDescriptor_t desc, cudnnRNNClipMode_t* mode,
                                 cudnnNanPropagation_t* nan, double* lclip, double* rclip) {
  CUDNN4J_CALL(cudnnStatus_t);
  const cudnnStatus_t status = cudnnRNNGetClip_v9(desc, mode, lclip, rclip);
  if (status == CUDNN_STATUS_SUCCESS) store(nan, desc->clip_nan);
  return status;
}
