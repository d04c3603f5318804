// Losses of real targets: each row's is the mean over its columns. A row whose loss has no gradient
// does not count, and nothing of it is read on the way back.
#include "dialect.cuh"

template <class T, class Loss>
DEVICE void row_means(Number<T>* losses, int rows, int columns, Loss loss) {
  using N = Number<T>;
  FOR_EACH_ROW(r, rows) {
    N sum = 0;
    FOR_EACH_COLUMN(c, columns) { sum += loss(r * columns + c); }
    sum = block_sum(sum);
    IF_FIRST_THREAD { losses[r] = sum / static_cast<N>(columns); }
  }
}

template <class T, class Slope>
DEVICE void spread_gradient(const Number<T>* dlosses, T* dx, int rows, int columns, Slope slope) {
  using N = Number<T>;
  FOR_EACH_ROW(r, rows) {
    const N share = dlosses[r] / static_cast<N>(columns);
    FOR_EACH_COLUMN(c, columns) {
      const long long i = r * columns + c;
      dx[i] = static_cast<T>(share == 0 ? N(0) : share * slope(i));
    }
  }
}

// The weight of what is positive is that of the element's class.
template <class N>
DEVICE N positive_part(const N* positive, int classes, long long i, N y) {
  return N(1) + (positive[i % classes] - N(1)) * y;
}

template <class T>
DEVICE void logistic_losses(const T* logits, const T* targets, const Number<T>* positive,
                            Number<T>* losses, int rows, int columns, int classes) {
  using N = Number<T>;
  row_means<T>(losses, rows, columns, [=](long long i) {
    const N x = static_cast<N>(logits[i]);
    const N y = static_cast<N>(targets[i]);
    const N of_negative = log1p(exp(x < 0 ? x : -x)) + (x < 0 ? -x : N(0));
    return (N(1) - y) * x + positive_part(positive, classes, i, y) * of_negative;
  });
}

template <class T>
DEVICE void logistic_slopes(const T* logits, const T* targets, const Number<T>* positive,
                            const Number<T>* dlosses, T* dx, int rows, int columns, int classes) {
  using N = Number<T>;
  spread_gradient<T>(dlosses, dx, rows, columns, [=](long long i) {
    const N x = static_cast<N>(logits[i]);
    const N y = static_cast<N>(targets[i]);
    const N power = exp(x < 0 ? x : -x);
    const N of_negative = (x < 0 ? N(1) : power) / (N(1) + power);
    return (N(1) - y) - positive_part(positive, classes, i, y) * of_negative;
  });
}

template <class T>
DEVICE void square_losses(const T* x, const T* y, Number<T>* losses, int rows, int columns) {
  using N = Number<T>;
  row_means<T>(losses, rows, columns, [=](long long i) {
    const N difference = static_cast<N>(x[i]) - static_cast<N>(y[i]);
    return difference * difference;
  });
}

template <class T>
DEVICE void square_slopes(const T* x, const T* y, const Number<T>* dlosses, T* dx, int rows,
                          int columns) {
  using N = Number<T>;
  spread_gradient<T>(dlosses, dx, rows, columns, [=](long long i) {
    return N(2) * (static_cast<N>(x[i]) - static_cast<N>(y[i]));
  });
}

// losses[rows] = the mean over the columns of -p * y * log s(x) - (1 - y) * log(1 - s(x)), with the
// logistic function s and positive[classes] for p, the elements' classes following each other
KERNELS(binary_cross_entropy, (const T* logits, const T* targets, const Number<T>* positive,
                               Number<T>* losses, int rows, int columns, int classes),
        (times(rows, columns), times(rows, columns), classes, rows),
        logistic_losses(logits, targets, positive, losses, rows, columns, classes))

// dx[rows, columns] = dlosses[rows] times the gradient of that
KERNELS(binary_cross_entropy_gradient, (const T* logits, const T* targets,
                                        const Number<T>* positive, const Number<T>* dlosses, T* dx,
                                        int rows, int columns, int classes),
        (times(rows, columns), times(rows, columns), classes, rows, times(rows, columns)),
        logistic_slopes(logits, targets, positive, dlosses, dx, rows, columns, classes))

// losses[rows] = the mean over the columns of (x - y)^2
KERNELS(squared_error, (const T* x, const T* y, Number<T>* losses, int rows, int columns),
        (times(rows, columns), times(rows, columns), rows),
        square_losses(x, y, losses, rows, columns))

// dx[rows, columns] = dlosses[rows] times the gradient of that
KERNELS(squared_error_gradient, (const T* x, const T* y, const Number<T>* dlosses, T* dx, int rows,
                                 int columns),
        (times(rows, columns), times(rows, columns), rows, times(rows, columns)),
        square_slopes(x, y, dlosses, dx, rows, columns))
