#pragma once

#include <utility>

#include "cudnn/rnn/layer.hpp"

namespace cudnn4j {

/// One packed matrix at a time, up to the largest that a network needs.
template <class T>
struct ReusedMatrix {
  char* block;

  ReusedMatrix(const RnnShape& shape, Arena& arena) {
    const int64_t widest = std::max(shape.input, shape.layers > 1 ? shape.directions * shape.output
                                                                  : 0);
    const int64_t gates = gate_width(shape);
    const int64_t elements =
        std::max(packed<T>().size(widest, gates), packed<T>().size(gates, widest));
    block = arena.take<char>(elements * static_cast<int64_t>(sizeof(T)));
  }

  PackedMatrix<T> of(int64_t k, int64_t n) const {
    Arena arena(block);
    return PackedMatrix<T>(k, n, arena);
  }
};

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
  const T* initial(const Plan& plan, const T* state, int64_t first, int64_t width, T* room) const {
    if (!state) return nullptr;
    const T* rows = state + first * width;
    if (plan.direct()) return rows;
    plan.gather_rows(rows, width, room);
    return room;
  }
};

/// Workspace of `forward`.
template <class T>
struct ForwardScratch : InitialStates<T> {
  T* x = nullptr;
  T* bias[2] = {};
  ReusedMatrix<T> input;
  RecurrentMatrix<T> recurrent[2];
  /// Training: the input of a layer after dropout.
  T* dropped = nullptr;
  /// Inference: activations of the layer at work, and outputs of it and of the one below.
  Activations<T> passing;
  T* outputs[2] = {};

  ForwardScratch(const RnnShape& shape, const Plan& plan, bool training, Arena& arena)
      : InitialStates<T>(shape, plan, arena),
        input(shape, arena) {
    if (!plan.direct()) x = arena.take<T>(plan.tokens() * shape.input);
    for (int d = 0; d < shape.directions; ++d) {
      recurrent[d] = RecurrentMatrix<T>(shape, true, arena);
      bias[d] = arena.take<T>(gate_width(shape) + shape.hidden);
    }
    const int64_t outputs_size = plan.tokens() * output_width(shape);
    if (training) {
      if (shape.layers > 1 && shape.dropout > 0) dropped = arena.take<T>(outputs_size);
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
  ReusedMatrix<T> input;
  RecurrentMatrix<T> recurrent[2];
  /// Gradients of the output of the layer at work and of the one below.
  T* outputs[2] = {};
  /// Gradient of a layer's input before the dropout mask.
  T* masked = nullptr;
  /// Per direction [batch][..]: the gradients that travel back through time.
  T* dh[2] = {};
  T* dc[2] = {};

  BackwardScratch(const RnnShape& shape, const Plan& plan, Arena& arena)
      : InitialStates<T>(shape, plan, arena),
        input(shape, arena) {
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
      recurrent[d] = RecurrentMatrix<T>(shape, false, arena);
      dh[d] = arena.take<T>(plan.batch() * shape.output);
      dc[d] = arena.take<T>(plan.batch() * shape.hidden);
    }
  }
};

/// Workspace of `backward_weights`.
template <class T>
struct WeightsScratch : InitialStates<T> {
  T* x = nullptr;
  T* dropped = nullptr;
  /// The previous outputs where they are not simply the outputs one step away.
  T* previous = nullptr;

  WeightsScratch(const RnnShape& shape, const Plan& plan, Arena& arena)
      : InitialStates<T>(shape, plan, arena) {
    if (!plan.direct()) x = arena.take<T>(plan.tokens() * shape.input);
    if (shape.layers > 1 && shape.dropout > 0) {
      dropped = arena.take<T>(plan.tokens() * output_width(shape));
    }
    previous = arena.take<T>(plan.tokens() * shape.output);
  }
};

}  // namespace cudnn4j
