// What is predicted, and how often that is right. A negative target does not count, nor does one
// that is no class.
#include "dialect.cuh"

// NaN is not the largest; of several, the first is. A row of nothing but NaN has none: -1.
template <class T>
DEVICE void first_largest(const T* x, int* indices, int rows, int columns) {
  using N = Number<T>;
  const N zero = 0;
  FOR_EACH_ROW(r, rows) {
    const T* row = x + r * columns;
    N largest = N(-1) / zero;
    FOR_EACH_COLUMN(c, columns) {
      const N value = static_cast<N>(row[c]);
      largest = value > largest ? value : largest;
    }
    largest = block_max(largest);
    // The first is that with most columns behind it.
    int behind = -1;
    FOR_EACH_COLUMN(c, columns) {
      const int others = columns - 1 - static_cast<int>(c);
      if (static_cast<N>(row[c]) == largest && others > behind) behind = others;
    }
    behind = block_max(behind);
    IF_FIRST_THREAD { indices[r] = behind < 0 ? -1 : columns - 1 - behind; }
  }
}

// indices[rows] = the first column of the largest element
KERNELS(argmax, (const T* x, int* indices, int rows, int columns), (times(rows, columns), rows),
        first_largest(x, indices, rows, columns))

// counts[0] += how many predictions are their targets, counts[1] += how many targets count
KERNEL(count_right, (const int* predicted, const int* targets, double* counts, int rows,
                     int classes), (rows, rows, 2)) {
  FOR_EACH_ROW(only, 1) {
    double right = 0;
    double counted = 0;
    FOR_EACH_COLUMN(r, rows) {
      const bool counts_too = targets[r] >= 0 && targets[r] < classes;
      right += counts_too && predicted[r] == targets[r] ? 1 : 0;
      counted += counts_too ? 1 : 0;
    }
    right = block_sum(right);
    counted = block_sum(counted);
    IF_FIRST_THREAD {
      counts[only] += right;
      counts[only + 1] += counted;
    }
  }
}

// counts[target, prediction] += 1 for each row; each target's counts have one writer
KERNEL(count_confusions, (const int* predicted, const int* targets, double* counts, int rows,
                          int classes), (rows, rows, times(classes, classes))) {
  FOR_EACH_ROW(target, classes) {
    IF_FIRST_THREAD {
      for (int r = 0; r < rows; ++r) {
        const int prediction = predicted[r];
        if (targets[r] == target && prediction >= 0 && prediction < classes) {
          counts[target * classes + prediction] += 1;
        }
      }
    }
  }
}
