#pragma once

#include "cudnn/rnn/cells.hpp"
#include "cudnn/rnn/plan.hpp"
#include "gemm/packed.hpp"

namespace cudnn4j {

inline int64_t input_width(const RnnShape& shape, int layer) {
  return layer == 0 ? shape.input : static_cast<int64_t>(shape.directions) * shape.output;
}

inline int64_t gate_width(const RnnShape& shape) {
  return static_cast<int64_t>(gates(shape.cell)) * shape.hidden;
}

/// Width of what one token of a layer puts out, both directions together.
inline int64_t output_width(const RnnShape& shape) {
  return static_cast<int64_t>(shape.directions) * shape.output;
}

/// Whether h is a projection of what the cell puts out.
inline bool projects(const RnnShape& shape) { return shape.output != shape.hidden; }

/// Whether every gate of a layer receives the input as it is, without a matrix.
inline bool skips(const RnnShape& shape, int layer) { return layer == 0 && shape.skip_input; }

inline bool drops(const RnnShape& shape, int layer) { return layer > 0 && shape.dropout > 0; }

/// GRU's candidate keeps its recurrent product apart from its input product; the other gates add
/// both. So the recurrent matrix is multiplied in two parts: `joint` gates and the rest.
inline int joint_gates(Cell cell) { return cell == Cell::Gru ? 2 : gates(cell); }

/// What a layer leaves for the backward pass, per direction: [tokens][..] in the plan's order.
template <class T>
struct Activations {
  T* gates[2] = {};
  /// GRU: the candidate's recurrent sum.
  T* candidate[2] = {};
  /// LSTM: the cell states; once differentiated, with a projection, the first `output` elements
  /// of each are the gradient of h.
  T* cell[2] = {};
  /// LSTM with a projection: what is projected.
  T* unprojected[2] = {};
  /// Dropout: which elements of the layer's input were kept.
  uint8_t* kept[2] = {};
  /// Both directions' outputs side by side; null when the caller's y holds them.
  T* output = nullptr;

  Activations() = default;
  Activations(const RnnShape& shape, const Plan& plan, bool with_kept, bool with_output,
              Arena& arena) {
    const int64_t tokens = plan.tokens();
    for (int d = 0; d < shape.directions; ++d) {
      gates[d] = arena.take<T>(tokens * gate_width(shape));
      if (shape.cell == Cell::Gru) candidate[d] = arena.take<T>(tokens * shape.hidden);
      if (shape.cell == Cell::Lstm) cell[d] = arena.take<T>(tokens * shape.hidden);
      if (projects(shape)) unprojected[d] = arena.take<T>(tokens * shape.hidden);
      if (with_kept) kept[d] = arena.take<uint8_t>(tokens * output_width(shape));
    }
    if (with_output) output = arena.take<T>(tokens * output_width(shape));
  }
};

/// The part of the reserve that belongs to one layer. With layer = layers the arena ends up
/// having measured the whole reserve.
template <class T>
Activations<T> stored_layer(const RnnShape& shape, const Plan& plan, int layer, Arena arena,
                            size_t* bytes = nullptr) {
  Activations<T> stored;
  for (int l = 0; l <= layer && l < shape.layers; ++l) {
    const bool last = l == shape.layers - 1;
    stored = Activations<T>(shape, plan, drops(shape, l), !last || !plan.direct(), arena);
  }
  if (bytes) *bytes = arena.used();
  return stored;
}

/// Matrices and biases of one direction of one layer, in the weight space or in its gradient.
template <class T>
struct LayerWeights {
  /// [gates * hidden][input_width] or null, [gates * hidden][output]: the gates' matrices stacked.
  T* input;
  T* recurrent;
  /// [output][hidden], or null.
  T* projection;
  /// [gates * hidden], or null.
  T* input_bias;
  T* recurrent_bias;

  LayerWeights(const RnnShape& shape, int layer, int direction, T* space) {
    const int pseudo_layer = layer * shape.directions + direction;
    const WeightSlot first = *weight_slot(shape, pseudo_layer, 0);
    const WeightSlot second = *weight_slot(shape, pseudo_layer, gates(shape.cell));
    const auto last = weight_slot(shape, pseudo_layer, 2 * gates(shape.cell));
    input = first.matrix_offset < 0 ? nullptr : space + first.matrix_offset;
    recurrent = space + second.matrix_offset;
    projection = last ? space + last->matrix_offset : nullptr;
    input_bias = first.bias_offset < 0 ? nullptr : space + first.bias_offset;
    recurrent_bias = second.bias_offset < 0 ? nullptr : space + second.bias_offset;
  }
};

/// A packed right operand and its size.
template <class T>
struct PackedMatrix {
  T* data = nullptr;
  int64_t depth = 0;
  int64_t columns = 0;
  /// What is used instead of `data`: [columns][depth], as it is in the weight space; or null.
  const T* unpacked = nullptr;
  /// Whether `unpacked` is packed panel by panel while it is multiplied. A panel's room is in `data`
  /// where the product's first column has its place, so products of other columns do not disturb.
  bool packs_later = false;

