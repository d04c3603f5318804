// Sequences of any lengths: [T, B, columns], of which lengths[B] steps count. What is behind them
// is not read and becomes 0.
#include "dialect.cuh"

template <class T>
DEVICE void mask(const int* lengths, const T* x, T* y, int time, int batch, int columns) {
  FOR_EACH_ROW(r, static_cast<long long>(time) * batch) {
    const bool counts = r / batch < steps_of(lengths, r % batch, time);
    FOR_EACH_COLUMN(c, columns) { y[r * columns + c] = counts ? x[r * columns + c] : T(0.0f); }
  }
}

// The last step first: y of step t is x of step lengths - 1 - t.
template <class T>
DEVICE void reverse(const int* lengths, const T* x, T* y, int time, int batch, int columns) {
  FOR_EACH_ROW(r, static_cast<long long>(time) * batch) {
    const long long place = steps_of(lengths, r % batch, time) - 1 - r / batch;
    const T* from = x + (place * batch + r % batch) * columns;
    FOR_EACH_COLUMN(c, columns) { y[r * columns + c] = place >= 0 ? from[c] : T(0.0f); }
  }
}

template <class T>
DEVICE void last(const int* lengths, const T* x, T* y, int time, int batch, int columns) {
  FOR_EACH_ROW(b, batch) {
    const long long place = steps_of(lengths, b, time) - 1;
    const T* from = x + (place * batch + b) * columns;
    FOR_EACH_COLUMN(c, columns) { y[b * columns + c] = place >= 0 ? from[c] : T(0.0f); }
  }
}

template <class T>
DEVICE void last_gradient(const int* lengths, const T* dy, T* dx, int time, int batch,
                          int columns) {
  FOR_EACH_ROW(r, static_cast<long long>(time) * batch) {
    const long long b = r % batch;
    const bool is_last = r / batch == steps_of(lengths, b, time) - 1;
    FOR_EACH_COLUMN(c, columns) { dx[r * columns + c] = is_last ? dy[b * columns + c] : T(0.0f); }
  }
}

template <class T>
DEVICE Number<T> factor_of(int length, int averaged) {
  return averaged != 0 && length > 0 ? Number<T>(1) / static_cast<Number<T>>(length)
                                     : Number<T>(1);
}

template <class T>
DEVICE void sum(const int* lengths, const T* x, T* y, int averaged, int time, int batch,
                int columns) {
  FOR_EACH_ROW(b, batch) {
    const int length = steps_of(lengths, b, time);
    const Number<T> factor = factor_of<T>(length, averaged);
    FOR_EACH_COLUMN(c, columns) {
      Number<T> total = 0;
      for (long long t = 0; t < length; ++t) {
        total += static_cast<Number<T>>(x[(t * batch + b) * columns + c]);
      }
      y[b * columns + c] = static_cast<T>(factor * total);
    }
  }
}

template <class T>
DEVICE void sum_gradient(const int* lengths, const T* dy, T* dx, int averaged, int time, int batch,
                         int columns) {
  FOR_EACH_ROW(r, static_cast<long long>(time) * batch) {
    const long long b = r % batch;
    const int length = steps_of(lengths, b, time);
    const Number<T> factor =
        r / batch < length ? factor_of<T>(length, averaged) : Number<T>(0);
    FOR_EACH_COLUMN(c, columns) {
      dx[r * columns + c] = static_cast<T>(factor * static_cast<Number<T>>(dy[b * columns + c]));
    }
  }
}

template <class T>
DEVICE void swap(const T* x, T* y, int first, int second, int columns) {
  FOR_EACH_ROW(r, static_cast<long long>(first) * second) {
    const T* from = x + r * columns;
    T* to = y + (r % second * first + r / second) * columns;
    FOR_EACH_COLUMN(c, columns) { to[c] = from[c]; }
  }
}

