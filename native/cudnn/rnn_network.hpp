#pragma once

#include "cudnn/objects.hpp"

namespace cudnn4j::cudnn {

/** An RNN descriptor that was set, in the engine's terms. */
struct Network {
  RnnShape shape;
  cudnnDataType_t type;
  size_t element_bytes;
  bool padded_io;
  /** The persistent algorithms take sequences of one length only. */
  bool persistent;
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

/**
 * The network behind a descriptor. Refuses one that was never set and, in this one place, what
 * cuDNN can compute and the host device cannot.
 */
Network network_of(cudnnRNNDescriptor_t desc);

/**
 * The sequences behind a data descriptor of the network with `vector` elements per step; refuses
 * those that do not fit or that cuDNN cannot compute with.
 */
std::shared_ptr<const Batch> sequences_of(const Network& network, cudnnRNNDataDescriptor_t desc,
                                          const char* name, int vector);

/** Refuses a descriptor that is not the packed [states][batch][width] of the network's type. */
void require_state(const Network& network, cudnnTensorDescriptor_t desc, const char* name,
                   int batch, int width);

}  // namespace cudnn4j::cudnn
