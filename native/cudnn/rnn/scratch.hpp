#pragma once

#include <utility>

#include "cudnn/rnn/layer.hpp"

namespace cudnn4j {

/// Elements of the widest layer's packed input matrix, for either pass.
template <class T>
int64_t widest_input(const RnnShape& shape) {
  const int64_t gates = gate_width(shape);
  int64_t elements = 0;
  for (int layer = 0; layer < std::min(shape.layers, 2); ++layer) {
    const int64_t width = input_width(shape, layer);
    Arena forward(nullptr);
    GateMatrix<T>(shape, width, forward);
    elements = std::max({elements, static_cast<int64_t>(forward.used() / sizeof(T)),
                         packed<T>().size(gates, width)});
  }
  return elements;
}

/// What every call needs of the initial states.
template <class T>
struct InitialStates {
  /// Per direction, in the plan's order, where the caller's order differs.
  T* h[2] = {};
  T* c[2] = {};

  InitialStates(const RnnShape& shape, const Plan& plan, Arena& arena) {
    if (plan.direct()) return;
    for (int d = 0; d < shape.directions; ++d) {
      h[d] = arena.take<T>(plan.batch() * shape.output);
      c[d] = arena.take<T>(plan.batch() * shape.hidden);
    }
  }

  /// Rows [first, first + batch) of a state in the plan's order; null stays null.
  template <class S>
  const T* initial(const Plan& plan, const S* state, int64_t first, int64_t width, T* room) const {
    if (!state) return nullptr;
    const S* rows = state + first * width;
    if (plan.direct()) return Plan::in_place(rows);
    plan.gather_rows(rows, width, room);
    return room;
  }
};

/// Workspace of `forward`.
template <class T>
struct ForwardScratch : InitialStates<T> {
  T* x = nullptr;
  T* bias[2] = {};
  /// Room for the input matrix of one layer.
  T* input[2] = {};
  GateMatrix<T> recurrent[2];
  /// The projection packed for values * P^T.
  PackedMatrix<T> projection[2];
  /// Training: the input of a layer after dropout.
  T* dropped[2] = {};
  /// Inference: activations of the layer at work, and outputs of it and of the one below.
  Activations<T> passing;
  T* outputs[2] = {};

  ForwardScratch(const RnnShape& shape, const Plan& plan, bool training, Arena& arena)
      : InitialStates<T>(shape, plan, arena) {
    if (!plan.direct()) x = arena.take<T>(plan.tokens() * shape.input);
    for (int d = 0; d < shape.directions; ++d) {
      input[d] = arena.take<T>(widest_input<T>(shape));
      recurrent[d] = GateMatrix<T>(shape, shape.output, arena);
      if (projects(shape)) projection[d] = PackedMatrix<T>(shape.hidden, shape.output, arena);
      bias[d] = arena.take<T>(gate_width(shape) + shape.hidden);
    }
    const int64_t outputs_size = plan.tokens() * output_width(shape);
    if (training) {
      for (int d = 0; d < shape.directions && shape.layers > 1 && shape.dropout > 0; ++d) {
        dropped[d] = arena.take<T>(outputs_size);
      }
    } else {
      passing = Activations<T>(shape, plan, false, false, arena);
      outputs[0] = arena.take<T>(outputs_size);
      outputs[1] = arena.take<T>(outputs_size);
    }
  }
};

/// Workspace of `backward_data`.
template <class T>
struct BackwardScratch : InitialStates<T> {
  T* dy = nullptr;
  T* dx = nullptr;
  /// Room for the input matrix of one layer.
  T* input = nullptr;
  /// The recurrent matrix packed for gates * R; GRU's candidate apart, as its gradient is.
  PackedMatrix<T> joint[2];
  PackedMatrix<T> candidate[2];
  /// The projection packed for gradients * P, [batch][hidden] for that product, and [hidden] zeros.
  PackedMatrix<T> projection[2];
  T* unprojected[2] = {};
  T* zeros = nullptr;
  /// Gradients of the output of the layer at work and of the one below.
  T* outputs[2] = {};
  /// Gradient of a layer's input before the dropout mask.
  T* masked = nullptr;
  /// Per direction [batch][..]: the gradients that travel back through time.
  T* dh[2] = {};
  T* dc[2] = {};

