// Losses of rows, averaged over the rows that count. A negative target does not count; a target
// beyond the classes has no meaning and makes the loss and its gradient NaN, so that the step is
// refused.
#include "dialect.cuh"

template <class T, class Weight>
DEVICE void share_out(const int* targets, const double* scale, const double* factor, T* share,
                      double* counted, int rows, Weight weight) {
  FOR_EACH_ROW(only, 1) {
    double sum = 0;
    FOR_EACH_COLUMN(r, rows) { sum += targets[r] >= 0 ? weight(targets[r]) : 0; }
    sum = block_sum(sum);
    IF_FIRST_THREAD {
      share[only] = static_cast<T>(sum > 0 ? scale[only] * factor[only] / sum : 0);
      counted[only] = sum;
    }
  }
}

template <class T>
DEVICE void share_equally(const int* targets, const double* scale, const double* factor, T* share,
                          double* counted, int rows) {
  share_out(targets, scale, factor, share, counted, rows, [](int) { return 1.0; });
}

// What a target beyond the classes counts does not matter: its loss is NaN.
template <class T>
DEVICE void share_by_class(const int* targets, const T* weights, const double* scale,
                           const double* factor, T* share, double* counted, int rows,
                           int classes) {
  share_out(targets, scale, factor, share, counted, rows, [=](int target) {
    return target < classes ? static_cast<double>(weights[target]) : 1.0;
  });
}

// The target is made smooth: 1 - smoothing for its class, and smoothing / classes for each class.
// What a class contributes is multiplied by the class's weight.
template <class T>
DEVICE Number<T> row_loss(const T* row, int target, const Number<T>* weights, double smoothing,
                          int classes, Number<T> largest, Number<T> sum) {
  using N = Number<T>;
  if (target < 0) return N(0);
  const N normalizer = log(sum);
  N of_all = 0;
  if (smoothing > 0) {
    FOR_EACH_COLUMN(c, classes) {
      of_all += weights[c] * (normalizer - (static_cast<N>(row[c]) - largest));
    }
    of_all = static_cast<N>(smoothing / classes) * block_sum(of_all);
  }
  if (target >= classes) return not_a_number<N>();
  return static_cast<N>(1 - smoothing) * weights[target] *
             (largest + normalizer - static_cast<N>(row[target])) +
         of_all;
}

template <class T>
DEVICE void measure(const T* logits, const int* targets, const Number<T>* weights,
                    double smoothing, Number<T>* losses, int rows, int classes) {
  using N = Number<T>;
  FOR_EACH_ROW(r, rows) {
    const T* row = logits + r * classes;
    const N largest = row_max(classes, [=](long long c) { return static_cast<N>(row[c]); });
    const N sum = row_sum(classes, [=](long long c) {
      return vector_exp(static_cast<N>(row[c]) - largest);
    });
    const N loss = row_loss(row, targets[r], weights, smoothing, classes, largest, sum);
    IF_FIRST_THREAD { losses[r] = loss; }
  }
}

// The gradient's place holds the powers first, so that each is computed once; in 16 bits they would
// be rounded.
template <class T>
DEVICE void differentiate(const T* logits, const int* targets, const Number<T>* weights,
                          double smoothing, const Number<T>* share, T* gradient,
                          Number<T>* losses, int rows, int classes) {
  using N = Number<T>;
  FOR_EACH_ROW(r, rows) {
    const T* row = logits + r * classes;
    T* slope = gradient + r * classes;
    const int target = targets[r];
    const N largest = row_max(classes, [=](long long c) { return static_cast<N>(row[c]); });
    const N sum = row_sum(classes, [=](long long c) {
      const N power = vector_exp(static_cast<N>(row[c]) - largest);
      if constexpr (!is_narrow<T>) slope[c] = power;
      return power;
    });
    const N loss = row_loss(row, target, weights, smoothing, classes, largest, sum);
    IF_FIRST_THREAD { losses[r] = loss; }
    const N inverse = N(1) / sum;
    const N factor = target < 0         ? N(0)
                     : target < classes ? static_cast<N>(1 - smoothing) * weights[target] * *share
                                        : not_a_number<N>();
    const N spread = target < 0 ? N(0) : static_cast<N>(smoothing / classes) * *share;
    N all = 0;
    if (smoothing > 0) {
      FOR_EACH_COLUMN(c, classes) { all += weights[c]; }
      all = block_sum(all);
    }
    FOR_EACH_COLUMN(c, classes) {
      N power;
      if constexpr (is_narrow<T>) {
        power = vector_exp(static_cast<N>(row[c]) - largest);
      } else {
        power = slope[c];
      }
      const N probability = power * inverse;
      const N sharp = (c == target ? probability - N(1) : probability) * factor;
      slope[c] = static_cast<T>(
          smoothing > 0 ? sharp + (all * probability - weights[c]) * spread : sharp);
    }
  }
}

