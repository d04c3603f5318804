// Layer normalization. moments[rows, 2] are the mean of each row and 1 / sqrt(variance + epsilon),
// in the type that is computed in.
#include "dialect.cuh"

template <class T>
DEVICE void normalize(const T* x, const T* weight, const T* bias, double epsilon, T* y,
                      Number<T>* moments, int rows, int columns) {
  using N = Number<T>;
  FOR_EACH_ROW(r, rows) {
    const T* row = x + r * columns;
    N sum = 0;
    FOR_EACH_COLUMN(c, columns) { sum += static_cast<N>(row[c]); }
    const N mean = block_sum(sum) / columns;
    N squares = 0;
    FOR_EACH_COLUMN(c, columns) {
      const N off = static_cast<N>(row[c]) - mean;
      squares += off * off;
    }
    const N variance = block_sum(squares) / columns;
    const N inverse = N(1) / sqrt(variance + static_cast<N>(epsilon));
    FOR_EACH_COLUMN(c, columns) {
      const N value = (static_cast<N>(row[c]) - mean) * inverse;
      y[r * columns + c] =
          static_cast<T>(value * static_cast<N>(weight[c]) + static_cast<N>(bias[c]));
    }
    IF_FIRST_THREAD {
      moments[2 * r] = mean;
      moments[2 * r + 1] = inverse;
    }
  }
}

// With n = (x - mean) inverse and g = weight dy: dx = inverse (g - mean(g) - n mean(g n)).
template <class T>
DEVICE void differentiate(const T* x, const T* weight, const Number<T>* moments, const T* dy,
                          T* dx, int rows, int columns) {
  using N = Number<T>;
  FOR_EACH_ROW(r, rows) {
    const T* row = x + r * columns;
    const T* slope = dy + r * columns;
    const N mean = moments[2 * r];
    const N inverse = moments[2 * r + 1];
    N sum = 0;
    N product = 0;
    FOR_EACH_COLUMN(c, columns) {
      const N g = static_cast<N>(weight[c]) * static_cast<N>(slope[c]);
      sum += g;
      product += g * (static_cast<N>(row[c]) - mean) * inverse;
    }
    sum = block_sum(sum) / columns;
    product = block_sum(product) / columns;
    FOR_EACH_COLUMN(c, columns) {
      const N n = (static_cast<N>(row[c]) - mean) * inverse;
      const N g = static_cast<N>(weight[c]) * static_cast<N>(slope[c]);
      dx[r * columns + c] = static_cast<T>(inverse * (g - sum - n * product));
    }
  }
}

template <class T>
DEVICE void add_weight_gradient(const T* x, const Number<T>* moments, const T* dy, T* dweight,
                                int rows, int columns) {
  using N = Number<T>;
  column_sums(
      rows, columns,
      [=](long long r, long long c) {
        const N n = (static_cast<N>(x[r * columns + c]) - moments[2 * r]) * moments[2 * r + 1];
        return n * static_cast<N>(dy[r * columns + c]);
      },
      [=](long long c, N sum) { dweight[c] = static_cast<T>(static_cast<N>(dweight[c]) + sum); });
}

// y[rows, columns] = (x - mean) / sqrt(variance + epsilon) weight[columns] + bias[columns]
KERNELS(layer_norm, (const T* x, const T* weight, const T* bias, double epsilon, T* y,
                     Number<T>* moments, int rows, int columns),
        (times(rows, columns), columns, columns, times(rows, columns), times(2, rows)),
        normalize(x, weight, bias, epsilon, y, moments, rows, columns))

// dx[rows, columns] from dy
KERNELS(layer_norm_gradient, (const T* x, const T* weight, const Number<T>* moments, const T* dy,
                              T* dx, int rows, int columns),
        (times(rows, columns), columns, times(2, rows), times(rows, columns), times(rows, columns)),
        differentiate(x, weight, moments, dy, dx, rows, columns))

// dweight[columns] += the gradient of the weight
KERNELS(layer_norm_weight_gradient, (const T* x, const Number<T>* moments, const T* dy, T* dweight,
                                     int rows, int columns),
        (times(rows, columns), times(2, rows), times(rows, columns), columns),
        add_weight_gradient(x, moments, dy, dweight, rows, columns))