  BackwardScratch(const RnnShape& shape, const Plan& plan, Arena& arena)
      : InitialStates<T>(shape, plan, arena), input(arena.take<T>(widest_input<T>(shape))) {
    const int64_t outputs_size = plan.tokens() * output_width(shape);
    if (!plan.direct()) {
      dy = arena.take<T>(outputs_size);
      dx = arena.take<T>(plan.tokens() * shape.input);
    }
    if (shape.layers > 1) {
      outputs[0] = arena.take<T>(outputs_size);
      outputs[1] = arena.take<T>(outputs_size);
      if (shape.dropout > 0) masked = arena.take<T>(outputs_size);
    }
    for (int d = 0; d < shape.directions; ++d) {
      joint[d] = PackedMatrix<T>(joint_gates(shape.cell) * int64_t{shape.hidden}, shape.output,
                                 arena);
      if (shape.cell == Cell::Gru) {
        candidate[d] = PackedMatrix<T>(shape.hidden, shape.output, arena);
      }
      dh[d] = arena.take<T>(plan.batch() * shape.output);
      dc[d] = arena.take<T>(plan.batch() * shape.hidden);
      if (projects(shape)) {
        projection[d] = PackedMatrix<T>(shape.output, shape.hidden, arena);
        unprojected[d] = arena.take<T>(plan.batch() * shape.hidden);
      }
    }
    if (projects(shape)) zeros = arena.take<T>(shape.hidden);
  }
};

/// Rows of the gates' gradients that one task multiplies at most.
constexpr int64_t gradient_rows = 96;

/// Tokens whose contribution to the weights' gradients is added at a time: as many as the
/// second-level cache holds of both operands.
template <class T>
int64_t gradient_depth(const RnnShape& shape) {
  constexpr int64_t left_bytes = 192 << 10;
  constexpr int64_t right_bytes = 640 << 10;
  const int64_t above = shape.layers > 1 ? output_width(shape) : 0;
  const int64_t columns = std::max<int64_t>(shape.input, above) + shape.output;
  const int64_t rows = std::min(gate_width(shape), gradient_rows);
  const int64_t depth = std::min(left_bytes / rows, right_bytes / columns) / int64_t{sizeof(T)};
  return std::clamp<int64_t>(depth, 64, 4096);
}

template <class T>
int64_t gradient_blocks(const RnnShape& shape, int64_t tokens) {
  const int64_t depth = gradient_depth<T>(shape);
  return (tokens + depth - 1) / depth;
}

/// Workspace of `backward_weights`.
template <class T>
struct WeightsScratch : InitialStates<T> {
  T* x = nullptr;
  T* dropped = nullptr;
  /// Packed right operands: a layer's inputs and previous outputs.
  T* inputs;
  T* past;
  T* unprojected = nullptr;
  /// Sums of the gates' gradients over all tokens, for the biases.
  T* sums;
  /// The sums of all matrices' gradients, where the caller's have another type and several blocks of
  /// tokens add to them.
  T* gradients = nullptr;

  WeightsScratch(const RnnShape& shape, const Plan& plan, bool converts, Arena& arena)
      : InitialStates<T>(shape, plan, arena) {
    if (!plan.direct()) x = arena.take<T>(plan.tokens() * shape.input);
    if (shape.layers > 1 && shape.dropout > 0) {
      dropped = arena.take<T>(plan.tokens() * output_width(shape));
    }
    const int64_t depth = std::min(gradient_depth<T>(shape), plan.tokens());
    const int64_t above = shape.layers > 1 ? output_width(shape) : 0;
    inputs = arena.take<T>(packed<T>().size(depth, std::max<int64_t>(shape.input, above)));
    past = arena.take<T>(packed<T>().size(depth, shape.output));
    if (projects(shape)) unprojected = arena.take<T>(packed<T>().size(depth, shape.hidden));
    sums = arena.take<T>(gate_width(shape) + shape.hidden);
    if (converts && gradient_blocks<T>(shape, plan.tokens()) > 1) {
      gradients = arena.take<T>(weight_elements(shape));
    }
  }
};

}  // namespace cudnn4j
