#include "cudnn/rnn/layer.hpp"
#include "cudnn/rnn/scratch.hpp"
#include "gemm/scratch.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {
namespace {

/// What the gates' gradients are multiplied with: one row per token. Without a gradient, nothing.
template <class T>
struct Values {
  int64_t width = 0;
  /// [depth][width], packed for the tokens at hand.
  T* packed = nullptr;
  /// [gates * hidden][width]: where the products are added.
  T* gradient = nullptr;

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
  void add(int64_t row, int64_t rows, const T* left, int64_t deep) const {
    if (!gradient) return;
    const Packed<T>& kernels = cudnn4j::packed<T>();
    const Term<T> term{Rows<T>{left, 1, kernels.rows}, packed, deep, deep * kernels.columns};
    kernels.multiply(rows, width, &term, 1, gradient + row * width, width, true);
  }
};

/// Gradients of one direction of one layer.
template <class T>
struct DirectionGradients {
  const RnnShape& shape;
  const Plan& plan;
  int direction;
  const Activations<T>& stored;
  const T* input;
  const T* output;
  const T* h_initial;
  const LayerWeights<T>& gradients;
  Values<T> inputs;
  Values<T> past;
  Values<T> unprojected;
  T* sums;

  /// Packs the inputs and the previous outputs of the tokens [from, from + deep).
  void pack(int64_t from, int64_t deep) const {
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
  void add_gates(int64_t row, int64_t rows, int64_t from, int64_t deep) const {
    const int64_t joint = joint_gates(shape.cell) * int64_t{shape.hidden};
    const int64_t ld = gate_width(shape);
    add(stored.gates[direction] + from * ld + row, ld, rows, deep, sums + row,
        [&](int64_t i, int64_t height, const T* left) {
          inputs.add(row + i, height, left, deep);
          const int64_t recurrent = std::min(height, joint - row - i);
          if (recurrent > 0) past.add(row + i, recurrent, left, deep);
        });
  }

  /// The same for GRU's candidate, whose recurrent product has a gradient of its own.
  void add_candidate(int64_t row, int64_t rows, int64_t from, int64_t deep) const {
    const int64_t joint = joint_gates(shape.cell) * int64_t{shape.hidden};
    const int64_t ld = shape.hidden;
    add(stored.candidate[direction] + from * ld + row, ld, rows, deep,
        sums + gate_width(shape) + row, [&](int64_t i, int64_t height, const T* left) {
          past.add(joint + row + i, height, left, deep);
        });
  }

  /// Adds what the packed tokens contribute to the projection's rows [row, row + rows).
  void add_projection(int64_t row, int64_t rows, int64_t from, int64_t deep) const {
    const int64_t ld = shape.hidden;
    add(stored.cell[direction] + from * ld + row, ld, rows, deep, static_cast<T*>(nullptr),
        [&](int64_t i, int64_t height, const T* left) {
          unprojected.add(row + i, height, left, deep);
        });
  }

  void add_biases() const {
    const int64_t width = gate_width(shape);
    const int64_t joint = joint_gates(shape.cell) * int64_t{shape.hidden};
    for (int64_t j = 0; j < width; ++j) {
      if (gradients.input_bias) gradients.input_bias[j] += sums[j];
      if (gradients.recurrent_bias) {
        gradients.recurrent_bias[j] += j < joint ? sums[j] : sums[width + j - joint];
      }
    }
  }

 private:
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

template <class T>
void add_gradients(const DirectionGradients<T>& g) {
  const int64_t tokens = g.plan.tokens();
  const int64_t depth = gradient_depth<T>(g.shape);
  const int64_t blocks = (tokens + depth - 1) / depth;
  const int64_t unit = packed<T>().rows;
  std::fill_n(g.sums, gate_width(g.shape) + g.shape.hidden, T(0));
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t from = tokens * block / blocks;
    const int64_t deep = tokens * (block + 1) / blocks - from;
    g.pack(from, deep);
    for_rows(gate_width(g.shape), unit, [&](int64_t row, int64_t rows) {
      g.add_gates(row, rows, from, deep);
    });
    if (g.shape.cell == Cell::Gru) {
      for_rows(g.shape.hidden, unit, [&](int64_t row, int64_t rows) {
        g.add_candidate(row, rows, from, deep);
      });
    }
    if (projects(g.shape)) {
      for_rows(g.shape.output, unit, [&](int64_t row, int64_t rows) {
        g.add_projection(row, rows, from, deep);
      });
    }
  }
  g.add_biases();
}

}  // namespace

template <class T>
void backward_weights(const RnnShape& shape, const Batch& batch, const T* x, const T* hx,
                      const T* y, T* dweights, void* work, void* reserve) noexcept {
  Arena arena(work);
  const Plan plan(batch, arena);
  const WeightsScratch<T> scratch(shape, plan, arena);
  const T* input = x;
  if (!plan.direct()) {
    plan.gather(x, shape.input, scratch.x);
    input = scratch.x;
  }
  for (int layer = 0; layer < shape.layers; ++layer) {
    const Activations<T> stored = stored_layer<T>(shape, plan, layer, Arena(reserve));
    const T* output = stored.output ? stored.output : y;
    for (int d = 0; d < shape.directions; ++d) {
      const LayerWeights<T> gradients(shape, layer, d, dweights);
      const T* from = input;
      if (drops(shape, layer)) {
        apply_mask(shape, plan, stored.kept[d], input, scratch.dropped, false);
        from = scratch.dropped;
      }
      const int64_t state = (static_cast<int64_t>(layer) * shape.directions + d) * plan.batch();
      add_gradients(DirectionGradients<T>{
          shape, plan, d, stored, from, output + d * shape.output,
          scratch.initial(plan, hx, state, shape.output, scratch.h[d]), gradients,
          Values<T>{input_width(shape, layer), scratch.inputs, gradients.input},
          Values<T>{shape.output, scratch.past, gradients.recurrent},
          Values<T>{shape.hidden, scratch.unprojected, gradients.projection}, scratch.sums});
    }
    input = output;
  }
}

size_t workspace_bytes(const RnnShape& shape, const Batch& batch, bool training,
                       size_t element_bytes) {
  const auto measure = [&]<class T>(T) {
    const auto bytes = [&](auto scratch) {
      Arena arena(nullptr);
      const Plan plan(batch, arena);
      scratch(plan, arena);
      return arena.used();
    };
    const size_t ahead = bytes([&](const Plan& plan, Arena& arena) {
      ForwardScratch<T>(shape, plan, training, arena);
    });
    if (!training) return ahead;
    const size_t back = bytes(
        [&](const Plan& plan, Arena& arena) { BackwardScratch<T>(shape, plan, arena); });
    const size_t sums = bytes(
        [&](const Plan& plan, Arena& arena) { WeightsScratch<T>(shape, plan, arena); });
    return std::max({ahead, back, sums});
  };
  return element_bytes == sizeof(double) ? measure(double{}) : measure(float{});
}

size_t reserve_bytes(const RnnShape& shape, const Batch& batch, size_t element_bytes) {
  Arena order(nullptr);
  const Plan plan(batch, order);
  size_t bytes = 0;
  if (element_bytes == sizeof(double)) {
    stored_layer<double>(shape, plan, shape.layers, Arena(nullptr), &bytes);
  } else {
    stored_layer<float>(shape, plan, shape.layers, Arena(nullptr), &bytes);
  }
  return bytes;
}

template void backward_weights<float>(const RnnShape&, const Batch&, const float*, const float*,
                                      const float*, float*, void*, void*) noexcept;
template void backward_weights<double>(const RnnShape&, const Batch&, const double*,
                                       const double*, const double*, double*, void*,
                                       void*) noexcept;

}  // namespace cudnn4j
