#pragma once

#include <algorithm>
#include <cstring>

#include "cudnn/buffers.hpp"
#include "cudnn/rnn_network.hpp"
#include "cudnn/tensor.hpp"

namespace cudnn4j::cudnn {

/**
 * One call of the three that compute: its network and sequences, its buffers, and its stream.
 * Everything is checked before the work is handed over.
 */
class RnnCall {
 public:
  enum class Pass { Forward, Backward };

  RnnCall(Pass pass, cudnnHandle_t handle, cudnnRNNDescriptor_t rnn_desc,
          cudnnRNNDataDescriptor_t x_desc, cudnnRNNDataDescriptor_t y_desc);

  const Network& network() const { return network_; }
  const RnnShape& shape() const { return network_.shape; }
  const std::shared_ptr<const Batch>& x_batch() const { return x_; }
  const std::shared_ptr<const Batch>& y_batch() const { return y_; }

  /**
   * Refuses a descriptor whose first dimensions are not [layers * directions][batch][width], or
   * that is not dense. Like cuDNN it does not mind what follows, the type and the order.
   */
  void require_states(cudnnTensorDescriptor_t desc, const char* name, int width) const;

  // Each adds a buffer. Sequences, weights and spaces must be there; states may be NULL.
  void add_input(const char* name, const void* data, Use use);
  void add_output(const char* name, const void* data, Use use);
  void add_states(const char* name, const void* data, int width, Use use);
  void add_weights(const char* name, const void* data, size_t bytes, Use use);
  void add_workspace(void* data, size_t bytes, bool training);
  void add_reserve(void* data, size_t bytes);
  /** The generator of the dropout between layers, if anything is dropped. */
  void add_generator();

  /**
   * Hands over `compute(shape, T{})`, T being the network's element type, which finds its
   * workspace worthless.
   */
  template <class Compute>
  void run(Compute compute) {
    buffers_.require_disjoint();
    submit(stream_, buffers_.ranges(), [compute, network = network_, workspace = workspace_] {
      poison(workspace);
      with_element(network.type, "rnnDesc",
                   [&](auto element) { compute(network.shape, element); });
    });
  }

 private:
  void add_elements(const char* name, const void* data, int64_t count, Use use);

  /**
   * Makes a workspace useless to whoever hopes that it keeps something between calls: cache lines
   * of NaN here and there, so few that they cost next to nothing beside the work that follows.
   */
  static void poison(const Range& workspace) {
    constexpr size_t page = 4096;
    constexpr size_t line = 64;
    constexpr size_t most_lines = 64;
    auto* bytes = static_cast<char*>(const_cast<void*>(workspace.address));
    const size_t apart = std::max(page, workspace.bytes / most_lines);
    for (size_t at = 0; at < workspace.bytes; at += apart) {
      std::memset(bytes + at, 0xFF, std::min(line, workspace.bytes - at));
    }
  }

  Stream& stream_;
  Network network_;
  std::shared_ptr<const Batch> x_;
  std::shared_ptr<const Batch> y_;
  Buffers buffers_;
  Range workspace_{};
};

}  // namespace cudnn4j::cudnn
