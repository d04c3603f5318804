#include "cudnn/rnn/scratch.hpp"
#include "runtime/memory.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {
namespace {

/// One direction of one layer on its way through time.
template <class T>
struct Walk {
  const RnnShape& shape;
  const Plan& plan;
  int direction;
  /// The layer's input, [tokens][input_ld]; null when its product stands in `gates` already.
  const T* input;
  int64_t input_ld;
  const GateMatrix<T>& input_matrix;
  const GateMatrix<T>& recurrent;
  const T* bias;
  T* gates;
  T* candidate;
  T* cell;
  T* output;
  /// LSTM with a projection: [tokens][hidden], otherwise null, and its matrix.
  T* unprojected;
  const PackedMatrix<T>& projection;
  const T* h_initial;
  const T* c_initial;
  /// Rounds to the type that h is stored in; null: that is T.
  void (*round)(int64_t count, T* values);

  /// Computes the units [first, first + count) of some rows in a step.
  void compute(int step, const Plan::Span& span, int64_t first, int64_t count) const {
    const int64_t hidden = shape.hidden;
    const int64_t width = shape.output;
    const int64_t output_ld = output_width(shape);
    const bool starts = span.before < 0;
    ForwardStep<T> s{};
    s.rows = span.rows;
    s.hidden = hidden;
    s.gates = gates + span.token * gate_width(shape);
    s.bias = bias;
    s.h = unprojected ? unprojected + span.token * hidden : output + span.token * output_ld;
    s.h_ld = unprojected ? hidden : output_ld;
    s.h_before_ld = starts ? width : output_ld;
    if (!starts) {
      s.h_before = output + span.before * output_ld;
    } else if (h_initial) {
      s.h_before = h_initial + span.row * width;
    }
    if (candidate) s.candidate = candidate + span.token * hidden;
    if (cell) {
      s.c = cell + span.token * hidden;
      if (!starts) {
        s.c_before = cell + span.before * hidden;
      } else if (c_initial) {
        s.c_before = c_initial + span.row * hidden;
      }
    }
    multiply(span, s, first, count, step % 2 == 1);
    if (shape.narrow_math) {
      for (int64_t at = first; at < gate_width(shape); at += hidden) {
        round_rows(s.rows, count, s.gates + at, gate_width(shape));
      }
      if (candidate) round_rows(s.rows, count, s.candidate + first, hidden);
    }
    s.narrow(first, count);
    cell_functions<T>().run(shape, s);
    if (cell && shape.narrow_math) round_rows(s.rows, count, s.c, hidden);
    if (unprojected) {
      const Term<T> term = projection.term(s.h, hidden);
      packed<T>().multiply(s.rows, width, &term, 1, output + span.token * output_ld, output_ld,
                           false);
      round_rows(s.rows, width, output + span.token * output_ld, output_ld);
    } else {
      round_rows(s.rows, count, s.h, output_ld);
    }
  }

  void round_rows(int64_t rows, int64_t count, T* values, int64_t ld) const {
    if (!round) return;
    for (int64_t i = 0; i < rows; ++i) round(count, values + i * ld);
  }

  void multiply(const Plan::Span& span, const ForwardStep<T>& s, int64_t first, int64_t count,
                bool backwards) const {
    const int64_t joint = recurrent.joint.columns;
    // All units of the joint gates lie side by side; of a part of them, each gate by itself.
    const int64_t columns = count == s.hidden ? joint : count;
    const int64_t stride = count == s.hidden ? joint : s.hidden;
    const int64_t joint_parts = joint / stride;
    const int64_t parts = joint_parts + (candidate ? 1 : 0);
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t part = backwards ? parts - 1 - i : i;
      if (part < joint_parts) {
        multiply_joint(span, s, first + part * stride, columns, backwards);
      } else {
        multiply_candidate(span, s, first, count, backwards);
      }
    }
  }

  void multiply_joint(const Plan::Span& span, const ForwardStep<T>& s, int64_t at, int64_t columns,
                      bool backwards) const {
    Term<T> terms[2];
    int summands = 0;
    if (input) terms[summands++] = input_matrix.joint.term(input_of(span), input_ld, at);
    if (s.h_before) terms[summands++] = recurrent.joint.term(s.h_before, s.h_before_ld, at);
    if (summands == 0) return;
    packed<T>().multiply(s.rows, columns, terms, summands, s.gates + at, gate_width(shape), !input,
                         backwards);
  }

  void multiply_candidate(const Plan::Span& span, const ForwardStep<T>& s, int64_t first,
                          int64_t count, bool backwards) const {
    if (input) {
      const Term<T> term = input_matrix.candidate.term(input_of(span), input_ld, first);
      packed<T>().multiply(s.rows, count, &term, 1, s.gates + recurrent.joint.columns + first,
                           gate_width(shape), false, backwards);
    }
    if (s.h_before) {
      const Term<T> term = recurrent.candidate.term(s.h_before, s.h_before_ld, first);
      packed<T>().multiply(s.rows, count, &term, 1, s.candidate + first, s.hidden, false,
                           backwards);
    } else {
      for (int64_t i = 0; i < s.rows; ++i) {
        std::fill_n(s.candidate + i * s.hidden + first, count, T(0));
      }
    }
  }

