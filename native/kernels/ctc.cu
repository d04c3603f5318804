// What connectionist temporal classification is given and gives, beside the loss itself, which is
// cuDNN's and FLOAT32.
#include "dialect.cuh"

DEVICE int limited(int length, int most) { return length < 0 ? 0 : length < most ? length : most; }

template <class T>
DEVICE void widen(const T* x, float* y, long long n) {
  FOR_EACH(i, n) { y[i] = static_cast<float>(static_cast<Number<T>>(x[i])); }
}

// A row without alignment costs nothing, and one with a label that is none is NaN.
template <class N>
DEVICE void take_costs(const float* costs, const int* states, N* losses, int batch) {
  const N zero = 0;
  FOR_EACH(b, batch) {
    losses[b] = states[b] < 0 ? zero : states[b] > 0 ? zero / zero : static_cast<N>(costs[b]);
  }
}

template <class T>
DEVICE void spread(const float* gradients, const Number<T>* dlosses, T* dx, int time, int batch,
                   int symbols) {
  using N = Number<T>;
  FOR_EACH_ROW(r, static_cast<long long>(time) * batch) {
    const N share = dlosses[r % batch];
    FOR_EACH_COLUMN(c, symbols) {
      const long long i = r * symbols + c;
      dx[i] = static_cast<T>(share == 0 ? N(0) : share * static_cast<N>(gradients[i]));
    }
  }
}

// label_steps[b] and input_steps[b] = what cuDNN gets for lengths that may be anything; states[b] =
// 0 for an alignment, -1 for none, 1 for a label that is the blank or no symbol; without alignment
// there are no labels either. A row with counted[b] < 0 has none, whatever is in it.
KERNEL(ctc_lengths, (const int* labels, const int* label_lengths, const int* input_lengths,
                     const int* counted, int* label_steps, int* input_steps, int* states,
                     int label_time, int time, int batch, int symbols),
       (times(label_time, batch), batch, batch, batch, batch, batch, batch)) {
  FOR_EACH(b, batch) {
    const bool counts = counted[b] >= 0;
    const int steps = counts ? limited(input_lengths[b], time) : 0;
    const int most = counts ? limited(label_lengths[b], label_time) : 0;
    int count = 0;
    int needed = 0;
    int before = -1;
    bool known = true;
    while (count < most) {
      const int label = labels[static_cast<long long>(count) * batch + b];
      if (label < 0) break;
      known = known && label > 0 && label < symbols;
      needed += label == before ? 2 : 1;
      before = label;
      ++count;
    }
    const bool aligned = steps > 0 && needed <= steps;
    states[b] = !known ? 1 : aligned ? 0 : -1;
    label_steps[b] = known && aligned ? count : 0;
    input_steps[b] = steps > 0 ? steps : 1;
  }
}

// packed = the labels of all sequences, one after the other
KERNEL(ctc_pack, (const int* labels, const int* label_steps, int* packed, int label_time,
                  int batch),
       (times(label_time, batch), batch, times(label_time, batch))) {
  FOR_EACH_ROW(b, batch) {
    int first = 0;
    FOR_EACH_COLUMN(other, b) { first += limited(label_steps[other], label_time); }
    first = block_sum(first);
    FOR_EACH_COLUMN(l, limited(label_steps[b], label_time)) {
      packed[first + l] = labels[l * batch + b];
    }
  }
}

// y = x in FLOAT32
KERNEL(ctc_widen_f64, (const double* x, float* y, long long n), (n, n)) { widen(x, y, n); }
NARROW_KERNELS(ctc_widen, (const T* x, float* y, long long n), (n, n), widen(x, y, n))

// losses[batch] = the costs of what is aligned, 0 for what is not, NaN for what cannot be
WIDE_KERNELS(ctc_costs, (const float* costs, const int* states, T* losses, int batch),
             (batch, batch, batch), take_costs(costs, states, losses, batch))

// dx[time, batch, symbols] = gradients * dlosses[batch]
KERNELS(ctc_gradient, (const float* gradients, const Number<T>* dlosses, T* dx, int time, int batch,
                       int symbols),
        (times(time, batch, symbols), batch, times(time, batch, symbols)),
        spread(gradients, dlosses, dx, time, batch, symbols))