template <class T>
DEVICE void average(const T* losses, const int* targets, const double* counted, Number<T>* mean,
                    double* meter, int rows) {
  FOR_EACH_ROW(only, 1) {
    double sum = 0;
    FOR_EACH_COLUMN(r, rows) { sum += targets[r] >= 0 ? static_cast<Number<T>>(losses[r]) : 0; }
    sum = block_sum(sum);
    IF_FIRST_THREAD {
      const double number = counted[only];
      mean[only] = static_cast<Number<T>>(number > 0 ? sum / number : 0);
      if (sum - sum == 0) {
        meter[only] += sum;
        meter[only + 1] += number;
      } else {
        meter[only + 2] += 1;
      }
    }
  }
}

template <class T>
DEVICE void share_to_rows(const int* targets, const Number<T>* share, T* gradient, int rows) {
  FOR_EACH(r, rows) { gradient[r] = static_cast<T>(targets[r] >= 0 ? *share : Number<T>(0)); }
}

template <class T>
DEVICE void add_weighted(const T* loss, const double* factor, T* total) {
  FOR_EACH(only, 1) { total[only] += static_cast<T>(factor[only] * loss[only]); }
}

// share[0] = scale[0] * factor[0] / counted[0], 0 where that is 0; counted[0] = the number of
// targets that count
WIDE_KERNELS(loss_share, (const int* targets, const double* scale, const double* factor, T* share,
                          double* counted, int rows),
             (rows, 1, 1, 1, 1), share_equally(targets, scale, factor, share, counted, rows))

// The same, counted[0] being the sum of the targets' weights
WIDE_KERNELS(weighted_loss_share, (const int* targets, const T* weights, const double* scale,
                                   const double* factor, T* share, double* counted, int rows,
                                   int classes),
             (rows, classes, 1, 1, 1, 1),
             share_by_class(targets, weights, scale, factor, share, counted, rows, classes))

// losses[rows] = the sum over the classes of -log softmax(logits) * the smooth target * weights
KERNELS(cross_entropy, (const T* logits, const int* targets, const Number<T>* weights,
                        double smoothing, Number<T>* losses, int rows, int classes),
        (times(rows, classes), rows, classes, rows),
        measure(logits, targets, weights, smoothing, losses, rows, classes))

// The same, and gradient[rows, classes] = share[0] times that of the losses' sum by the logits
KERNELS(cross_entropy_gradient, (const T* logits, const int* targets, const Number<T>* weights,
                                 double smoothing, const Number<T>* share, T* gradient,
                                 Number<T>* losses, int rows, int classes),
        (times(rows, classes), rows, classes, 1, times(rows, classes), rows),
        differentiate(logits, targets, weights, smoothing, share, gradient, losses, rows, classes))

// mean[0] = the sum of the losses that count / counted[0], 0 where that is 0; meter[0] += the sum,
// meter[1] += counted[0]; or, if the sum is not finite, meter[2] += 1
KERNELS(mean_loss, (const T* losses, const int* targets, const double* counted, Number<T>* mean,
                    double* meter, int rows),
        (rows, rows, 1, 1, 3), average(losses, targets, counted, mean, meter, rows))

// gradient[rows] = share[0] where the target counts, otherwise 0
KERNELS(mean_loss_gradient, (const int* targets, const Number<T>* share, T* gradient, int rows),
        (rows, 1, rows), share_to_rows(targets, share, gradient, rows))

// total[0] += factor[0] * loss[0]
WIDE_KERNELS(add_loss, (const T* loss, const double* factor, T* total), (1, 1, 1),
             add_weighted(loss, factor, total))
