#include "cudnn/rnn/layer.hpp"
#include "cudnn/rnn/scratch.hpp"
#include "gemm/gemm.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {
namespace {

/// sums[j] += sum over all tokens of values[token][j].
template <class T>
void add_sums(int64_t tokens, int64_t columns, const T* values, int64_t ld, T* sums) {
  constexpr int64_t elements_per_task = 1 << 16;
  constexpr int64_t unit = 64;
  const int64_t units = (columns + unit - 1) / unit;
  const int64_t tasks = std::clamp<int64_t>(tokens * columns / elements_per_task, 1, units);
  parallel_for(static_cast<int>(tasks), [&](int i) {
    const int64_t from = units * i / tasks * unit;
    const int64_t to = std::min(columns, units * (i + 1) / tasks * unit);
    cell_functions<T>().add_column_sums(tokens, to - from, values + from, ld, sums + from);
  });
}

/// gradient[gates][width] += gates^T * values over some tokens.
template <class T>
void add_product(int64_t tokens, int64_t rows, const T* gates, int64_t gates_ld, int64_t width,
                 const T* values, int64_t values_ld, T* gradient) {
  gemm<T>(true, false, rows, width, tokens, T(1), gates, gates_ld, values, values_ld, T(1),
          gradient, width);
}

/// The previous output of every token, without copying where a shift by one step gives it.
template <class T>
struct Past {
  const RnnShape& shape;
  const Plan& plan;
  int direction;
  const T* output;
  const T* initial;
  T* room;

  /// gradient += gates^T * previous outputs.
  void add_recurrent(int64_t rows, const T* gates, int64_t gates_ld, T* gradient) const {
    const int64_t width = shape.output;
    const int64_t batch = plan.batch();
    const int64_t tokens = plan.tokens();
    const bool equal_lengths = tokens == batch * plan.time();
    if (!equal_lengths) {
      add_product(tokens, rows, gates, gates_ld, width, room, width, gradient);
      return;
    }
    const int64_t start = direction == 0 ? 0 : tokens - batch;
    const T* later = gates + (direction == 0 ? batch * gates_ld : 0);
    const T* earlier = output + (direction == 0 ? 0 : batch * output_width(shape));
    add_product(tokens - batch, rows, later, gates_ld, width, earlier, output_width(shape),
                gradient);
    if (initial) {
      add_product(batch, rows, gates + start * gates_ld, gates_ld, width, initial, width,
                  gradient);
    }
  }

  void prepare() const {
    if (plan.tokens() == plan.batch() * plan.time()) return;
    plan.previous_rows(direction, output, output_width(shape), initial, shape.output, room);
  }
};

}  // namespace

template <class T>
void backward_weights(const RnnShape& shape, const Batch& batch, const T* x, const T* hx,
                      const T* y, T* dweights, void* work, void* reserve) noexcept {
  Arena arena(work);
  const Plan plan(batch, arena);
  const WeightsScratch<T> scratch(shape, plan, arena);
  const int64_t tokens = plan.tokens();
  const int64_t width = gate_width(shape);
  const int64_t joint = joint_gates(shape.cell) * int64_t{shape.hidden};

  const T* input = x;
  if (!plan.direct()) {
    plan.gather(x, shape.input, scratch.x);
    input = scratch.x;
  }
  for (int layer = 0; layer < shape.layers; ++layer) {
    const Activations<T> stored = stored_layer<T>(shape, plan, layer, Arena(reserve));
    const T* output = stored.output ? stored.output : y;
    for (int d = 0; d < shape.directions; ++d) {
      const LayerWeights<T> w(shape, layer, d, dweights);
      const T* gates = stored.gates[d];
      const T* from = input;
      if (drops(shape, layer)) {
        const int64_t count = tokens * output_width(shape);
        cell_functions<T>().drop(count, stored.kept[d], dropout_scale<T>(shape.dropout), input,
                                 scratch.dropped, false);
        from = scratch.dropped;
      }
      const int64_t inputs = input_width(shape, layer);
      add_product(tokens, width, gates, width, inputs, from, inputs, w.input);

      const int64_t state = (static_cast<int64_t>(layer) * shape.directions + d) * plan.batch();
      const T* initial = scratch.initial(plan, hx, state, shape.output, scratch.h[d]);
      const Past<T> past{shape, plan, d, output + d * shape.output, initial, scratch.previous};
      past.prepare();
      past.add_recurrent(joint, gates, width, w.recurrent);
      if (w.input_bias) add_sums(tokens, width, gates, width, w.input_bias);
      if (w.recurrent_bias) add_sums(tokens, joint, gates, width, w.recurrent_bias);
      if (shape.cell == Cell::Gru) {
        const T* candidate = stored.candidate[d];
        past.add_recurrent(shape.hidden, candidate, shape.hidden,
                           w.recurrent + joint * shape.output);
        if (w.recurrent_bias) {
          add_sums(tokens, int64_t{shape.hidden}, candidate, shape.hidden,
                   w.recurrent_bias + joint);
        }
      }
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
