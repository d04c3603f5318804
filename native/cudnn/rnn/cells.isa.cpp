#include "cudnn/rnn/cells.hpp"

#include "cudnn/rnn/functions.hpp"
#include "gemm/simd.hpp"

namespace cudnn4j::CUDNN4J_ISA {
namespace {

template <class T>
using Functions = cudnn4j::Functions<T, Simd<T>>;

/// Calls body(j, count) for vectors of units; count is the width but for the last one. A body is
/// to be always inline: where the width is known its constants stay in registers.
template <class T, class Body>
inline __attribute__((always_inline)) void for_units(int64_t units, Body&& body) {
  constexpr int64_t width = Simd<T>::width;
  int64_t j = 0;
  for (; j + width <= units; j += width) body(j, width);
  if (j < units) body(j, units - j);
}

template <class T>
typename Simd<T>::Vec load_or_zero(const T* p, int64_t j, int64_t count) {
  return p ? Simd<T>::load(p + j, count) : typename Simd<T>::Vec{};
}

template <class T>
const T* row_of(const T* matrix, int64_t row, int64_t ld) {
  return matrix ? matrix + row * ld : nullptr;
}

/// Asks for the line of the next row below the one at hand: a row is too short for the processor
/// to find the pattern by itself.
template <class T>
void fetch_below(const T* p, int64_t ld) {
  __builtin_prefetch(p + ld);
}

template <class T>
struct Relu {
  using Vec = typename Simd<T>::Vec;
  /// A NaN stays, as the comparison with it fails.
  static Vec value(Vec x) { return x < Vec{} ? Vec{} : x; }
  static Vec slope(Vec y) { return y > Vec{} ? Simd<T>::all(1) : Vec{}; }
};

template <class T>
struct HyperbolicTangent {
  using Vec = typename Simd<T>::Vec;
  static Vec value(Vec x) { return Functions<T>::tanh(x); }
  static Vec slope(Vec y) { return T(1) - y * y; }
};

template <class T, class Activation>
void vanilla_forward(const ForwardStep<T>& s) {
  using S = Simd<T>;
  for (int64_t i = 0; i < s.rows; ++i) {
    T* gates = s.gates + i * s.hidden;
    T* h = s.h + i * s.h_ld;
    for_units<T>(s.units, [&](int64_t j, int64_t count) __attribute__((always_inline)) {
      auto value = Activation::value(S::load(gates + j, count) + S::load(s.bias + j, count));
      S::store(gates + j, value, count);
      S::store(h + j, value, count);
    });
  }
}

template <class T, class Activation>
void vanilla_backward(const BackwardStep<T>& s) {
  using S = Simd<T>;
  for (int64_t i = 0; i < s.rows; ++i) {
    T* gates = s.gates + i * s.hidden;
    const T* dy = s.dy + i * s.dy_ld;
    const T* dh = s.dh + i * s.hidden;
    for_units<T>(s.units, [&](int64_t j, int64_t count) __attribute__((always_inline)) {
      fetch_below(gates + j, s.hidden);
      fetch_below(dy + j, s.dy_ld);
      auto gradient = S::load(dy + j, count) + S::load(dh + j, count);
      S::store(gates + j, gradient * Activation::slope(S::load(gates + j, count)), count);
    });
  }
}

/// The cell state as it is read. A NaN stays.
template <class T, bool Clipped, class Step>
typename Simd<T>::Vec read_cell(const Step& s, typename Simd<T>::Vec cell) {
  if constexpr (Clipped) return Functions<T>::clamp(cell, s.clip_low, s.clip_high);
  return cell;
}

/// The gradient of the cell state from that of the cell state as it was read.
template <class T, bool Clipped>
typename Simd<T>::Vec within(const BackwardStep<T>& s, typename Simd<T>::Vec cell,
                             typename Simd<T>::Vec gradient) {
  if constexpr (Clipped) {
    using Vec = typename Simd<T>::Vec;
    gradient = cell < Simd<T>::all(s.clip_low) ? Vec{} : gradient;
    gradient = cell > Simd<T>::all(s.clip_high) ? Vec{} : gradient;
  }
  return gradient;
}

template <class T, bool Clipped>
void lstm_forward(const ForwardStep<T>& s) {
  using S = Simd<T>;
  using F = Functions<T>;
  const int64_t n = s.hidden;
  for (int64_t i = 0; i < s.rows; ++i) {
    T* gates = s.gates + i * 4 * n;
    const T* before = row_of(s.c_before, i, n);
    T* c = s.c + i * n;
    T* h = s.h + i * s.h_ld;
    for_units<T>(s.units, [&](int64_t j, int64_t count) __attribute__((always_inline)) {
      const auto sum = [&](int64_t at) {
        return S::load(gates + at + j, count) + S::load(s.bias + at + j, count);
      };
      const auto input = F::sigmoid(sum(0));
      const auto forget = F::sigmoid(sum(n));
      const auto fresh = F::tanh(sum(2 * n));
      const auto output = F::sigmoid(sum(3 * n));
      const auto past = read_cell<T, Clipped>(s, load_or_zero(before, j, count));
      const auto cell = forget * past + input * fresh;
      S::store(gates + j, input, count);
      S::store(gates + n + j, forget, count);
      S::store(gates + 2 * n + j, fresh, count);
      S::store(gates + 3 * n + j, output, count);
      S::store(c + j, cell, count);
      S::store(h + j, output * F::tanh(read_cell<T, Clipped>(s, cell)), count);
    });
  }
}

template <class T, bool Clipped>
void lstm_backward(const BackwardStep<T>& s) {
  using S = Simd<T>;
  const int64_t n = s.hidden;
  for (int64_t i = 0; i < s.rows; ++i) {
    T* gates = s.gates + i * 4 * n;
    const T* before = row_of(s.c_before, i, n);
    const T* c = s.c + i * n;
    const T* dy = s.dy + i * s.dy_ld;
    const T* dh = s.dh + i * n;
    T* dc = s.dc + i * n;
    for_units<T>(s.units, [&](int64_t j, int64_t count) __attribute__((always_inline)) {
      for (int64_t gate = 0; gate < 4; ++gate) fetch_below(gates + gate * n + j, 4 * n);
      if (before) fetch_below(before + j, n);
      fetch_below(c + j, n);
      fetch_below(dy + j, s.dy_ld);
      const auto input = S::load(gates + j, count);
      const auto forget = S::load(gates + n + j, count);
      const auto fresh = S::load(gates + 2 * n + j, count);
      const auto output = S::load(gates + 3 * n + j, count);
      const auto after = S::load(c + j, count);
      const auto past = load_or_zero(before, j, count);
      const auto squashed = Functions<T>::tanh(read_cell<T, Clipped>(s, after));
      const auto gradient = S::load(dy + j, count) + S::load(dh + j, count);
      const auto cell =
          S::load(dc + j, count) +
          within<T, Clipped>(s, after, gradient * output * (T(1) - squashed * squashed));
      S::store(gates + j, cell * fresh * input * (T(1) - input), count);
      S::store(gates + n + j,
               cell * read_cell<T, Clipped>(s, past) * forget * (T(1) - forget), count);
      S::store(gates + 2 * n + j, cell * input * (T(1) - fresh * fresh), count);
      S::store(gates + 3 * n + j, gradient * squashed * output * (T(1) - output), count);
      S::store(dc + j, within<T, Clipped>(s, past, cell * forget), count);
    });
  }
}

template <class T>
void gru_forward(const ForwardStep<T>& s) {
  using S = Simd<T>;
  using F = Functions<T>;
  const int64_t n = s.hidden;
  for (int64_t i = 0; i < s.rows; ++i) {
    T* gates = s.gates + i * 3 * n;
    T* candidate = s.candidate + i * n;
    const T* before = row_of(s.h_before, i, s.h_before_ld);
    T* h = s.h + i * s.h_ld;
    for_units<T>(s.units, [&](int64_t j, int64_t count) __attribute__((always_inline)) {
      const auto sum = [&](int64_t at) {
        return S::load(gates + at + j, count) + S::load(s.bias + at + j, count);
      };
      const auto reset = F::sigmoid(sum(0));
      const auto update = F::sigmoid(sum(n));
      const auto recurrent = S::load(candidate + j, count) + S::load(s.bias + 3 * n + j, count);
      const auto fresh = F::tanh(sum(2 * n) + reset * recurrent);
      S::store(gates + j, reset, count);
      S::store(gates + n + j, update, count);
      S::store(gates + 2 * n + j, fresh, count);
      S::store(candidate + j, recurrent, count);
      S::store(h + j, (T(1) - update) * fresh + update * load_or_zero(before, j, count), count);
    });
  }
}

template <class T>
void gru_backward(const BackwardStep<T>& s) {
  using S = Simd<T>;
  const int64_t n = s.hidden;
  for (int64_t i = 0; i < s.rows; ++i) {
    T* gates = s.gates + i * 3 * n;
    T* candidate = s.candidate + i * n;
    const T* before = row_of(s.h_before, i, s.h_before_ld);
    const T* dy = s.dy + i * s.dy_ld;
    T* dh = s.dh + i * n;
    for_units<T>(s.units, [&](int64_t j, int64_t count) __attribute__((always_inline)) {
      for (int64_t gate = 0; gate < 3; ++gate) fetch_below(gates + gate * n + j, 3 * n);
      fetch_below(candidate + j, n);
      if (before) fetch_below(before + j, s.h_before_ld);
      fetch_below(dy + j, s.dy_ld);
      const auto reset = S::load(gates + j, count);
      const auto update = S::load(gates + n + j, count);
      const auto fresh = S::load(gates + 2 * n + j, count);
      const auto gradient = S::load(dy + j, count) + S::load(dh + j, count);
      const auto inner = gradient * (T(1) - update) * (T(1) - fresh * fresh);
      const auto past = load_or_zero(before, j, count);
      S::store(gates + j,
               inner * S::load(candidate + j, count) * reset * (T(1) - reset), count);
      S::store(gates + n + j, gradient * (past - fresh) * update * (T(1) - update), count);
      S::store(gates + 2 * n + j, inner, count);
      S::store(candidate + j, inner * reset, count);
      S::store(dh + j, gradient * update, count);
    });
  }
}

template <class T>
void drop(int64_t count, const uint8_t* kept, T scale, const T* in, T* out, bool add) {
  if (add) {
    for (int64_t i = 0; i < count; ++i) out[i] += kept[i] ? scale * in[i] : T(0);
  } else {
    for (int64_t i = 0; i < count; ++i) out[i] = kept[i] ? scale * in[i] : T(0);
  }
}

template <class T>
constexpr CellFunctions<T> functions{
    {vanilla_forward<T, Relu<T>>, vanilla_forward<T, HyperbolicTangent<T>>,
     lstm_forward<T, false>, gru_forward<T>, lstm_forward<T, true>},
    {vanilla_backward<T, Relu<T>>, vanilla_backward<T, HyperbolicTangent<T>>,
     lstm_backward<T, false>, gru_backward<T>, lstm_backward<T, true>},
    drop<T>};

}  // namespace

extern const CellFunctions<float> cells_f32 = functions<float>;
extern const CellFunctions<double> cells_f64 = functions<double>;

}  // namespace cudnn4j::CUDNN4J_ISA
