#include "cudnn/rnn_call.hpp"

#include <algorithm>

namespace cudnn4j::cudnn {
namespace {

// What the engine asks of workspace and reserve.
constexpr size_t space_alignment = 64;

/** Elements in a buffer of sequences with `vector` elements per step. */
int64_t sequence_elements(const Batch& batch, int vector) {
  int64_t rows = int64_t{batch.time} * batch.batch;
  if (batch.layout == Layout::Packed) {
    rows = 0;
    for (const int length : batch.lengths) {
      rows += length;
    }
  }
  return rows * vector;
}

void require_full(const Batch& batch, const char* name) {
  for (const int length : batch.lengths) {
    require_supported(length == batch.time,
                      "%s has a sequence of length %d, the persistent algorithms take only those of "
                      "maxSeqLength %d",
                      name, length, batch.time);
  }
}

/** Refuses sequences of different shape, and those that the network does not compute with. */
void require_sequences(const Network& network, const cudnnRNNDataStruct& x_data,
                       const cudnnRNNDataStruct& y_data) {
  const Batch& x = *x_data.batch;
  const Batch& y = *y_data.batch;
  require(x_data.type == y_data.type, "xDesc and yDesc differ in data type (%d, %d)",
          int(x_data.type), int(y_data.type));
  require(x.layout == y.layout, "xDesc and yDesc differ in layout");
  require(x.time == y.time, "xDesc and yDesc differ in maxSeqLength (%d, %d)", x.time, y.time);
  require(x.batch == y.batch, "xDesc and yDesc differ in batchSize (%d, %d)", x.batch, y.batch);
  require(x.lengths == y.lengths, "xDesc and yDesc differ in seqLengthArray");
  require(x_data.vector == network.shape.input, "xDesc has vectorSize %d, the network has %d",
          x_data.vector, network.shape.input);
  require(y_data.vector == network.output_vector(), "yDesc has vectorSize %d, the network has %d",
          y_data.vector, network.output_vector());
  const bool full = std::ranges::all_of(x.lengths, [&](int length) { return length == x.time; });
  require(network.padded_io || x.layout == Layout::Packed ||
              (x.layout == Layout::TimeMajor && full),
          "without CUDNN_RNN_PADDED_IO_ENABLED the layout is packed, or SEQ_MAJOR_UNPACKED with "
          "sequences of maxSeqLength");
  require_supported(x_data.type == network.type,
                    "xDesc and yDesc have data type %d, the network has %d", int(x_data.type),
                    int(network.type));
}

}  // namespace

RnnCall::RnnCall(Pass pass, cudnnHandle_t handle, cudnnRNNDescriptor_t rnn_desc,
                 cudnnRNNDataDescriptor_t x_desc, cudnnRNNDataDescriptor_t y_desc)
    : stream_(stream_of(handle)), network_(network_of(rnn_desc)) {
  const auto& x_data = live(x_desc, "xDesc");
  const auto& y_data = live(y_desc, "yDesc");
  x_ = x_data.batch;
  y_ = y_data.batch;
  require_set(x_data, "xDesc");
  require_kernel(network_);
  if (network_.persistent) {
    const bool forward = pass == Pass::Forward;
    require_full(forward ? *x_ : *y_, forward ? "xDesc" : "yDesc");
  }
  require_sequences(network_, x_data, y_data);
  require(!shape().skip_input || shape().input == shape().hidden,
          "skip input needs inputSize %d to be hiddenSize %d", shape().input, shape().hidden);
  // cuDNN's status for this is INVALID_VALUE, which counts as BAD_PARAM since version 9.
  const int compiled = network_.compiled_batch.value_or(x_->batch);
  require(compiled > 0, "rnnDesc has the algorithm PERSIST_DYNAMIC, but no cudnnBuildRNNDynamic");
  require(compiled == x_->batch,
          "xDesc has batchSize %d, cudnnBuildRNNDynamic was called for miniBatch %d", x_->batch,
          compiled);
}

void RnnCall::require_states(cudnnTensorDescriptor_t desc, const char* name, int width) const {
  const auto& tensor = set_tensor(desc, name);
  require(tensor.extent[0] == network_.states() && tensor.extent[1] == x_->batch &&
              tensor.extent[2] == width,
          "%s is not of shape [%d, %d, %d]", name, network_.states(), x_->batch, width);
  int64_t reach = 1;
  for (int d = 0; d < tensor.dims; ++d) {
    reach += int64_t{tensor.extent[d] - 1} * tensor.stride[d];
  }
  require(reach == elements(tensor), "%s is not packed", name);
}

void RnnCall::add_input(const char* name, const void* data, Use use) {
  require_pointer(data, name);
  add_elements(name, data, sequence_elements(*x_, network_.shape.input), use);
}

void RnnCall::add_output(const char* name, const void* data, Use use) {
  require_pointer(data, name);
  add_elements(name, data, sequence_elements(*y_, network_.output_vector()), use);
}

void RnnCall::add_states(const char* name, const void* data, int width, Use use) {
  add_elements(name, data, int64_t{network_.states()} * x_->batch * width, use);
}

void RnnCall::add_weights(const char* name, const void* data, size_t bytes, Use use) {
  require_pointer(data, name);
  require(bytes >= network_.weight_bytes(), "weightSpaceSize is %zu, %zu are needed", bytes,
          network_.weight_bytes());
  buffers_.add(name, {data, bytes}, use, network_.element_bytes);
}

void RnnCall::add_workspace(void* data, size_t bytes, bool training) {
  require_pointer(data, "workSpace");
  const size_t needed = network_.workspace_bytes(*x_, training);
  require(bytes >= needed, "workSpaceSize is %zu, %zu are needed", bytes, needed);
  workspace_ = {data, bytes};
  buffers_.add("workSpace", workspace_, Use::Write, space_alignment);
}

void RnnCall::add_reserve(void* data, size_t bytes) {
  require_pointer(data, "reserveSpace");
  const size_t needed = network_.reserve_bytes(*x_);
  require(bytes >= needed, "reserveSpaceSize is %zu, %zu are needed", bytes, needed);
  buffers_.add("reserveSpace", {data, bytes}, Use::Write, space_alignment);
}

void RnnCall::add_generator() {
  require(network_.shape.dropout == 0 || network_.generator != nullptr,
          "dropoutDesc drops with probability %g but has no states",
          double{network_.shape.dropout});
  buffers_.add("the dropout states", {network_.generator, sizeof(DropoutStream)}, Use::Write,
               alignof(DropoutStream));
}

void RnnCall::add_elements(const char* name, const void* data, int64_t count, Use use) {
  buffers_.add(name, {data, static_cast<size_t>(count) * network_.element_bytes}, use,
               network_.element_bytes);
}

}  // namespace cudnn4j::cudnn
