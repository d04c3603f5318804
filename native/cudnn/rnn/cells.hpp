#pragma once

#include <cstdint>

#include "cudnn/rnn/engine.hpp"

namespace cudnn4j {

/// One time step of some rows, forward. All matrices are row-major with one row per sequence, and
/// all pointers are to the first of the units to compute.
template <class T>
struct ForwardStep {
  int64_t rows;
  int64_t units;
  /// All units of the layer: how far the gates, the rows of c and those of `candidate` lie apart.
  int64_t hidden;
  /// Clipped LSTM: the bounds within which the cell state is read.
  T clip_low;
  T clip_high;

  /// Leaves only the units [first, first + count) of all those described.
  void narrow(int64_t first, int64_t count) {
    units = count;
    for (T** p : {&gates, &candidate, &c, &h}) *p = *p ? *p + first : nullptr;
    for (const T** p : {&bias, &h_before, &c_before}) *p = *p ? *p + first : nullptr;
  }
  /// [rows][gates * hidden]; in: both products (GRU's candidate: the input product); out: the
  /// activated gates.
  T* gates;
  /// GRU: [rows][hidden]; in: the candidate's recurrent product; out: that plus its bias.
  T* candidate;
  /// [gates * hidden], for GRU followed by the candidate's recurrent bias [hidden].
  const T* bias;
  /// The previous output with its leading dimension, and the previous cell state [rows][hidden];
  /// null is zeros.
  const T* h_before;
  int64_t h_before_ld;
  const T* c_before;
  /// LSTM: [rows][hidden], the new cell state.
  T* c;
  T* h;
  int64_t h_ld;
};

/// One time step of some rows, backward; as ForwardStep.
template <class T>
struct BackwardStep {
  int64_t rows;
  int64_t units;
  int64_t hidden;
  T clip_low;
  T clip_high;

  void narrow(int64_t first, int64_t count) {
    units = count;
    for (T** p : {&gates, &candidate, &dh, &dc}) *p = *p ? *p + first : nullptr;
    for (const T** p : {&h_before, &c_before, &c, &dy}) *p = *p ? *p + first : nullptr;
  }
  /// [rows][gates * hidden]; in: activated gates; out: gradients of the gates' sums.
  T* gates;
  /// GRU: [rows][hidden]; in: the candidate's recurrent sum; out: its gradient.
  T* candidate;
  const T* h_before;
  int64_t h_before_ld;
  const T* c_before;
  const T* c;
  const T* dy;
  int64_t dy_ld;
  /// [rows][hidden]; in: the gradient that comes from the later step; out (GRU): the part of the
  /// previous step's gradient that does not pass through a product.
  T* dh;
  /// LSTM: [rows][hidden], the cell state's gradient; in: of this step, out: of the previous one.
  T* dc;
};

/// Elementwise work of the cells for this processor, in the order of Cell, then the clipped LSTM.
template <class T>
struct CellFunctions {
  void (*forward[5])(const ForwardStep<T>&);
  void (*backward[5])(const BackwardStep<T>&);

  /// Computes a step of a network's cell, forward or backward.
  void run(const RnnShape& shape, ForwardStep<T>& step) const { run(shape, step, forward); }
  void run(const RnnShape& shape, BackwardStep<T>& step) const { run(shape, step, backward); }

  /// out[i] = kept[i] ? scale * in[i] : 0, or added to out.
  void (*drop)(int64_t count, const uint8_t* kept, T scale, const T* in, T* out, bool add);

 private:
  template <class Step, class Function>
  static void run(const RnnShape& shape, Step& step, Function* functions) {
    if (shape.clip) {
      step.clip_low = shape.clip_low;
      step.clip_high = shape.clip_high;
    }
    functions[shape.clip ? 4 : static_cast<int>(shape.cell)](step);
  }
};

template <class T>
const CellFunctions<T>& cell_functions();

}  // namespace cudnn4j
