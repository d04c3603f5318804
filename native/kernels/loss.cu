// Softmax and cross-entropy over rows of logits. A negative target is not counted; a target beyond
// the classes has no meaning and makes the loss and its gradient NaN, so that the step is refused.
#include "dialect.cuh"

template <class T>
DEVICE T not_a_number() {
  const T zero = T(0);
  return zero / zero;
}

template <class T>
DEVICE void count(const int* targets, const double* scale, T* share, int rows) {
  FOR_EACH_ROW(only, 1) {
    double counted = 0;
    FOR_EACH_COLUMN(r, rows) { counted += targets[r] >= 0 ? 1 : 0; }
    counted = block_sum(counted);
    IF_FIRST_THREAD { share[only] = static_cast<T>(counted > 0 ? scale[only] / counted : 0); }
  }
}

template <class T>
DEVICE Number<T> row_loss(const T* row, int target, int classes, Number<T> largest,
                          Number<T> sum) {
  using N = Number<T>;
  if (target < 0) return N(0);
  return target < classes ? largest + log(sum) - static_cast<N>(row[target]) : not_a_number<N>();
}

template <class T>
DEVICE Number<T> row_max(const T* row, int classes) {
  Number<T> largest = classes > 0 ? static_cast<Number<T>>(row[0]) : Number<T>(0);
  FOR_EACH_COLUMN(c, classes) {
    const Number<T> value = static_cast<Number<T>>(row[c]);
    largest = value > largest ? value : largest;
  }
  return block_max(largest);
}

template <class T>
DEVICE void measure(const T* logits, const int* targets, Number<T>* losses, int rows,
                    int classes) {
  using N = Number<T>;
  FOR_EACH_ROW(r, rows) {
    const T* row = logits + r * classes;
    const N largest = row_max(row, classes);
    N sum = 0;
    FOR_EACH_COLUMN(c, classes) { sum += exp(static_cast<N>(row[c]) - largest); }
    sum = block_sum(sum);
    IF_FIRST_THREAD { losses[r] = row_loss(row, targets[r], classes, largest, sum); }
  }
}

// The gradient's place holds the powers first, so that each is computed once; in 16 bits they would
// be rounded.
template <class T>
DEVICE void differentiate(const T* logits, const int* targets, const Number<T>* share, T* gradient,
                          Number<T>* losses, int rows, int classes) {
  using N = Number<T>;
  FOR_EACH_ROW(r, rows) {
    const T* row = logits + r * classes;
    T* slope = gradient + r * classes;
    const int target = targets[r];
    const N largest = row_max(row, classes);
    N sum = 0;
    FOR_EACH_COLUMN(c, classes) {
      const N power = exp(static_cast<N>(row[c]) - largest);
      if constexpr (!is_narrow<T>) slope[c] = power;
      sum += power;
    }
    sum = block_sum(sum);
    IF_FIRST_THREAD { losses[r] = row_loss(row, target, classes, largest, sum); }
    const N inverse = N(1) / sum;
    const N factor = target < 0 ? N(0) : target < classes ? *share : not_a_number<N>();
    FOR_EACH_COLUMN(c, classes) {
      N power;
      if constexpr (is_narrow<T>) {
        power = exp(static_cast<N>(row[c]) - largest);
      } else {
        power = slope[c];
      }
      const N probability = power * inverse;
      slope[c] = static_cast<T>((c == target ? probability - N(1) : probability) * factor);
    }
  }
}

template <class T>
DEVICE void average(const T* losses, const int* targets, T* mean, double* meter, int rows) {
  FOR_EACH_ROW(only, 1) {
    double sum = 0;
    double counted = 0;
    FOR_EACH_COLUMN(r, rows) {
      sum += losses[r];
      counted += targets[r] >= 0 ? 1 : 0;
    }
    sum = block_sum(sum);
    counted = block_sum(counted);
    IF_FIRST_THREAD {
      mean[only] = static_cast<T>(counted > 0 ? sum / counted : 0);
      if (sum - sum == 0) {
        meter[only] += sum;
        meter[only + 1] += counted;
      }
    }
  }
}

// share[0] = scale[0] / the number of counted rows, 0 when there are none
KERNEL(loss_share_f32, (const int* targets, const double* scale, float* share, int rows),
       (rows, 1, 1)) {
  count(targets, scale, share, rows);
}
KERNEL(loss_share_f64, (const int* targets, const double* scale, double* share, int rows),
       (rows, 1, 1)) {
  count(targets, scale, share, rows);
}

// losses[rows] = -log softmax(logits)[target] of each row
KERNEL(cross_entropy_f32, (const float* logits, const int* targets, float* losses, int rows,
                           int classes), (times(rows, classes), rows, rows)) {
  measure(logits, targets, losses, rows, classes);
}
KERNEL(cross_entropy_f64, (const double* logits, const int* targets, double* losses, int rows,
                           int classes), (times(rows, classes), rows, rows)) {
  measure(logits, targets, losses, rows, classes);
}
KERNEL(cross_entropy_f16, (const f16* logits, const int* targets, float* losses, int rows,
                           int classes), (times(rows, classes), rows, rows)) {
  measure(logits, targets, losses, rows, classes);
}
KERNEL(cross_entropy_bf16, (const bf16* logits, const int* targets, float* losses, int rows,
                            int classes), (times(rows, classes), rows, rows)) {
  measure(logits, targets, losses, rows, classes);
}

// The same, and gradient[rows, classes] = share[0] times that of the losses' sum by the logits
KERNEL(cross_entropy_gradient_f32, (const float* logits, const int* targets, const float* share,
                                    float* gradient, float* losses, int rows, int classes),
       (times(rows, classes), rows, 1, times(rows, classes), rows)) {
  differentiate(logits, targets, share, gradient, losses, rows, classes);
}
KERNEL(cross_entropy_gradient_f64, (const double* logits, const int* targets, const double* share,
                                    double* gradient, double* losses, int rows, int classes),
       (times(rows, classes), rows, 1, times(rows, classes), rows)) {
  differentiate(logits, targets, share, gradient, losses, rows, classes);
}
KERNEL(cross_entropy_gradient_f16, (const f16* logits, const int* targets, const float* share,
                                    f16* gradient, float* losses, int rows, int classes),
       (times(rows, classes), rows, 1, times(rows, classes), rows)) {
  differentiate(logits, targets, share, gradient, losses, rows, classes);
}
KERNEL(cross_entropy_gradient_bf16, (const bf16* logits, const int* targets, const float* share,
                                     bf16* gradient, float* losses, int rows, int classes),
       (times(rows, classes), rows, 1, times(rows, classes), rows)) {
  differentiate(logits, targets, share, gradient, losses, rows, classes);
}

// mean[0] = the mean loss of the counted rows, 0 when there are none; meter[0] += the sum of the
// losses, meter[1] += the number of rows, unless the sum is not finite
KERNEL(mean_loss_f32, (const float* losses, const int* targets, float* mean, double* meter,
                       int rows), (rows, rows, 1, 2)) {
  average(losses, targets, mean, meter, rows);
}
KERNEL(mean_loss_f64, (const double* losses, const int* targets, double* mean, double* meter,
                       int rows), (rows, rows, 1, 2)) {
  average(losses, targets, mean, meter, rows);
}
