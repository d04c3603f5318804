#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cudnn/rnn/dropout.hpp"
#include "gemm/half.hpp"

namespace cudnn4j {

enum class Cell { Relu, Tanh, Lstm, Gru };

/// Which of the two bias vectors of a gate exist: the one beside the input product, the one beside
/// the recurrent product.
enum class Bias { None, Input, Both, Recurrent };

enum class Layout { TimeMajor, Packed, BatchMajor };

/// A recurrent network: everything that fixes its weights and its formulas.
struct RnnShape {
  Cell cell = Cell::Lstm;
  Bias bias = Bias::Both;
  int layers = 1;
  int directions = 1;
  int input = 0;
  int hidden = 0;
  /// Width of h: the projection's size, or `hidden` without one.
  int output = 0;
  /// Every gate of the first layer receives x as it is, there being no matrix; input = hidden.
  bool skip_input = false;
  /// LSTM: the cell state counts as clipped to [clip_low, clip_high] wherever it is read; it is
  /// kept and put out unclipped. The bounds have single precision in every network.
  bool clip = false;
  float clip_low = 0;
  float clip_high = 0;
  /// Stored in Half: the math is done in Half, too, as far as a result shows it. The gates' sums of
  /// products and the cell state are rounded at every step.
  bool narrow_math = false;
  /// Probability that an element between two layers is dropped in training.
  float dropout = 0;
};

/// Layout and lengths of the sequences of one call.
///
/// TimeMajor is [time][batch][vector], BatchMajor [batch][time][vector], Packed [sum of
/// lengths][vector] time-major with the rows still alive at each step (lengths descending there).
struct Batch {
  Layout layout = Layout::TimeMajor;
  int time = 0;
  int batch = 0;
  /// One per row in the caller's order, each in [0, time]. A row of length 0 has no outputs and
  /// its final state is its initial one.
  std::vector<int> lengths;
  /// Whether the outputs' padding is written, and with what; the inputs' padding is never read.
  bool has_fill = false;
  double fill = 0;
};

/// Where one gate's matrix (rows x cols, row-major) and bias (rows) start in the weight space, in
/// elements; -1 marks one that does not exist.
struct WeightSlot {
  int64_t matrix_offset;
  int64_t rows;
  int64_t cols;
  int64_t bias_offset;
};

/// Gates per cell: 1, 1, 4 (input, forget, candidate, output), 3 (reset, update, candidate).
int gates(Cell cell);

/// Whether the bytes of the weight space can be counted, and all vectors' elements in 32 bits.
bool countable(const RnnShape& shape);

/// Elements of the weight space: all matrices first (per pseudo-layer: input gates, recurrent
/// gates, projection), then all biases in the same order.
int64_t weight_elements(const RnnShape& shape);

/// Slot of a linear layer, or nothing when the pseudo-layer or the linear layer does not exist.
/// Linear layers count the input gates first, then the recurrent gates, then (LSTM with a
/// projection) the projection.
std::optional<WeightSlot> weight_slot(const RnnShape& shape, int pseudo_layer, int linear_layer);

// S, the type of everything that a caller sees, is float, double, Half or BFloat16. The last two
// are computed in float: what a caller sees has type S, and so has every h, which the next step and
// the next layer find rounded; all else stays float within a call. The weights' gradients are summed
// in float and rounded when they are added to what stood there.

/// Bytes of scratch that the calls below need; they keep nothing there between calls. `training`
/// covers all of them: as with cuDNN, what is enough to train is enough for inference.
template <class S>
size_t workspace_bytes(const RnnShape& shape, const Batch& batch, bool training);

/// Bytes that a training forward leaves for the backward calls.
template <class S>
size_t reserve_bytes(const RnnShape& shape, const Batch& batch);

// All buffers of the three calls are 64-byte aligned where they are workspace or reserve and
// element-aligned otherwise; none may overlap another. x, y, dx, dy have the batch's layout with
// `input` or `directions * output` elements per token; states are [layers * directions][batch][output]
// (h) or [..][hidden] (c), in the caller's row order.

/// Computes y and the final states. hx, cx null: zeros; hy, cy null: not written. `reserve` null
/// means inference: no dropout, no backward. `dropout_state` points to a DropoutStream, which a
/// training forward reads and advances; it is used only when shape.dropout > 0.
template <class S>
void forward(const RnnShape& shape, const Batch& batch, const S* x, S* y, const S* hx, S* hy,
             const S* cx, S* cy, const S* weights, void* work, void* reserve,
             void* dropout_state) noexcept;

/// Computes dx (null: not written) and the initial states' gradients from the outputs' gradients.
/// dhy, dcy null: zeros; dhx, dcx null: not written. Replaces the activations in the reserve with
/// the gates' gradients, which backward_weights uses; so it runs once per forward.
template <class S>
void backward_data(const RnnShape& shape, const Batch& batch, const S* y, const S* dy, S* dx,
                   const S* hx, const S* dhy, S* dhx, const S* cx, const S* dcy, S* dcx,
                   const S* weights, void* work, void* reserve) noexcept;

/// Adds the weights' gradients to dweights; runs after backward_data on the same reserve. Throws
/// std::bad_alloc when there is no memory for what each thread packs; dweights is undefined then.
template <class S>
void backward_weights(const RnnShape& shape, const Batch& batch, const S* x, const S* hx,
                      const S* y, S* dweights, void* work, void* reserve);

}  // namespace cudnn4j
