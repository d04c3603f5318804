// The bias of a linear layer; its products are matrix multiplications.
#include "dialect.cuh"

template <class T>
DEVICE void add_to_rows(const T* bias, T* y, int rows, int columns) {
  FOR_EACH_ROW(r, rows) {
    FOR_EACH_COLUMN(c, columns) {
      T& target = y[r * columns + c];
      target = static_cast<T>(static_cast<Number<T>>(target) + static_cast<Number<T>>(bias[c]));
    }
  }
}

template <class T>
DEVICE void add_column_sums(const T* dy, T* dbias, int rows, int columns) {
  using N = Number<T>;
  column_sums(
      rows, columns,
      [=](long long r, long long c) { return static_cast<N>(dy[r * columns + c]); },
      [=](long long c, N sum) { dbias[c] = static_cast<T>(static_cast<N>(dbias[c]) + sum); });
}

// y[rows, columns] += bias[columns]
KERNELS(add_bias, (const T* bias, T* y, int rows, int columns), (columns, times(rows, columns)),
        add_to_rows(bias, y, rows, columns))

// dbias[columns] += the sum of dy[rows, columns] over the rows
KERNELS(bias_gradient, (const T* dy, T* dbias, int rows, int columns),
        (times(rows, columns), columns), add_column_sums(dy, dbias, rows, columns))
