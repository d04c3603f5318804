#include "cudnn/rnn/scratch.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {
namespace {

/// One direction of one layer on its way back through time.
template <class T>
struct WalkBack {
  const RnnShape& shape;
  const Plan& plan;
  int direction;
  const PackedMatrix<T>& joint;
  const PackedMatrix<T>& candidate;
  const Activations<T>& stored;
  const T* output;
  const T* h_initial;
  const T* c_initial;
  const T* dy;
  T* dh;
  T* dc;
  /// Whether the gradient of the initial output is wanted.
  bool to_start;
  /// Where each step puts its input's gradient, [tokens][input]; null: not step by step.
  T* dx;
  const PackedMatrix<T>& input_matrix;
  /// With a projection: its matrix, room for [batch][hidden], and [hidden] zeros.
  const PackedMatrix<T>& projection;
  T* unprojected;
  const T* zeros;

  /// Turns the activations of some rows at one time into gradients.
  void differentiate(const Plan::Span& span, int64_t first, int64_t count) const {
    const int64_t hidden = shape.hidden;
    const int64_t width = shape.output;
    const int64_t output_ld = output_width(shape);
    const bool starts = span.before < 0;
    BackwardStep<T> s{};
    s.rows = span.rows;
    s.hidden = hidden;
    s.gates = gates(span);
    s.h_before_ld = starts ? width : output_ld;
    if (!starts) {
      s.h_before = output + span.before * output_ld;
    } else if (h_initial) {
      s.h_before = h_initial + span.row * width;
    }
    if (shape.cell == Cell::Gru) s.candidate = stored.candidate[direction] + span.token * hidden;
    if (shape.cell == Cell::Lstm) {
      const T* cells = stored.cell[direction];
      s.c = cells + span.token * hidden;
      if (!starts) {
        s.c_before = cells + span.before * hidden;
      } else if (c_initial) {
        s.c_before = c_initial + span.row * hidden;
      }
    }
    s.dy = dy + span.token * output_ld;
    s.dy_ld = output_ld;
    s.dh = dh + span.row * width;
    s.dc = dc + span.row * hidden;
    if (unprojected) {
      unproject(span);
      s.dh = unprojected + span.row * hidden;
      s.dy = zeros;
      s.dy_ld = 0;
    }
    s.narrow(first, count);
    cell_functions<T>().run(shape, s);
    if (unprojected) keep_arrived(span);
  }

  /// Adds dy to the gradient that came from the later step, and passes the sum back through the
  /// projection.
  void unproject(const Plan::Span& span) const {
    const int64_t width = shape.output;
    const int64_t output_ld = output_width(shape);
    T* arrived = dh + span.row * width;
    const T* outer = dy + span.token * output_ld;
    for (int64_t i = 0; i < span.rows; ++i) {
      for (int64_t j = 0; j < width; ++j) arrived[i * width + j] += outer[i * output_ld + j];
    }
    const Term<T> term = projection.term(arrived, width);
    packed<T>().multiply(span.rows, shape.hidden, &term, 1, unprojected + span.row * shape.hidden,
                         shape.hidden, false);
  }

  /// Leaves the gradient of h for the projection's gradient in place of the cell state, which
  /// nobody reads any more.
  void keep_arrived(const Plan::Span& span) const {
    const int64_t width = shape.output;
    for (int64_t i = 0; i < span.rows; ++i) {
      std::copy_n(dh + (span.row + i) * width, width,
                  stored.cell[direction] + (span.token + i) * shape.hidden);
    }
  }

  /// Carries the gradients of some rows back to their previous outputs.
  void carry(int step, const Plan::Span& span, int64_t first, int64_t count) const {
    if (span.before < 0 && !to_start) return;
    Term<T> terms[2] = {joint.term(gates(span), gate_width(shape), first)};
    const bool gru = shape.cell == Cell::Gru;
    if (gru) {
      const T* from = stored.candidate[direction] + span.token * shape.hidden;
      terms[1] = candidate.term(from, shape.hidden, first);
    }
    packed<T>().multiply(span.rows, count, terms, gru ? 2 : 1,
                         dh + span.row * shape.output + first, shape.output, gru, step % 2 == 1);
  }

