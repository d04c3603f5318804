#include <algorithm>
#include <memory>
#include <vector>

#include "cudnn/buffers.hpp"
#include "cudnn/ctc_loss.hpp"
#include "cudnn/objects.hpp"
#include "cudnn/tensor.hpp"
#include "fault/call.hpp"

using namespace cudnn4j;
using namespace cudnn4j::cudnn;

namespace {

constexpr size_t space_alignment = 64;
constexpr int most_labels = 255;

struct Tensors {
  cudnnTensorDescriptor_t probs_desc;
  const void* probs;
  void* costs;
  cudnnTensorDescriptor_t gradients_desc;
  void* gradients;
  size_t work_bytes;
  void* work;
};

/** What a call wants of the loss. */
enum class Purpose { Size, Loss };

/** cuDNN answers a loss with a bad parameter where it answers its size with an unsupported one. */
cudnnStatus_t unsupported(Purpose purpose) {
  return purpose == Purpose::Size ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_BAD_PARAM;
}

CtcStrides strides(const cudnnTensorStruct& tensor) {
  return {tensor.stride[0], tensor.stride[1], tensor.stride[2]};
}

/** The shape of the loss, which is all that the size of the workspace depends on. */
CtcBatch shape_of(cudnnCTCLossAlgo_t algo, const cudnnCTCLossStruct& ctc,
                  cudnnTensorDescriptor_t probs_desc, cudnnTensorDescriptor_t gradients_desc,
                  Purpose purpose) {
  // Every run gives the same bits, which the other algorithm does not promise.
  require_supported(algo == CUDNN_CTC_LOSS_ALGO_DETERMINISTIC ||
                        algo == CUDNN_CTC_LOSS_ALGO_NON_DETERMINISTIC,
                    "algo is %d, not an algorithm of the CTC loss", int(algo));
  if (ctc.compute_type != CUDNN_DATA_FLOAT) {
    refuse(unsupported(purpose), "compType is %d, the CTC loss is computed in FLOAT only",
           int(ctc.compute_type));
  }
  require_enum(ctc.normalization, 2, "normMode");
  require_enum(ctc.gradient_mode, 2, "ctcGradMode");
  const auto& probs = set_tensor(probs_desc, "probsDesc");
  if (probs.type != CUDNN_DATA_FLOAT) {
    refuse(unsupported(purpose), "probsDesc has data type %d, only FLOAT is supported",
           int(probs.type));
  }
  require(probs.dims == 3, "probsDesc has %d dimensions, not the 3 of [T, N, A]", probs.dims);
  CtcBatch batch{.time = probs.extent[0],
                 .sequences = probs.extent[1],
                 .symbols = probs.extent[2],
                 .softmax = ctc.normalization == CUDNN_LOSS_NORMALIZATION_SOFTMAX,
                 .zeroes_unaligned = ctc.gradient_mode == CUDNN_CTC_ZERO_OOB_GRADIENTS,
                 .input_strides = strides(probs)};
  if (gradients_desc != nullptr) {
    const auto& gradients = set_tensor(gradients_desc, "gradientsDesc");
    require_alike(probs, "probsDesc", gradients, "gradientsDesc");
    batch.gradient_strides = strides(gradients);
  }
  return batch;
}

CtcBatch shape_of(cudnnCTCLossAlgo_t algo, cudnnCTCLossDescriptor_t desc,
                  cudnnTensorDescriptor_t probs_desc, cudnnTensorDescriptor_t gradients_desc,
                  Purpose purpose) {
  const auto& ctc = live(desc, "ctcLossDesc");
  CtcBatch batch = shape_of(algo, ctc, probs_desc, gradients_desc, purpose);
  if (ctc.max_label_length < 0 || ctc.max_label_length > most_labels) {
    refuse(unsupported(purpose), "maxLabelLength is %d, not in [0, %d]", ctc.max_label_length,
           most_labels);
  }
  batch.max_labels = ctc.max_label_length;
  return batch;
}

size_t workspace_bytes(CtcBatch batch, bool gradients) {
  // Stands for any: the size depends on whether there are gradients, not on where.
  float wanted = 0;
  batch.gradients = gradients ? &wanted : nullptr;
  return ctc_workspace_bytes(batch);
}

/** Checks the memory of a call and completes the batch with it. */
void add_tensors(CtcBatch& batch, const Tensors& tensors, Buffers& buffers) {
  require_pointer(tensors.probs, "probs");
  require_pointer(tensors.costs, "costs");
  require_pointer(tensors.work, "workspace");
  if (tensors.gradients != nullptr) {
    require_pointer(tensors.gradients_desc, "gradientsDesc");
  }
  const size_t needed = workspace_bytes(batch, tensors.gradients != nullptr);
  require(tensors.work_bytes >= needed, "workSpaceSizeInBytes is %zu, %zu are needed",
          tensors.work_bytes, needed);
  buffers.add("probs", span(*tensors.probs_desc, tensors.probs), Use::Read, sizeof(float));
  buffers.add("costs", {tensors.costs, batch.sequences * sizeof(float)}, Use::Write,
              sizeof(float));
  if (tensors.gradients != nullptr) {
    buffers.add("gradients", span(*tensors.gradients_desc, tensors.gradients), Use::Write,
                sizeof(float));
  }
  buffers.add("workspace", {tensors.work, tensors.work_bytes}, Use::Write, space_alignment);
  buffers.require_disjoint();
  batch.input = static_cast<const float*>(tensors.probs);
  batch.costs = static_cast<float*>(tensors.costs);
  batch.gradients = static_cast<float*>(tensors.gradients);
  batch.workspace = tensors.work;
}

/** How many labels the lengths say there are, up to the first length that is no length. */
int64_t count_labels(const CtcBatch& batch) {
  int64_t count = 0;
  for (int n = 0; n < batch.sequences; ++n) {
    const int length = batch.label_lengths[n];
    if (length < 0 || length > batch.max_labels) {
      break;
    }
    count += length;
  }
  return count;
}

/** Checks labels and lengths in host memory, and says how many labels there are at most. */
void add_host_lengths(CtcBatch& batch, const int* labels, const int* label_lengths,
                      const int* input_lengths, Purpose purpose) {
  require_pointer(labels, "labels");
  require_pointer(label_lengths, "labelLengths");
  require_pointer(input_lengths, "inputLengths");
  int64_t at = 0;
  for (int n = 0; n < batch.sequences; ++n) {
    require(input_lengths[n] >= 1 && input_lengths[n] <= batch.time,
            "inputLengths[%d] is %d, not in [1, %d]", n, input_lengths[n], batch.time);
    if (label_lengths[n] < 0 || label_lengths[n] > most_labels) {
      refuse(unsupported(purpose), "labelLengths[%d] is %d, not in [0, %d]", n,
             label_lengths[n], most_labels);
    }
    for (const int64_t end = at + label_lengths[n]; at < end; ++at) {
      require(labels[at] >= 1 && labels[at] < batch.symbols, "labels[%lld] is %d, not in [1, %d)",
              static_cast<long long>(at), labels[at], batch.symbols);
    }
    batch.max_labels = std::max(batch.max_labels, label_lengths[n]);
  }
  batch.labels = labels;
  batch.label_lengths = label_lengths;
  batch.input_lengths = input_lengths;
}

/** What the fields of a descriptor are set to, of which older functions lack some. */
cudnnStatus_t set_ctc(cudnnCTCLossDescriptor_t desc, cudnnCTCLossStruct settings) {
  return answer([&] {
    auto& ctc = live(desc, "ctcLossDesc");
    const bool computed = settings.compute_type == CUDNN_DATA_FLOAT ||
                          settings.compute_type == CUDNN_DATA_DOUBLE;
    require_supported(computed, "compType is %d, only FLOAT and DOUBLE are supported",
                      int(settings.compute_type));
    // cuDNN looks at the other fields only when it computes.
    ctc = settings;
  });
}

/** Older functions say by a way with NaN what becomes of a sequence without an alignment. */
cudnnCTCGradMode_t gradient_mode_of(cudnnNanPropagation_t nan) {
  return nan == CUDNN_NOT_PROPAGATE_NAN ? CUDNN_CTC_ZERO_OOB_GRADIENTS
                                        : CUDNN_CTC_SKIP_OOB_GRADIENTS;
}

cudnnStatus_t get_ctc(cudnnCTCLossDescriptor_t desc, cudnnDataType_t* compute_type,
                      cudnnLossNormalizationMode_t* normalization, cudnnNanPropagation_t* nan,
                      int* max_label_length) {
  return answer([&] {
    const auto& ctc = live(desc, "ctcLossDesc");
    store(compute_type, ctc.compute_type);
    store(normalization, ctc.normalization);
    store(nan, ctc.nan);
    store(max_label_length, ctc.max_label_length);
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

cudnnStatus_t cudnnSetCTCLossDescriptor(cudnnCTCLossDescriptor_t desc,
                                        cudnnDataType_t compute_type) {
  CUDNN4J_CALL(cudnnStatus_t);
  return set_ctc(desc, {.compute_type = compute_type});
}

cudnnStatus_t cudnnSetCTCLossDescriptorEx(cudnnCTCLossDescriptor_t desc,
                                          cudnnDataType_t compute_type,
                                          cudnnLossNormalizationMode_t normalization,
                                          cudnnNanPropagation_t nan) {
  CUDNN4J_CALL(cudnnStatus_t);
  return set_ctc(desc, {compute_type, normalization, gradient_mode_of(nan), 0, nan});
}

cudnnStatus_t cudnnSetCTCLossDescriptor_v8(cudnnCTCLossDescriptor_t desc,
                                           cudnnDataType_t compute_type,
                                           cudnnLossNormalizationMode_t normalization,
                                           cudnnNanPropagation_t nan, int max_label_length) {
  CUDNN4J_CALL(cudnnStatus_t);
  return set_ctc(desc, {compute_type, normalization, gradient_mode_of(nan), max_label_length, nan});
}

cudnnStatus_t cudnnSetCTCLossDescriptor_v9(cudnnCTCLossDescriptor_t desc,
                                           cudnnDataType_t compute_type,
                                           cudnnLossNormalizationMode_t normalization,
                                           cudnnCTCGradMode_t gradient_mode,
                                           int max_label_length) {
  CUDNN4J_CALL(cudnnStatus_t);
  return set_ctc(desc, {compute_type, normalization, gradient_mode, max_label_length,
                        gradient_mode == CUDNN_CTC_ZERO_OOB_GRADIENTS ? CUDNN_NOT_PROPAGATE_NAN
                                                                      : CUDNN_PROPAGATE_NAN});
}

cudnnStatus_t cudnnGetCTCLossDescriptor(cudnnCTCLossDescriptor_t desc,
                                        cudnnDataType_t* compute_type) {
  CUDNN4J_CALL(cudnnStatus_t);
  return get_ctc(desc, compute_type, nullptr, nullptr, nullptr);
}

cudnnStatus_t cudnnGetCTCLossDescriptorEx(cudnnCTCLossDescriptor_t desc,
                                          cudnnDataType_t* compute_type,
                                          cudnnLossNormalizationMode_t* normalization,
                                          cudnnNanPropagation_t* nan) {
  CUDNN4J_CALL(cudnnStatus_t);
  return get_ctc(desc, compute_type, normalization, nan, nullptr);
}

cudnnStatus_t cudnnGetCTCLossDescriptor_v8(cudnnCTCLossDescriptor_t desc,
                                           cudnnDataType_t* compute_type,
                                           cudnnLossNormalizationMode_t* normalization,
                                           cudnnNanPropagation_t* nan, int* max_label_length) {
  CUDNN4J_CALL(cudnnStatus_t);
  return get_ctc(desc, compute_type, normalization, nan, max_label_length);
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

cudnnStatus_t cudnnCTCLoss(cudnnHandle_t handle, cudnnTensorDescriptor_t probs_desc,
                           const void* probs, const int labels[], const int label_lengths[],
                           const int input_lengths[], void* costs,
                           cudnnTensorDescriptor_t gradients_desc, void* gradients,
                           cudnnCTCLossAlgo_t algo, cudnnCTCLossDescriptor_t desc, void* work,
                           size_t work_bytes) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    auto& stream = stream_of(handle);
    CtcBatch batch = shape_of(algo, live(desc, "ctcLossDesc"), probs_desc, gradients_desc,
                              Purpose::Loss);
    add_host_lengths(batch, labels, label_lengths, input_lengths, Purpose::Loss);
    Buffers buffers;
    add_tensors(batch, {probs_desc, probs, costs, gradients_desc, gradients, work_bytes, work},
                buffers);
    // The arrays are the caller's again as soon as the call returns.
    const int64_t count = count_labels(batch);
    auto kept = std::make_shared<std::vector<int>>(labels, labels + count);
    kept->insert(kept->end(), label_lengths, label_lengths + batch.sequences);
    kept->insert(kept->end(), input_lengths, input_lengths + batch.sequences);
    batch.labels = kept->data();
    batch.label_lengths = batch.labels + count;
    batch.input_lengths = batch.label_lengths + batch.sequences;
    submit(stream, buffers.ranges(), [batch, kept, count] { ctc_loss(batch, count); });
  });
}

cudnnStatus_t cudnnCTCLoss_v8(cudnnHandle_t handle, cudnnCTCLossAlgo_t algo,
                              cudnnCTCLossDescriptor_t desc, cudnnTensorDescriptor_t probs_desc,
                              const void* probs, const int labels[], const int label_lengths[],
                              const int input_lengths[], void* costs,
                              cudnnTensorDescriptor_t gradients_desc, void* gradients,
                              size_t work_bytes, void* work) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    auto& stream = stream_of(handle);
    CtcBatch batch = shape_of(algo, desc, probs_desc, gradients_desc, Purpose::Loss);
    require_pointer(labels, "labels");
    require_pointer(label_lengths, "labelLengths");
    require_pointer(input_lengths, "inputLengths");
    Buffers buffers;
    const size_t lengths_bytes = batch.sequences * sizeof(int);
    // How many labels there are is known when the work runs.
    buffers.add("labels", {labels, sizeof(int)}, Use::Read, sizeof(int));
    buffers.add("labelLengths", {label_lengths, lengths_bytes}, Use::Read, sizeof(int));
    buffers.add("inputLengths", {input_lengths, lengths_bytes}, Use::Read, sizeof(int));
    add_tensors(batch, {probs_desc, probs, costs, gradients_desc, gradients, work_bytes, work},
                buffers);
    batch.labels = labels;
    batch.label_lengths = label_lengths;
    batch.input_lengths = input_lengths;
    submit(stream, buffers.ranges(), [batch] {
      const int64_t count = count_labels(batch);
      const Range range{batch.labels, static_cast<size_t>(count) * sizeof(int)};
      ctc_loss(batch, reachable(range) ? count : 0);
    });
  });
}

