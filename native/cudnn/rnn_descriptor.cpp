#include <cmath>

#include "cudnn/objects.hpp"
#include "fault/call.hpp"

using namespace cudnn4j;
using namespace cudnn4j::cudnn;

namespace {

bool known_types(cudnnDataType_t data, cudnnDataType_t math) {
  switch (data) {
    case CUDNN_DATA_FLOAT:
    case CUDNN_DATA_BFLOAT16:
      return math == CUDNN_DATA_FLOAT;
    case CUDNN_DATA_DOUBLE:
      return math == CUDNN_DATA_DOUBLE;
    case CUDNN_DATA_HALF:
      return math == CUDNN_DATA_HALF || math == CUDNN_DATA_FLOAT;
    default:
      return false;
  }
}

/**
 * Refuses what cuDNN refuses when it sets a descriptor, in its order: values that mean nothing come
 * before meaningful ones that no algorithm computes, but for the biases.
 */
void check(const cudnnRNNStruct::Settings& set) {
  require_enum(set.algo, CUDNN_RNN_ALGO_COUNT, "algo");
  require_enum(set.cell_mode, 4, "cellMode");
  require_enum(set.bias_mode, 4, "biasMode");
  require_enum(set.dir_mode, 2, "dirMode");
  require_enum(set.input_mode, 2, "inputMode");
  require_enum(set.math_type, 4, "mathType");
  require(set.input_size > 0, "inputSize is %d, not positive", set.input_size);
  require(set.hidden_size > 0, "hiddenSize is %d, not positive", set.hidden_size);
  require(set.num_layers > 0, "numLayers is %d, not positive", set.num_layers);
  const bool standard = set.algo == CUDNN_RNN_ALGO_STANDARD;
  require_supported(standard || set.bias_mode == CUDNN_RNN_DOUBLE_BIAS,
                    "algo %d needs both biases, biasMode is %d", int(set.algo),
                    int(set.bias_mode));
  require(set.proj_size > 0, "projSize is %d, not positive; hiddenSize means no projection",
          set.proj_size);
  require((set.aux_flags & ~uint32_t{CUDNN_RNN_PADDED_IO_ENABLED}) == 0,
          "auxFlags is %u, which has unknown bits", set.aux_flags);

  require_supported(set.proj_size <= set.hidden_size, "projSize %d is above hiddenSize %d",
                    set.proj_size, set.hidden_size);
  require_supported(
      set.proj_size == set.hidden_size || (standard && set.cell_mode == CUDNN_LSTM),
      "projSize %d is below hiddenSize %d, but only LSTM with the standard algorithm projects",
      set.proj_size, set.hidden_size);
  require_supported(known_types(set.data_type, set.math_prec),
                    "dataType %d with mathPrec %d is not a pair that is computed",
                    int(set.data_type), int(set.math_prec));
  const bool both_half = set.data_type == CUDNN_DATA_HALF && set.math_prec == CUDNN_DATA_HALF;
  const bool static_kernel = set.algo == CUDNN_RNN_ALGO_PERSIST_STATIC ||
                             set.algo == CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H;
  require_supported(standard || !both_half, "algo %d does not compute in HALF", int(set.algo));
  require_supported(!static_kernel || set.data_type != CUDNN_DATA_DOUBLE,
                    "algo %d does not compute in DOUBLE", int(set.algo));
}

}  // namespace

cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t* desc) {
  CUDNN4J_CALL(cudnnStatus_t);
  return create(desc);
}

cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t desc) {
  CUDNN4J_CALL(cudnnStatus_t);
  return destroy(desc);
}

cudnnStatus_t cudnnSetRNNDescriptor_v8(
    cudnnRNNDescriptor_t desc, cudnnRNNAlgo_t algo, cudnnRNNMode_t cell_mode,
    cudnnRNNBiasMode_t bias_mode, cudnnDirectionMode_t dir_mode, cudnnRNNInputMode_t input_mode,
    cudnnDataType_t data_type, cudnnDataType_t math_prec, cudnnMathType_t math_type,
    int32_t input_size, int32_t hidden_size, int32_t proj_size, int32_t num_layers,
    cudnnDropoutDescriptor_t dropout_desc, uint32_t aux_flags) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    auto& rnn = live(desc, "rnnDesc");
    const cudnnRNNStruct::Settings settings{
        algo,      cell_mode,  bias_mode,   dir_mode,  input_mode, data_type,    math_prec,
        math_type, input_size, hidden_size, proj_size, num_layers, dropout_desc, aux_flags};
    check(settings);
    if (dropout_desc != nullptr) {
      live(dropout_desc, "dropoutDesc");
    }
    // Clipping goes back to none, as it does in cuDNN: it is set after the rest.
    rnn = {.settings = settings};
  });
}

cudnnStatus_t cudnnGetRNNDescriptor_v8(
    cudnnRNNDescriptor_t desc, cudnnRNNAlgo_t* algo, cudnnRNNMode_t* cell_mode,
    cudnnRNNBiasMode_t* bias_mode, cudnnDirectionMode_t* dir_mode, cudnnRNNInputMode_t* input_mode,
    cudnnDataType_t* data_type, cudnnDataType_t* math_prec, cudnnMathType_t* math_type,
    int32_t* input_size, int32_t* hidden_size, int32_t* proj_size, int32_t* num_layers,
    cudnnDropoutDescriptor_t* dropout_desc, uint32_t* aux_flags) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    const auto& rnn = live(desc, "rnnDesc");
    if (!rnn.settings) {
      refuse(CUDNN_STATUS_NOT_INITIALIZED, "rnnDesc was never set");
    }
    const auto& set = *rnn.settings;
    store(algo, set.algo);
    store(cell_mode, set.cell_mode);
    store(bias_mode, set.bias_mode);
    store(dir_mode, set.dir_mode);
    store(input_mode, set.input_mode);
    store(data_type, set.data_type);
    store(math_prec, set.math_prec);
    store(math_type, set.math_type);
    store(input_size, set.input_size);
    store(hidden_size, set.hidden_size);
    store(proj_size, set.proj_size);
    store(num_layers, set.num_layers);
    store(dropout_desc, set.dropout_desc);
    store(aux_flags, set.aux_flags);
  });
}

cudnnStatus_t cudnnRNNSetClip_v9(cudnnRNNDescriptor_t desc, cudnnRNNClipMode_t mode, double lclip,
                                 double rclip) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    auto& rnn = live(desc, "rnnDesc");
    // A NaN fails the comparison, too.
    require(lclip <= rclip, "lclip %g is not below rclip %g", lclip, rclip);
    rnn.clip_mode = mode;
    rnn.clip_low = lclip;
    rnn.clip_high = rclip;
  });
}

cudnnStatus_t cudnnRNNGetClip_v9(cudnnRNNDescriptor_t desc, cudnnRNNClipMode_t* mode,
                                 double* lclip, double* rclip) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    const auto& rnn = live(desc, "rnnDesc");
    store(mode, rnn.clip_mode);
    store(lclip, rnn.clip_low);
    store(rclip, rnn.clip_high);
  });
}