  void multiply_input(const Plan::Span& span) const {
    const int64_t inputs = input_matrix.columns;
    const Term<T> term = input_matrix.term(gates(span), gate_width(shape));
    packed<T>().multiply(span.rows, inputs, &term, 1, dx + span.token * inputs, inputs, false);
  }

  T* gates(const Plan::Span& span) const {
    return stored.gates[direction] + span.token * gate_width(shape);
  }

  int time_of(int step) const { return direction == 0 ? plan.time() - 1 - step : step; }

  /// The steps [first, end) of the rows [from, to).
  void run(int64_t from, int64_t to, int first, int end) const {
    for (int i = first; i < end; ++i) {
      plan.spans(direction, time_of(i), from, to, [&](const Plan::Span& span) {
        differentiate(span, 0, shape.hidden);
        if (dx) multiply_input(span);
        carry(i, span, 0, shape.output);
      });
    }
  }

  int steps() const { return plan.time() + 1; }

  /// What step i - 1 carries back to these units, and then their part of step i.
  void step(int i, int64_t first, int64_t count) const {
    const int64_t rows = plan.batch();
    if (i > 0) {
      plan.spans(direction, time_of(i - 1), 0, rows,
                 [&](const Plan::Span& span) { carry(i - 1, span, first, count); });
    }
    if (i < plan.time()) {
      plan.spans(direction, time_of(i), 0, rows,
                 [&](const Plan::Span& span) { differentiate(span, first, count); });
    }
  }
};

template <class S, class T>
void start_gradient(const Plan& plan, const S* caller, int64_t first, int64_t width, T* rows) {
  if (caller) {
    plan.gather_rows(caller + first * width, width, rows);
  } else {
    std::fill_n(rows, plan.batch() * width, T(0));
  }
}

/// out = the sum over the gates of their gradients, where there is no input matrix; or that added.
template <class T>
void sum_gates(const RnnShape& shape, int64_t tokens, const T* gates, T* out, bool add) {
  constexpr int64_t chunk = 64;
  const int64_t width = shape.input;
  const int count = cudnn4j::gates(shape.cell);
  parallel_for(static_cast<int>((tokens + chunk - 1) / chunk), [&](int i) {
    const int64_t end = std::min((i + 1) * chunk, tokens);
    for (int64_t token = i * chunk; token < end; ++token) {
      T* sum = out + token * width;
      if (!add) std::fill_n(sum, width, T(0));
      for (int gate = 0; gate < count; ++gate) {
        const T* from = gates + (token * count + gate) * width;
        for (int64_t j = 0; j < width; ++j) sum[j] += from[j];
      }
    }
  });
}

}  // namespace

