#include "cudnn/rnn/layer.hpp"
#include "cudnn/rnn/scratch.hpp"
#include "gemm/scratch.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {
namespace {

/// sums += gradients, rounded once.
template <class S>
void add_rounded(int64_t count, const float* gradients, S* sums) {
  constexpr int64_t piece = 1024;
  float wide[piece];
  for (int64_t at = 0; at < count; at += piece) {
    const int64_t width = std::min(piece, count - at);
    convert(width, sums + at, wide);
    for (int64_t i = 0; i < width; ++i) wide[i] += gradients[at + i];
    convert(width, wide, sums + at);
  }
}

/// The tokens [from, from + deep) of all, whose contribution is added at a time.
struct Block {
  int64_t from;
  int64_t deep;
  bool first;
  bool last;
};

/// What the gates' gradients are multiplied with: one row per token. Without a gradient, nothing.
template <class S>
struct Values {
  using T = Computed<S>;

  int64_t width = 0;
  /// [depth][width], packed for the tokens at hand.
  T* packed = nullptr;
  /// [gates * hidden][width]: where the products are added.
  S* gradient = nullptr;
  /// Narrow S: as large, where they are summed before; null when there is but one block.
  T* sums = nullptr;

  /// Packs rows for the tokens from `place` on, of `deep` tokens altogether.
  void pack(int64_t place, int64_t rows, const T* values, int64_t ld, int64_t deep) const {
    const Packed<T>& kernels = cudnn4j::packed<T>();
    if (!gradient) return;
    if (values) {
      kernels.pack(false, rows, width, T(1), values, ld, packed + place * kernels.columns,
                   deep * kernels.columns);
      return;
    }
    for (int64_t column = 0; column < width; column += kernels.columns) {
      std::fill_n(packed + column * deep + place * kernels.columns, rows * kernels.columns, T(0));
    }
  }

  /// gradient[row, row + rows) += left^T * packed.
  void add(int64_t row, int64_t rows, const T* left, const Block& block) const {
    if (!gradient) return;
    const Packed<T>& kernels = cudnn4j::packed<T>();
    const Term<T> term{Left<T>{left, 0}, packed, block.deep,
                       block.deep * kernels.columns};
    S* const out = gradient + row * width;
    if constexpr (is_narrow<S>) {
      static thread_local Scratch<T> scratch;
      T* const sum = sums ? sums + row * width : scratch.reserve(rows * width);
      kernels.multiply(rows, width, &term, 1, sum, width, !block.first);
      if (block.last) add_rounded(rows * width, sum, out);
    } else {
      kernels.multiply(rows, width, &term, 1, out, width, true);
    }
  }
};

/// Gradients of one direction of one layer.
template <class S>
struct DirectionGradients {
  using T = Computed<S>;

  const RnnShape& shape;
  const Plan& plan;
  int direction;
  const Activations<T>& stored;
  const T* input;
  const T* output;
  const T* h_initial;
  const LayerWeights<S>& gradients;
  Values<S> inputs;
  Values<S> past;
  Values<S> unprojected;
  T* sums;

  /// Packs the inputs and the previous outputs of a block.
  void pack(const Block& block) const {
    const int64_t from = block.from;
    const int64_t deep = block.deep;
    constexpr int64_t tokens_per_task = 64;
    const int tasks = static_cast<int>((deep + tokens_per_task - 1) / tokens_per_task);
    parallel_for(tasks, [&](int i) {
      const int64_t begin = from + i * tokens_per_task;
      const int64_t end = std::min(begin + tokens_per_task, from + deep);
      inputs.pack(begin - from, end - begin, input + begin * inputs.width, inputs.width, deep);
      pack_past(from, begin, end, deep);
      const int64_t hidden = shape.hidden;
      const T* values = stored.unprojected[direction];
      if (values) {
        unprojected.pack(begin - from, end - begin, values + begin * hidden, hidden, deep);
      }
    });
  }

  /// Adds what the packed tokens contribute to the gates' rows [row, row + rows).
  void add_gates(int64_t row, int64_t rows, const Block& block) const {
    const int64_t joint = joint_gates(shape.cell) * int64_t{shape.hidden};
    const int64_t ld = gate_width(shape);
    add(stored.gates[direction] + block.from * ld + row, ld, rows, block.deep, sums + row,
        [&](int64_t i, int64_t height, const T* left) {
          inputs.add(row + i, height, left, block);
          const int64_t recurrent = std::min(height, joint - row - i);
          if (recurrent > 0) past.add(row + i, recurrent, left, block);
        });
  }

  /// The same for GRU's candidate, whose recurrent product has a gradient of its own.
  void add_candidate(int64_t row, int64_t rows, const Block& block) const {
    const int64_t joint = joint_gates(shape.cell) * int64_t{shape.hidden};
    const int64_t ld = shape.hidden;
    add(stored.candidate[direction] + block.from * ld + row, ld, rows, block.deep,
        sums + gate_width(shape) + row, [&](int64_t i, int64_t height, const T* left) {
          past.add(joint + row + i, height, left, block);
        });
  }

  /// Adds what the packed tokens contribute to the projection's rows [row, row + rows).
  void add_projection(int64_t row, int64_t rows, const Block& block) const {
    const int64_t ld = shape.hidden;
    add(stored.cell[direction] + block.from * ld + row, ld, rows, block.deep, static_cast<T*>(nullptr),
        [&](int64_t i, int64_t height, const T* left) {
          unprojected.add(row + i, height, left, block);
        });
  }