  const T* input_of(const Plan::Span& span) const { return input + span.token * input_ld; }

  int time_of(int step) const { return direction == 0 ? step : plan.time() - 1 - step; }

  /// The steps [first, end) of the rows [from, to).
  void run(int64_t from, int64_t to, int first, int end) const {
    for (int i = first; i < end; ++i) {
      plan.spans(direction, time_of(i), from, to,
                 [&](const Plan::Span& span) { compute(i, span, 0, shape.hidden); });
    }
  }

  int steps() const { return plan.time(); }

  void step(int i, int64_t first, int64_t count) const {
    plan.spans(direction, time_of(i), 0, plan.batch(),
               [&](const Plan::Span& span) { compute(i, span, first, count); });
  }
};

/// The sum of the biases that every gate adds, then GRU's recurrent bias of the candidate.
template <class S, class T>
void join_biases(const RnnShape& shape, const LayerWeights<const S>& weights, T* joined) {
  const int64_t hidden = shape.hidden;
  const int64_t width = gate_width(shape);
  const int64_t joint = joint_gates(shape.cell) * hidden;
  const S* input = weights.input_bias;
  const S* recurrent = weights.recurrent_bias;
  for (int64_t j = 0; j < width; ++j) {
    joined[j] = (input ? T(input[j]) : T(0)) + (recurrent && j < joint ? T(recurrent[j]) : T(0));
  }
  for (int64_t j = joint; j < width; ++j) {
    joined[width + j - joint] = recurrent ? T(recurrent[j]) : T(0);
  }
}

/// Gives every gate the input itself, where there is no input matrix.
template <class T>
void repeat_input(const RnnShape& shape, const Plan& plan, const T* input, T* gates) {
  constexpr int64_t chunk = 64;
  const int64_t tokens = plan.tokens();
  const int64_t width = shape.input;
  const int count = cudnn4j::gates(shape.cell);
  parallel_for(static_cast<int>((tokens + chunk - 1) / chunk), [&](int i) {
    const int64_t end = std::min((i + 1) * chunk, tokens);
    for (int64_t token = i * chunk; token < end; ++token) {
      for (int gate = 0; gate < count; ++gate) {
        std::copy_n(input + token * width, width, gates + (token * count + gate) * width);
      }
    }
  });
}

/// Draws the mask of one direction's input, elements [first, ..) of the stream.
void draw_mask(const RnnShape& shape, const Plan& plan, const DropoutStream& stream,
               uint64_t first, uint8_t* kept) {
  constexpr int64_t chunk = 1 << 14;
  const int64_t count = plan.tokens() * output_width(shape);
  parallel_for(static_cast<int>((count + chunk - 1) / chunk), [&](int i) {
    const int64_t from = i * chunk;
    dropout_mask(stream, shape.dropout, first + static_cast<uint64_t>(from),
                 std::min(chunk, count - from), kept + from);
  });
}

}  // namespace