cudnnStatus_t cudnnGetCTCLossWorkspaceSize(
    cudnnHandle_t handle, cudnnTensorDescriptor_t probs_desc,
    cudnnTensorDescriptor_t gradients_desc, const int* labels, const int* label_lengths,
    const int* input_lengths, cudnnCTCLossAlgo_t algo, cudnnCTCLossDescriptor_t desc,
    size_t* work_bytes) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    live(handle, "handle");
    CtcBatch batch = shape_of(algo, live(desc, "ctcLossDesc"), probs_desc, gradients_desc,
                              Purpose::Size);
    add_host_lengths(batch, labels, label_lengths, input_lengths, Purpose::Size);
    require_pointer(work_bytes, "sizeInBytes");
    *work_bytes = workspace_bytes(batch, gradients_desc != nullptr);
  });
}

cudnnStatus_t cudnnGetCTCLossWorkspaceSize_v8(cudnnHandle_t handle, cudnnCTCLossAlgo_t algo,
                                              cudnnCTCLossDescriptor_t desc,
                                              cudnnTensorDescriptor_t probs_desc,
                                              cudnnTensorDescriptor_t gradients_desc,
                                              size_t* work_bytes) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    live(handle, "handle");
    const CtcBatch batch = shape_of(algo, desc, probs_desc, gradients_desc, Purpose::Size);
    require_pointer(work_bytes, "sizeInBytes");
    *work_bytes = workspace_bytes(batch, gradients_desc != nullptr);
  });
}