  void add_biases() const {
    const int64_t width = gate_width(shape);
    const int64_t joint = joint_gates(shape.cell) * int64_t{shape.hidden};
    for (int64_t j = 0; j < width; ++j) {
      if (gradients.input_bias) add_to(gradients.input_bias[j], sums[j]);
      if (gradients.recurrent_bias) {
        add_to(gradients.recurrent_bias[j], j < joint ? sums[j] : sums[width + j - joint]);
      }
    }
  }

 private:
  static void add_to(S& gradient, T value) { gradient = S(static_cast<T>(gradient) + value); }

  void pack_past(int64_t from, int64_t begin, int64_t end, int64_t deep) const {
    const int64_t output_ld = output_width(shape);
    const int64_t width = shape.output;
    for (int t = plan.step_of(begin); t < plan.time() && plan.offset(t) < end; ++t) {
      const int64_t first = std::max(begin - plan.offset(t), int64_t{0});
      plan.spans(direction, t, first, end - plan.offset(t), [&](const Plan::Span& span) {
        const int64_t place = span.token - from;
        if (span.before >= 0) {
          past.pack(place, span.rows, output + span.before * output_ld, output_ld, deep);
        } else {
          const T* rows = h_initial ? h_initial + span.row * width : nullptr;
          past.pack(place, span.rows, rows, width, deep);
        }
      });
    }
  }

  /// Packs the transpose of some columns of a matrix and calls f for each register block of it.
  template <class F>
  static void add(const T* values, int64_t ld, int64_t rows, int64_t deep, T* sums, F&& f) {
    static thread_local Scratch<T> scratch;
    const int64_t unit = packed<T>().rows;
    T* left = scratch.reserve((rows + unit) * deep);
    packed<T>().pack_left(deep, rows, values, ld, left, sums);
    for (int64_t i = 0; i < rows; i += unit) f(i, std::min(unit, rows - i), left + i * deep);
  }
};

/// Runs f(row, rows) over the rows [0, count) on the pool.
template <class F>
void for_rows(int64_t count, int64_t unit, F&& f) {
  const int64_t rows = rows_per_task(count, unit, gradient_rows, pool_threads());
  parallel_for(static_cast<int>((count + rows - 1) / rows), [&](int i) {
    f(i * rows, std::min(rows, count - i * rows));
  });
}

template <class S>
void add_gradients(const DirectionGradients<S>& g) {
  using T = Computed<S>;
  const int64_t tokens = g.plan.tokens();
  const int64_t blocks = gradient_blocks<T>(g.shape, tokens);
  const int64_t unit = packed<T>().rows;
  std::fill_n(g.sums, gate_width(g.shape) + g.shape.hidden, T(0));
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t from = tokens * i / blocks;
    const Block block{from, tokens * (i + 1) / blocks - from, i == 0, i == blocks - 1};
    g.pack(block);
    for_rows(gate_width(g.shape), unit, [&](int64_t row, int64_t rows) {
      g.add_gates(row, rows, block);
    });
    if (g.shape.cell == Cell::Gru) {
      for_rows(g.shape.hidden, unit, [&](int64_t row, int64_t rows) {
        g.add_candidate(row, rows, block);
      });
    }
    if (projects(g.shape)) {
      for_rows(g.shape.output, unit, [&](int64_t row, int64_t rows) {
        g.add_projection(row, rows, block);
      });
    }
  }
  g.add_biases();
}

}  // namespace

template <class S>
void backward_weights(const RnnShape& shape, const Batch& batch, const S* x, const S* hx,
                      const S* y, S* dweights, void* work, void* reserve) {
  using T = Computed<S>;
  Arena arena(work);
  const Plan plan(batch, arena, is_narrow<S>);
  const WeightsScratch<T> scratch(shape, plan, is_narrow<S>, arena);
  const T* input = plan.planned(x, shape.input, scratch.x);
  // Where the sums of a matrix's gradient lie; they exist for several blocks of tokens only.
  const auto sums = [&](const S* gradient) {
    return scratch.gradients && gradient ? scratch.gradients + (gradient - dweights) : nullptr;
  };
  for (int layer = 0; layer < shape.layers; ++layer) {
    const Activations<T> stored = stored_layer<T>(shape, plan, layer, Arena(reserve));
    const T* output = stored.output ? stored.output : Plan::in_place(y);
    for (int d = 0; d < shape.directions; ++d) {
      const LayerWeights<S> gradients(shape, layer, d, dweights);
      const T* from = input;
      if (drops(shape, layer)) {
        const int64_t count = plan.tokens() * output_width(shape);
        apply_mask(shape, count, stored.kept[d], input, scratch.dropped, false);
        from = scratch.dropped;
      }
      const int64_t state = (static_cast<int64_t>(layer) * shape.directions + d) * plan.batch();
      add_gradients(DirectionGradients<S>{
          shape, plan, d, stored, from, output + d * shape.output,
          scratch.initial(plan, hx, state, shape.output, scratch.h[d]), gradients,
          Values<S>{input_width(shape, layer), scratch.inputs, gradients.input,
                    sums(gradients.input)},
          Values<S>{shape.output, scratch.past, gradients.recurrent, sums(gradients.recurrent)},
          Values<S>{shape.hidden, scratch.unprojected, gradients.projection,
                    sums(gradients.projection)},
          scratch.sums});
    }
    input = output;
  }
}

#define CUDNN4J_INSTANTIATE(S)                                                                 \
  template void backward_weights<S>(const RnnShape&, const Batch&, const S*, const S*,         \
                                    const S*, S*, void*, void*);
CUDNN4J_INSTANTIATE(float)
CUDNN4J_INSTANTIATE(double)
CUDNN4J_INSTANTIATE(Half)
CUDNN4J_INSTANTIATE(BFloat16)
#undef CUDNN4J_INSTANTIATE

}  // namespace cudnn4j
