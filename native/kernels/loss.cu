// Softmax cross-entropy over rows of logits. A negative target is not counted; a target beyond the
// classes has no meaning and makes the loss and its gradient NaN, so that the step is refused.
#include "dialect.cuh"

template <class T>
DEVICE T not_a_number() {
  const T zero = T(0);
  return zero / zero;
}

template <class T>
DEVICE void softmax_losses(const T* logits, const int* targets, T* probabilities, T* losses,
                           int rows, int classes) {
  FOR_EACH_ROW(r, rows) {
    const T* row = logits + r * classes;
    T* probability = probabilities + r * classes;
    T largest = row[0];
    FOR_EACH_COLUMN(c, classes) { largest = row[c] > largest ? row[c] : largest; }
    largest = block_max(largest);
    T sum = T(0);
    FOR_EACH_COLUMN(c, classes) {
      const T power = exp(row[c] - largest);
      probability[c] = power;
      sum += power;
    }
    sum = block_sum(sum);
    const T inverse = T(1) / sum;
    FOR_EACH_COLUMN(c, classes) { probability[c] *= inverse; }
    IF_FIRST_THREAD {
      const int target = targets[r];
      if (target < 0) {
        losses[r] = T(0);
      } else {
        losses[r] = target < classes ? largest + log(sum) - row[target] : not_a_number<T>();
      }
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
      const double inverse = counted > 0 ? 1 / counted : 0;
      mean[only] = static_cast<T>(sum * inverse);
      mean[only + 1] = static_cast<T>(inverse);
      if (sum - sum == 0) {
        meter[only] += sum;
        meter[only + 1] += counted;
      }
    }
  }
}

template <class T>
DEVICE void differentiate(T* probabilities, const int* targets, const T* mean, int rows,
                          int classes) {
  const T scale = mean[1];
  FOR_EACH_ROW(r, rows) {
    T* row = probabilities + r * classes;
    const int target = targets[r];
    const T factor = target < 0 ? T(0) : target < classes ? scale : not_a_number<T>();
    FOR_EACH_COLUMN(c, classes) { row[c] = (c == target ? row[c] - T(1) : row[c]) * factor; }
  }
}

// losses[rows] = -log softmax(logits)[target] of each row; probabilities[rows, classes] = softmax
KERNEL(cross_entropy_f32, (const float* logits, const int* targets, float* probabilities,
                           float* losses, int rows, int classes)) {
  softmax_losses(logits, targets, probabilities, losses, rows, classes);
}
KERNEL(cross_entropy_f64, (const double* logits, const int* targets, double* probabilities,
                           double* losses, int rows, int classes)) {
  softmax_losses(logits, targets, probabilities, losses, rows, classes);
}

// mean[0] = the mean loss of the counted rows, mean[1] = 1 / their number (0 when there are none);
// meter[0] += the sum of the losses, meter[1] += the number of rows, unless the sum is not finite
KERNEL(mean_loss_f32, (const float* losses, const int* targets, float* mean, double* meter,
                       int rows)) {
  average(losses, targets, mean, meter, rows);
}
KERNEL(mean_loss_f64, (const double* losses, const int* targets, double* mean, double* meter,
                       int rows)) {
  average(losses, targets, mean, meter, rows);
}

// In place: probabilities become the gradient of the mean loss with respect to the logits.
KERNEL(cross_entropy_gradient_f32, (float* probabilities, const int* targets, const float* mean,
                                    int rows, int classes)) {
  differentiate(probabilities, targets, mean, rows, classes);
}
KERNEL(cross_entropy_gradient_f64, (double* probabilities, const int* targets, const double* mean,
                                    int rows, int classes)) {
  differentiate(probabilities, targets, mean, rows, classes);
}
