#include "cudnn/rnn_network.hpp"

#include <algorithm>

#include "cudnn/tensor.hpp"

namespace cudnn4j::cudnn {
namespace {

Cell cell_of(cudnnRNNMode_t mode) {
  switch (mode) {
    case CUDNN_RNN_RELU:
      return Cell::Relu;
    case CUDNN_RNN_TANH:
      return Cell::Tanh;
    case CUDNN_LSTM:
      return Cell::Lstm;
    default:
      return Cell::Gru;
  }
}

Bias bias_of(cudnnRNNBiasMode_t mode) {
  switch (mode) {
    case CUDNN_RNN_NO_BIAS:
      return Bias::None;
    case CUDNN_RNN_SINGLE_INP_BIAS:
      return Bias::Input;
    case CUDNN_RNN_DOUBLE_BIAS:
      return Bias::Both;
    default:
      return Bias::Recurrent;
  }
}

void require_computable(const RnnShape& shape) {
  require_supported(!shape.skip_input || shape.input == shape.hidden,
                    "skip input needs inputSize %d to be hiddenSize %d", shape.input,
                    shape.hidden);
}

}  // namespace

size_t Network::workspace_bytes(const Batch& batch, bool training) const {
  return with_element(type, "rnnDesc", [&]<class S>(S) {
    return cudnn4j::workspace_bytes<S>(shape, batch, training);
  });
}

size_t Network::reserve_bytes(const Batch& batch) const {
  return with_element(type, "rnnDesc",
                      [&]<class S>(S) { return cudnn4j::reserve_bytes<S>(shape, batch); });
}

Network network_of(cudnnRNNDescriptor_t desc) {
  const auto& rnn = live(desc, "rnnDesc");
  require(rnn.settings.has_value(), "rnnDesc was never set");
  const auto& set = *rnn.settings;
  // mathType only says whether tensor cores may round FLOAT's factors (to TF32 or HALF); here
  // nothing would be gained by that, so they keep all their bits.
  const bool lstm = set.cell_mode == CUDNN_LSTM;
  RnnShape shape{
      .cell = cell_of(set.cell_mode),
      .bias = bias_of(set.bias_mode),
      .layers = set.num_layers,
      .directions = set.dir_mode == CUDNN_BIDIRECTIONAL ? 2 : 1,
      .input = set.input_size,
      .hidden = set.hidden_size,
      .output = set.proj_size,
      .skip_input = set.input_mode == CUDNN_SKIP_INPUT,
      // Clipping is of the LSTM's cell state; other cells have none.
      .clip = lstm && rnn.clip_mode == CUDNN_RNN_CLIP_MINMAX,
      .clip_low = static_cast<float>(rnn.clip_low),
      .clip_high = static_cast<float>(rnn.clip_high),
      .narrow_math = set.math_prec == CUDNN_DATA_HALF,
      .dropout = 0,
  };
  require_computable(shape);
  DropoutStream* generator = nullptr;
  // One layer has nothing between layers. The probability counts as it is when the call is made.
  if (set.dropout_desc != nullptr && set.num_layers > 1) {
    const auto& dropout = live(set.dropout_desc, "dropoutDesc");
    shape.dropout = dropout.drop;
    generator = dropout.drop > 0 ? dropout.states : nullptr;
  }
  return {.shape = shape,
          .type = set.data_type,
          .element_bytes = element_bytes(set.data_type),
          .padded_io = (set.aux_flags & CUDNN_RNN_PADDED_IO_ENABLED) != 0,
          .persistent = set.algo != CUDNN_RNN_ALGO_STANDARD,
          .compiled_batch = set.algo == CUDNN_RNN_ALGO_PERSIST_DYNAMIC
                                ? std::optional(rnn.compiled_batch)
                                : std::nullopt,
          .generator = generator};
}

std::shared_ptr<const Batch> sequences_of(const Network& network, cudnnRNNDataDescriptor_t desc,
                                          const char* name, int vector) {
  const auto& data = live(desc, name);
  require(data.batch != nullptr, "%s was never set", name);
  require(data.type == network.type, "%s has data type %d, the network has %d", name,
          int(data.type), int(network.type));
  require(data.vector == vector, "%s has vectorSize %d, the network has %d", name, data.vector,
          vector);
  const auto& lengths = data.batch->lengths;
  const auto [shortest, longest] = std::minmax_element(lengths.begin(), lengths.end());
  require(*shortest > 0, "%s has a sequence of length 0", name);
  require(network.padded_io || data.batch->layout == Layout::Packed ||
              *shortest == data.batch->time,
          "%s has a sequence of length %d below maxSeqLength %d, which the unpacked layouts allow "
          "only with CUDNN_RNN_PADDED_IO_ENABLED",
          name, *shortest, data.batch->time);
  require_supported(!network.persistent || *shortest == *longest,
                    "%s has sequences of length %d to %d, the persistent algorithms take only "
                    "sequences of one length",
                    name, *shortest, *longest);
  return data.batch;
}

void require_state(const Network& network, cudnnTensorDescriptor_t desc, const char* name,
                   int batch, int width) {
  const auto& tensor = set_tensor(desc, name);
  require(tensor.type == network.type, "%s has data type %d, the network has %d", name,
          int(tensor.type), int(network.type));
  cudnnTensorStruct packed;
  set_packed(packed, network.type, network.states(), batch, width);
  require(tensor.dims == packed.dims && tensor.extent == packed.extent,
          "%s is not of shape [%d, %d, %d]", name, network.states(), batch, width);
  require(tensor.stride == packed.stride, "%s is not packed", name);
}

}  // namespace cudnn4j::cudnn
