#pragma once

#include <utility>

#include "cudnn/rnn/layer.hpp"
#include "cudnn/rnn/wavefront.hpp"

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

/// Workspace that belongs to a layer: one for all of them, or one each where they may overlap.
class LayerRooms {
 public:
  LayerRooms(int layers, bool one_each, size_t bytes, Arena& arena)
      : done(arena.take<std::atomic<int>>(layers)),
        bytes_(one_each ? bytes : 0),
        block_(arena.take<char>(one_each ? layers * bytes : bytes)) {}

  /// For the Wavefront.
  std::atomic<int>* done;

  Arena of(int layer) const { return Arena(block_ ? block_ + layer * bytes_ : nullptr); }

 private:
  /// From one layer's room to the next.
  size_t bytes_;
  char* block_;
};

/// Workspace of one layer in `forward`.
template <class T>
struct ForwardLayer : InitialStates<T> {
  T* bias[2] = {};
  /// Room for the input matrix.
  T* input[2] = {};
  GateMatrix<T> recurrent[2];
  /// The projection packed for values * P^T.
  PackedMatrix<T> projection[2];
  /// Training: the layer's input after dropout.
  T* dropped[2] = {};
  /// Inference: activations.
  Activations<T> passing;

  ForwardLayer(const RnnShape& shape, const Plan& plan, bool training, Arena& arena)
      : InitialStates<T>(shape, plan, arena) {
    for (int d = 0; d < shape.directions; ++d) {
      input[d] = arena.take<T>(widest_input<T>(shape));
      recurrent[d] = GateMatrix<T>(shape, shape.output, arena);
      if (projects(shape)) projection[d] = PackedMatrix<T>(shape.hidden, shape.output, arena);
      bias[d] = arena.take<T>(gate_width(shape) + shape.hidden);
      if (training && shape.layers > 1 && shape.dropout > 0) {
        dropped[d] = arena.take<T>(plan.tokens() * output_width(shape));
      }
    }
    if (!training) passing = Activations<T>(shape, plan, false, false, arena);
  }

  static size_t bytes(const RnnShape& shape, const Plan& plan, bool training) {
    Arena arena(nullptr);
    ForwardLayer(shape, plan, training, arena);
    return arena.used();
  }
};

/// Workspace of `forward`.
template <class T>
struct ForwardScratch {
  const RnnShape& shape;
  const Plan& plan;
  bool training;
  T* x = nullptr;
  LayerRooms rooms;
  /// Inference: outputs of the layer at work and of the one below, or of all layers.
  T* outputs = nullptr;

  ForwardScratch(const RnnShape& network, const Plan& order, bool trains, Arena& arena)
      : shape(network),
        plan(order),
        training(trains),
        rooms(network.layers, may_overlap<T>(network, order),
              ForwardLayer<T>::bytes(network, order, trains), arena) {
    if (!plan.direct()) x = arena.take<T>(plan.tokens() * shape.input);
    if (!training) outputs = arena.take<T>(outputs_kept() * output_size());
  }

  ForwardLayer<T> layer(int layer) const {
    Arena room = rooms.of(layer);
    return ForwardLayer<T>(shape, plan, training, room);
  }

  T* output(int layer) const { return outputs + layer % outputs_kept() * output_size(); }

 private:
  int outputs_kept() const { return may_overlap<T>(shape, plan) ? shape.layers : 2; }
  int64_t output_size() const { return plan.tokens() * output_width(shape); }
};

/// Workspace of one layer in `backward_data`.
template <class T>
struct BackwardLayer : InitialStates<T> {
  /// Room for the input matrix.
  T* input;
  /// The recurrent matrix packed for gates * R; GRU's candidate apart, as its gradient is.
  PackedMatrix<T> joint[2];
  PackedMatrix<T> candidate[2];
  /// The projection packed for gradients * P, and [batch][hidden] for that product.
  PackedMatrix<T> projection[2];
  T* unprojected[2] = {};
  /// Per direction [batch][..]: the gradients that travel back through time.
  T* dh[2] = {};
  T* dc[2] = {};

  BackwardLayer(const RnnShape& shape, const Plan& plan, Arena& arena)
      : InitialStates<T>(shape, plan, arena), input(arena.take<T>(widest_input<T>(shape))) {
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
  }

  static size_t bytes(const RnnShape& shape, const Plan& plan) {
    Arena arena(nullptr);
    BackwardLayer(shape, plan, arena);
    return arena.used();
  }
};

/// Workspace of `backward_data`.
template <class T>
struct BackwardScratch {
  const RnnShape& shape;
  const Plan& plan;
  T* dy = nullptr;
  T* dx = nullptr;
  LayerRooms rooms;
  /// Gradients of the output of the layer at work and of the one below. Two are enough for layers
  /// that overlap, too: one that writes tokens here comes after the one that reads them.
  T* outputs[2] = {};
  /// Gradient of a layer's input before the dropout mask; for all layers, as `outputs`.
  T* masked = nullptr;
  /// With a projection: [hidden] zeros.
  T* zeros = nullptr;

  BackwardScratch(const RnnShape& network, const Plan& order, Arena& arena)
      : shape(network),
        plan(order),
        rooms(network.layers, may_overlap<T>(network, order),
              BackwardLayer<T>::bytes(network, order), arena) {
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
    if (projects(shape)) zeros = arena.take<T>(shape.hidden);
  }

  BackwardLayer<T> layer(int layer) const {
    Arena room = rooms.of(layer);
    return BackwardLayer<T>(shape, plan, room);
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