// Of each row the columns below the length of its group of rows; the others have probability 0.
template <class T>
DEVICE void softmax(const int* lengths, const T* x, T* y, int rows, int columns, int group) {
  using N = Number<T>;
  FOR_EACH_ROW(r, rows) {
    const T* row = x + r * columns;
    const int length = steps_of(lengths, r / group, columns);
    const N largest = row_max(length, [=](long long c) { return static_cast<N>(row[c]); });
    const auto power = [=](long long c) { return vector_exp(static_cast<N>(row[c]) - largest); };
    const N inverse = N(1) / row_sum(length, power);
    FOR_EACH_COLUMN(c, columns) {
      y[r * columns + c] = c < length ? static_cast<T>(power(c) * inverse) : T(0.0f);
    }
  }
}

// Where y is 0, so is the gradient: the lengths are in y.
template <class T>
DEVICE void softmax_gradient(const T* y, const T* dy, T* dx, int rows, int columns) {
  using N = Number<T>;
  FOR_EACH_ROW(r, rows) {
    N product = 0;
    FOR_EACH_COLUMN(c, columns) {
      product += static_cast<N>(y[r * columns + c]) * static_cast<N>(dy[r * columns + c]);
    }
    product = block_sum(product);
    FOR_EACH_COLUMN(c, columns) {
      const N p = static_cast<N>(y[r * columns + c]);
      dx[r * columns + c] = static_cast<T>(p * (static_cast<N>(dy[r * columns + c]) - product));
    }
  }
}

// steps[time, batch] = the number of the step, -1 where it does not count
KERNEL(time_steps, (const int* lengths, int* steps, int time, int batch),
       (batch, times(time, batch))) {
  FOR_EACH(i, static_cast<long long>(time) * batch) {
    const int step = static_cast<int>(i / batch);
    steps[i] = step < steps_of(lengths, i % batch, time) ? step : -1;
  }
}

// y = x up to the lengths
KERNELS(mask_time, (const int* lengths, const T* x, T* y, int time, int batch, int columns),
        (batch, times(time, batch, columns), times(time, batch, columns)),
        mask(lengths, x, y, time, batch, columns))

// y = x with the steps of each sequence in reverse
KERNELS(reverse_time, (const int* lengths, const T* x, T* y, int time, int batch, int columns),
        (batch, times(time, batch, columns), times(time, batch, columns)),
        reverse(lengths, x, y, time, batch, columns))

// y[batch, columns] = the last step of each sequence, 0 of an empty one
KERNELS(last_step, (const int* lengths, const T* x, T* y, int time, int batch, int columns),
        (batch, times(time, batch, columns), times(batch, columns)),
        last(lengths, x, y, time, batch, columns))

// dx[time, batch, columns] from dy[batch, columns]
KERNELS(last_step_gradient, (const int* lengths, const T* dy, T* dx, int time, int batch,
                             int columns),
        (batch, times(batch, columns), times(time, batch, columns)),
        last_gradient(lengths, dy, dx, time, batch, columns))

// y[batch, columns] = the sum of the steps of each sequence, or their mean
KERNELS(sum_time, (const int* lengths, const T* x, T* y, int averaged, int time, int batch,
                   int columns),
        (batch, times(time, batch, columns), times(batch, columns)),
        sum(lengths, x, y, averaged, time, batch, columns))

// dx[time, batch, columns] from dy[batch, columns]
KERNELS(sum_time_gradient, (const int* lengths, const T* dy, T* dx, int averaged, int time,
                            int batch, int columns),
        (batch, times(batch, columns), times(time, batch, columns)),
        sum_gradient(lengths, dy, dx, averaged, time, batch, columns))

// y[second, first, columns] = x[first, second, columns]
KERNELS(swap, (const T* x, T* y, int first, int second, int columns),
        (times(first, second, columns), times(first, second, columns)),
        swap(x, y, first, second, columns))

// y[rows, columns] = the softmax of the columns below lengths[row / group]
KERNELS(masked_softmax, (const int* lengths, const T* x, T* y, int rows, int columns, int group),
        (parts(rows, group), times(rows, columns), times(rows, columns)),
        softmax(lengths, x, y, rows, columns, group))

// dx[rows, columns] from y and dy
KERNELS(masked_softmax_gradient, (const T* y, const T* dy, T* dx, int rows, int columns),
        (times(rows, columns), times(rows, columns), times(rows, columns)),
        softmax_gradient(y, dy, dx, rows, columns))
