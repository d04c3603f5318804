#include "cudnn/rnn_network.hpp"

#include <climits>

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

/** The limits that cuDNN 9.24 has on a GPU with 80 multiprocessors or more. */
int most_hidden(cudnnRNNAlgo_t algo, bool gated) {
  switch (algo) {
    case CUDNN_RNN_ALGO_PERSIST_STATIC:
      return gated ? 1536 : 2560;
    case CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H:
      return gated ? 192 : 384;
    default:
      return INT_MAX;
  }
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
  require_supported(countable(shape), "%d layers of %d units, projected to %d, on inputs of %d",
                    shape.layers, shape.hidden, shape.output, shape.input);
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
          .most_hidden = most_hidden(set.algo, gates(shape.cell) > 1),
          .compiled_batch = set.algo == CUDNN_RNN_ALGO_PERSIST_DYNAMIC
                                ? std::optional(rnn.compiled_batch)
                                : std::nullopt,
          .generator = generator};
}

void require_kernel(const Network& network) {
  require_supported(network.shape.hidden <= network.most_hidden,
                    "hiddenSize is %d, the algorithm has kernels for at most %d",
                    network.shape.hidden, network.most_hidden);
}

void require_set(const cudnnRNNDataStruct& data, const char* name) {
  require(data.batch->time > 0, "%s was never set", name);
}

}  // namespace cudnn4j::cudnn