template <class S>
void forward(const RnnShape& shape, const Batch& batch, const S* x, S* y, const S* hx, S* hy,
             const S* cx, S* cy, const S* weights, void* work, void* reserve,
             void* dropout_state) noexcept {
  using T = Computed<S>;
  void (*round)(int64_t, T*) = nullptr;
  if constexpr (is_narrow<S>) round = conversions<S>().round;
  Arena arena(work);
  const Plan plan(batch, arena, is_narrow<S>);
  const bool training = reserve != nullptr;
  const ForwardScratch<T> scratch(shape, plan, training, arena);
  const int64_t tokens = plan.tokens();
  const int64_t hidden = shape.hidden;
  const int64_t masked = tokens * output_width(shape);
  const int directions = shape.directions;
  const Range all_weights{weights, static_cast<size_t>(weight_elements(shape)) * sizeof(S)};
  const Sharing sharing = choose_sharing<T>(shape, plan, read_only(all_weights));
  const Wavefront wavefront(shape, plan, choose_parts<T>(shape, plan, sharing), scratch.rooms.done);

  DropoutStream stream{};
  if (training && shape.layers > 1 && shape.dropout > 0) {
    const uint64_t masks = static_cast<uint64_t>(shape.layers - 1) * directions;
    stream = take(static_cast<DropoutStream*>(dropout_state), masks * masked);
  }

  if (shape.cell != Cell::Lstm) cx = nullptr;
  const T* const bottom = plan.planned(x, shape.input, scratch.x);
  const auto output_of = [&](int layer) {
    if (layer == shape.layers - 1 && plan.direct()) return Plan::in_place(y);
    return training ? stored_layer<T>(shape, plan, layer, Arena(reserve)).output
                    : scratch.output(layer);
  };
  wavefront.run([&](int layer) {
    const ForwardLayer<T> room = scratch.layer(layer);
    const Activations<T> kept = training ? stored_layer<T>(shape, plan, layer, Arena(reserve))
                                         : room.passing;
    const T* input = layer == 0 ? bottom : output_of(layer - 1);
    T* output = output_of(layer);

    const T* h_initial[2] = {};
    const T* c_initial[2] = {};
    GateMatrix<T> input_matrix[2];
    GateMatrix<T> recurrent[2];
    PackedMatrix<T> projection[2];
    const bool masks = training && drops(shape, layer);
    const bool by_step = input_by_step<T>(shape, plan, layer);
    const int64_t width = input_width(shape, layer);
    for (int d = 0; d < directions; ++d) {
      const LayerWeights<const S> w(shape, layer, d, weights);
      const int64_t pseudo_layer = static_cast<int64_t>(layer) * directions + d;
      const int64_t state = pseudo_layer * plan.batch();
      h_initial[d] = room.initial(plan, hx, state, shape.output, room.h[d]);
      c_initial[d] = room.initial(plan, cx, state, hidden, room.c[d]);
      join_biases(shape, w, room.bias[d]);
      const bool by_rows = sharing.row_groups > 1;
      recurrent[d] = room.recurrent[d].filled(w.recurrent, plan.batch(), plan.time(), by_rows);
      if (projects(shape)) projection[d] = room.projection[d].filled(w.projection);
      if (skips(shape, layer)) {
        repeat_input(shape, plan, input, kept.gates[d]);
        continue;
      }
      Arena matrix(room.input[d]);
      const GateMatrix<T> input_room(shape, width, matrix);
      if (by_step) {
        input_matrix[d] = input_room.filled(w.input, plan.batch(), plan.time(), by_rows);
      } else {
        const int parts = wavefront.parts();
        input_matrix[d] = input_room.filled(w.input, tokens / parts, parts, false);
      }
      if (masks) {
        draw_mask(shape, plan, stream, static_cast<uint64_t>((pseudo_layer - directions) * masked),
                  kept.kept[d]);
      }
    }

    const auto walk = [&](int d) {
      return Walk<T>{shape,
                     plan,
                     d,
                     !by_step ? nullptr : masks ? room.dropped[d] : input,
                     width,
                     input_matrix[d],
                     recurrent[d],
                     room.bias[d],
                     kept.gates[d],
                     kept.candidate[d],
                     kept.cell[d],
                     output + d * shape.output,
                     kept.unprojected[d],
                     projection[d],
                     h_initial[d],
                     c_initial[d],
                     round};
    };
    wavefront.follow(layer, [&](int first, int end) {
      const int64_t from = plan.offset(first);
      const int64_t count = plan.offset(end) - from;
      for (int d = 0; d < directions && !skips(shape, layer); ++d) {
        const T* in = input + from * width;
        if (masks) {
          T* dropped = room.dropped[d] + from * width;
          apply_mask(shape, count * width, kept.kept[d] + from * width, in, dropped, false);
          in = dropped;
        }
        if (by_step) continue;
        const auto& [joint, candidate] = input_matrix[d];
        const int64_t ld = gate_width(shape);
        T* gates = kept.gates[d] + from * ld;
        joint.multiply_all(count, in, width, gates, ld, false);
        if (candidate.data) {
          candidate.multiply_all(count, in, width, gates + joint.columns, ld, false);
        }
      }
      if (wavefront.overlaps()) {
        walk(0).run(0, plan.batch(), first, end);
      } else {
        sharing.run(shape, plan, walk);
      }
    });

    for (int d = 0; d < directions; ++d) {
      const int64_t state = (static_cast<int64_t>(layer) * directions + d) * plan.batch();
      if (hy) {
        plan.final_rows(d, output + d * shape.output, output_width(shape), h_initial[d],
                        shape.output, hy + state * shape.output);
      }
      if (cy && shape.cell == Cell::Lstm) {
        plan.final_rows(d, kept.cell[d], hidden, c_initial[d], hidden, cy + state * hidden);
      }
    }
  });
  if (!plan.direct()) plan.scatter(output_of(shape.layers - 1), output_width(shape), y);
  plan.fill_padding(output_width(shape), y);
}

#define CUDNN4J_INSTANTIATE(S)                                                                   \
  template void forward<S>(const RnnShape&, const Batch&, const S*, S*, const S*, S*, const S*, \
                           S*, const S*, void*, void*, void*) noexcept;
CUDNN4J_INSTANTIATE(float)
CUDNN4J_INSTANTIATE(double)
CUDNN4J_INSTANTIATE(Half)
CUDNN4J_INSTANTIATE(BFloat16)
#undef CUDNN4J_INSTANTIATE

}  // namespace cudnn4j