template <class S>
void backward_data(const RnnShape& shape, const Batch& batch, const S* y, const S* dy, S* dx,
                   const S* hx, const S* dhy, S* dhx, const S* cx, const S* dcy, S* dcx,
                   const S* weights, void* work, void* reserve) noexcept {
  using T = Computed<S>;
  Arena arena(work);
  const Plan plan(batch, arena, is_narrow<S>);
  const BackwardScratch<T> scratch(shape, plan, arena);
  const int64_t hidden = shape.hidden;
  const int directions = shape.directions;
  const Sharing sharing = choose_sharing<T>(shape, plan, false);
  const Wavefront wavefront(shape, plan, choose_parts<T>(shape, plan, sharing), scratch.rooms.done);
  const bool lstm = shape.cell == Cell::Lstm;
  if (!lstm) cx = dcy = nullptr;

  if (scratch.zeros) std::fill_n(scratch.zeros, hidden, T(0));
  const T* const top = plan.planned(dy, output_width(shape), scratch.dy);
  T* const bottom = plan.direct() ? Plan::in_place(dx) : scratch.dx;
  wavefront.run([&](int place) {
    const int layer = shape.layers - 1 - place;
    const BackwardLayer<T> room = scratch.layer(layer);
    const Activations<T> stored = stored_layer<T>(shape, plan, layer, Arena(reserve));
    const T* output = stored.output ? stored.output : Plan::in_place(y);
    const T* h_initial[2] = {};
    const T* c_initial[2] = {};
    for (int d = 0; d < directions; ++d) {
      const LayerWeights<const S> w(shape, layer, d, weights);
      const int64_t state = (static_cast<int64_t>(layer) * directions + d) * plan.batch();
      h_initial[d] = room.initial(plan, hx, state, shape.output, room.h[d]);
      c_initial[d] = room.initial(plan, cx, state, hidden, room.c[d]);
      start_gradient(plan, dhy, state, shape.output, room.dh[d]);
      start_gradient(plan, dcy, state, hidden, room.dc[d]);
      const PackedMatrix<T>& joint = room.joint[d];
      joint.fill(false, w.recurrent, shape.output);
      if (shape.cell == Cell::Gru) {
        room.candidate[d].fill(false, w.recurrent + joint.depth * shape.output, shape.output);
      }
      if (projects(shape)) room.projection[d].fill(false, w.projection, hidden);
    }

    const int64_t width = input_width(shape, layer);
    const bool masks = drops(shape, layer);
    const T* gradient = place == 0 ? top : scratch.outputs[(layer + 1) % 2];
    T* below = layer > 0 ? scratch.outputs[layer % 2] : bottom;
    T* unmasked = masks ? scratch.masked : below;
    const bool wanted = layer > 0 || dx;
    const bool multiplies = wanted && !skips(shape, layer);
    const bool by_step = multiplies && directions == 1 && sharing.by_rows() &&
                         input_by_step<T>(shape, plan, layer);
    Arena matrix(room.input);
    const PackedMatrix<T> input_matrix(gate_width(shape), width, matrix);
    const auto fill_input = [&](int d) {
      input_matrix.fill(false, LayerWeights(shape, layer, d, weights).input, width);
    };
    if (multiplies && directions == 1) fill_input(0);

    const auto walk = [&](int d) {
      return WalkBack<T>{shape,
                         plan,
                         d,
                         room.joint[d],
                         room.candidate[d],
                         stored,
                         output + d * shape.output,
                         h_initial[d],
                         c_initial[d],
                         gradient + d * shape.output,
                         room.dh[d],
                         room.dc[d],
                         dhx != nullptr,
                         by_step ? unmasked : nullptr,
                         input_matrix,
                         room.projection[d],
                         room.unprojected[d],
                         scratch.zeros};
    };
    wavefront.follow(place, [&](int first, int end) {
      if (wavefront.overlaps()) {
        walk(0).run(0, plan.batch(), first, end);
      } else {
        sharing.run(shape, plan, walk);
      }
      // Steps count from the last time, if there is a first direction only.
      const int64_t from = plan.offset(plan.time() - end);
      const int64_t count = plan.offset(plan.time() - first) - from;
      const int64_t ld = gate_width(shape);
      for (int d = 0; d < directions && wanted; ++d) {
        const T* gates = stored.gates[d] + from * ld;
        T* const out = unmasked + from * width;
        if (!multiplies) {
          sum_gates(shape, count, gates, out, d > 0);
        } else if (!by_step) {
          if (directions > 1) fill_input(d);
          input_matrix.multiply_all(count, gates, ld, out, width, !masks && d > 0);
        }
        if (masks) {
          apply_mask(shape, count * width, stored.kept[d] + from * width, out, below + from * width,
                     d > 0);
        }
      }
    });

    for (int d = 0; d < directions; ++d) {
      const int64_t state = (static_cast<int64_t>(layer) * directions + d) * plan.batch();
      if (dhx) plan.scatter_rows(room.dh[d], shape.output, dhx + state * shape.output);
      if (dcx && lstm) plan.scatter_rows(room.dc[d], hidden, dcx + state * hidden);
    }
  });
  if (!dx) return;
  if (!plan.direct()) plan.scatter(bottom, shape.input, dx);
  plan.fill_padding(shape.input, dx);
}

#define CUDNN4J_INSTANTIATE(S)                                                                 \
  template void backward_data<S>(const RnnShape&, const Batch&, const S*, const S*, S*,        \
                                 const S*, const S*, S*, const S*, const S*, S*, const S*,     \
                                 void*, void*) noexcept;
CUDNN4J_INSTANTIATE(float)
CUDNN4J_INSTANTIATE(double)
CUDNN4J_INSTANTIATE(Half)
CUDNN4J_INSTANTIATE(BFloat16)
#undef CUDNN4J_INSTANTIATE

}  // namespace cudnn4j
