#pragma once

#include "cudnn/objects.hpp"

namespace cudnn4j::cudnn {

/** An RNN descriptor that was set, in the engine's terms. */
struct Network {
  RnnShape shape;
  cudnnDataType_t type;
  size_t element_bytes;
  bool padded_io;
  /** The persistent algorithms take sequences of full length only. */
  bool persistent;
  /** The most hidden units that the algorithm has a kernel for. */
  int most_hidden;
  /** The only size of batch that it computes, 0 being none; nothing where it computes any. */
  std::optional<int> compiled_batch;
  /** What a training forward draws the dropout between layers with; null without it. */
  DropoutStream* generator;

  /** What the engine asks of a workspace and of a reserve. */
  size_t workspace_bytes(const Batch& batch, bool training) const;
  size_t reserve_bytes(const Batch& batch) const;
  int states() const { return shape.layers * shape.directions; }
  int output_vector() const { return shape.output * shape.directions; }
  size_t weight_bytes() const {
    return static_cast<size_t>(weight_elements(shape)) * element_bytes;
  }
};

/** The network behind a descriptor; refuses one that was never set. */
Network network_of(cudnnRNNDescriptor_t desc);

/** Refuses more hidden units than the network's algorithm has a kernel for. */
void require_kernel(const Network& network);

/** Refuses a data descriptor that was never set. */
void require_set(const cudnnRNNDataStruct& data, const char* name);

}  // namespace cudnn4j::cudnn
