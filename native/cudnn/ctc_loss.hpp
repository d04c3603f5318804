#pragma once

#include <cstddef>
#include <cstdint>

namespace cudnn4j {

/** Where the elements of a [time, sequence, symbol] tensor lie, in elements. */
struct CtcStrides {
  int64_t time;
  int64_t sequence;
  int64_t symbol;
};

/**
 * A batch whose loss is to be computed, by Graves et al., "Connectionist temporal classification"
 * (2006). Symbol 0 is the blank.
 */
struct CtcBatch {
  int time = 0;
  int sequences = 0;
  int symbols = 0;
  /** The longest label sequence that the workspace has room for. */
  int max_labels = 0;
  /** Whether `input` is normalized here by a softmax over the symbols; else it is probabilities. */
  bool softmax = false;
  /** What happens to the gradient of a sequence without an alignment: set to zero, or left. */
  bool zeroes_unaligned = false;

  const float* input = nullptr;
  CtcStrides input_strides = {};
  /** The labels of all sequences, one after the other. */
  const int* labels = nullptr;
  const int* label_lengths = nullptr;
  const int* input_lengths = nullptr;
  /** The negative logarithm of each sequence's probability. */
  float* costs = nullptr;
  /** With respect to `input`; null if it is not wanted. */
  float* gradients = nullptr;
  CtcStrides gradient_strides = {};
  void* workspace = nullptr;
};

size_t ctc_workspace_bytes(const CtcBatch& batch);

/** The steps that an alignment needs: one for each label, and a blank between equal neighbours. */
int ctc_needed_steps(const int* labels, int count);

/**
 * Computes costs and gradients. Of gradients, only the steps before a sequence's input length are
 * written, or those before the batch's longest where they are set to zero. A sequence whose labels
 * need more steps than it has costs 0, as with cuDNN; one whose lengths or labels are out of range
 * costs NaN. `label_count` is how many labels may be read.
 */
void ctc_loss(const CtcBatch& batch, int64_t label_count);

}  // namespace cudnn4j