  PackedMatrix() = default;
  PackedMatrix(int64_t k, int64_t n, Arena& arena)
      : data(arena.take<T>(packed<T>().size(k, n))), depth(k), columns(n) {}

  /// Fills it from a row-major matrix, given transposed as [n, k] or plainly as [k, n].
  template <class S>
  void fill(bool transposed, const S* source, int64_t ld) const;

  /// The matrix given transposed as [n, k] in memory that is read-only: packed once, for all calls.
  /// Without data if that memory is not read-only, or none is left.
  template <class S>
  PackedMatrix kept(const S* source) const;

  /// That, or this filled from the matrix.
  template <class S>
  PackedMatrix filled(const S* source) const {
    const PackedMatrix found = kept(source);
    if (found.data) return found;
    fill(true, source, depth);
    return *this;
  }

  /// The elements of a matrix of this size as numbers of type T, in `data` if they have another.
  template <class S>
  const T* widened(const S* source) const {
    if constexpr (is_narrow<S>) {
      convert(depth * columns, source, data);
      return data;
    } else {
      return source;
    }
  }

  /// The product of some rows and the columns from `column` on, where a panel must start.
  Term<T> term(const T* a, int64_t lda, int64_t column = 0) const {
    if (unpacked) {
      T* const room = packs_later ? data + column * depth : nullptr;
      return {Left<T>{a, lda}, unpacked + column * depth, depth, 0, depth, room};
    }
    return {Left<T>{a, lda}, data + column * depth, depth, depth * packed<T>().columns};
  }

  /// C[rows, columns] = A * this, or added to C, split over the pool.
  void multiply_all(int64_t rows, const T* a, int64_t lda, T* c, int64_t ldc, bool add) const;
};

/// The stacked matrices of all gates, [gates * hidden][width], packed for values * M^T (forward)
/// in the two parts that `joint_gates` describes.
template <class T>
struct GateMatrix {
  PackedMatrix<T> joint;
  PackedMatrix<T> candidate;

  GateMatrix() = default;
  GateMatrix(const RnnShape& shape, int64_t width, Arena& arena)
      : joint(width, joint_gates(shape.cell) * int64_t{shape.hidden}, arena) {
    if (shape.cell == Cell::Gru) candidate = PackedMatrix<T>(width, shape.hidden, arena);
  }

  /// The matrices for `times` products with `rows` rows each: as they were packed before, where they
  /// are read-only; else packed into the room of this, or as they are. Packing takes as long as what
  /// it saves in some rows; it saves nothing when a few rows wait for more weights than the
  /// last-level cache holds. For a single product that nobody shares by rows, a panel is packed when
  /// it is needed.
  template <class S>
  GateMatrix filled(const S* stacked, int64_t rows, int64_t times, bool by_rows) const {
    constexpr int64_t cached = (16 << 20) / sizeof(T);
    const int64_t joint_elements = joint.columns * joint.depth;
    GateMatrix filled;
    filled.joint = joint.kept(stacked);
    if (candidate.data) filled.candidate = candidate.kept(stacked + joint_elements);
    if (filled.joint.data && (filled.candidate.data || !candidate.data)) return filled;
    filled = *this;
    const int64_t enough = std::min<int64_t>(32, joint_elements / 4096);
    const bool as_it_is = rows * times <= enough || (rows <= 4 && joint_elements > cached);
    const bool later = !as_it_is && times == 1 && !by_rows && !is_narrow<S>;
    if (as_it_is || later) {
      filled.joint.unpacked = joint.widened(stacked);
      if (candidate.data) filled.candidate.unpacked = candidate.widened(stacked + joint_elements);
      filled.joint.packs_later = filled.candidate.packs_later = later;
      return filled;
    }
    joint.fill(true, stacked, joint.depth);
    if (candidate.data) candidate.fill(true, stacked + joint_elements, joint.depth);
    return filled;
  }
};

/// Whether each time step multiplies its own input: while what it needs is at hand, if a layer's
/// input matrix is small enough to stay in the cache beside the recurrent one, and a step has rows
/// enough to be worth reading it. Otherwise one product over all time steps reads it only once.
template <class T>
bool input_by_step(const RnnShape& shape, const Plan& plan, int layer) {
  constexpr int64_t limit = 1 << 19;
  if (skips(shape, layer) || plan.tokens() < plan.time() * packed<T>().rows) return false;
  return input_width(shape, layer) * gate_width(shape) * int64_t{sizeof(T)} <= limit;
}

/// out = the kept ones of `count` elements of a layer's input, scaled, and 0 elsewhere; or that
/// added to out.
template <class T>
void apply_mask(const RnnShape& shape, int64_t count, const uint8_t* kept, const T* in, T* out,
                bool add);

}  // namespace cudnn4j
