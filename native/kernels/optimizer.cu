// One fused step of each optimizer over the flat buffers of weights and gradients.
// Hyperparameters are doubles, rounded once, where they meet an element, as in PyTorch.
#include "dialect.cuh"

// The places of the step state, doubles in device memory. StepState.java names the same ones.
enum StepSlot {
  kLearningRate = 0,
  kStep = 1,
  kClipFactor = 2,
  kCorrection1 = 3,
  kCorrection2 = 4,
  kSkip = 5,
  kSkipped = 6,
  kBad = 7,
  kNorm = 8,
  kLoss = 9
};

template <class T>
DEVICE void prepare(const T* norm, const T* loss, const double* rate, double* state,
                    double norm_limit, double loss_limit, double beta1, double beta2) {
  FOR_EACH(i, 1) {
    const double length = norm[i];
    const double mean = loss[i];
    const bool finite = length - length == 0 && mean - mean == 0;
    state[kLearningRate] = rate[i];
    state[kNorm] = length;
    state[kLoss] = mean;
    state[kSkip] = finite ? 0 : 1;
    state[kSkipped] += finite ? 0 : 1;
    state[kBad] = finite && mean <= loss_limit ? 0 : state[kBad] + 1;
    if (finite) {
      const double step = state[kStep] + 1;
      state[kStep] = step;
      state[kClipFactor] = length > norm_limit ? norm_limit / length : 1;
      state[kCorrection1] = 1 - pow(beta1, step);
      state[kCorrection2] = sqrt(1 - pow(beta2, step));
    }
  }
}

template <class T>
DEVICE T clipped(T gradient, T factor, T limit) {
  const T scaled = gradient * factor;
  return scaled > limit ? limit : scaled < -limit ? -limit : scaled;
}

template <class T>
DEVICE void sgd(T* weights, const T* gradients, T* velocities, const double* state, double momentum,
                double dampening, double decay, int nesterov, double limit, long long n) {
  const long long count = state[kSkip] != 0 ? 0 : n;
  const T rate = static_cast<T>(state[kLearningRate]);
  const T factor = static_cast<T>(state[kClipFactor]);
  const T bound = static_cast<T>(limit);
  const T shrink = static_cast<T>(decay);
  const T kept = static_cast<T>(momentum);
  // The first gradient enters the velocity undamped.
  const T taken = static_cast<T>(state[kStep] == 1 ? 1 : 1 - dampening);
  FOR_EACH(i, count) {
    const T g = clipped(gradients[i], factor, bound) + shrink * weights[i];
    T step = g;
    if (kept != 0) {
      const T velocity = kept * velocities[i] + taken * g;
      velocities[i] = velocity;
      step = nesterov != 0 ? g + kept * velocity : velocity;
    }
    weights[i] -= rate * step;
  }
}

template <class T>
DEVICE void rms_prop(T* weights, const T* gradients, T* squares, T* means, T* velocities,
                     const double* state, double alpha, double epsilon, double decay,
                     double momentum, int centered, double limit, long long n) {
  const long long count = state[kSkip] != 0 ? 0 : n;
  const T rate = static_cast<T>(state[kLearningRate]);
  const T factor = static_cast<T>(state[kClipFactor]);
  const T bound = static_cast<T>(limit);
  const T shrink = static_cast<T>(decay);
  const T remembered = static_cast<T>(alpha);
  const T rest = static_cast<T>(1 - alpha);
  const T small = static_cast<T>(epsilon);
  const T kept = static_cast<T>(momentum);
  FOR_EACH(i, count) {
    const T g = clipped(gradients[i], factor, bound) + shrink * weights[i];
    T variance = remembered * squares[i] + rest * g * g;
    squares[i] = variance;
    if (centered != 0) {
      const T mean = means[i] + rest * (g - means[i]);
      means[i] = mean;
      variance -= mean * mean;
    }
    T step = g / (sqrt(variance) + small);
    if (kept != 0) {
      step += kept * velocities[i];
      velocities[i] = step;
    }
    weights[i] -= rate * step;
  }
}

template <class T>
DEVICE void adam(T* weights, const T* gradients, T* means, T* squares, const double* state,
                 double beta1, double beta2, double epsilon, double decay, int decoupled,
                 double limit, long long n) {
  const long long count = state[kSkip] != 0 ? 0 : n;
  const double rate = state[kLearningRate];
  const T step = static_cast<T>(rate / state[kCorrection1]);
  const T correction = static_cast<T>(state[kCorrection2]);
  const T factor = static_cast<T>(state[kClipFactor]);
  const T bound = static_cast<T>(limit);
  const T shrink = static_cast<T>(decoupled != 0 ? 0 : decay);
  const T kept = static_cast<T>(decoupled != 0 ? 1 - rate * decay : 1);
  const T rest1 = static_cast<T>(1 - beta1);
  const T remembered = static_cast<T>(beta2);
  const T rest2 = static_cast<T>(1 - beta2);
  const T small = static_cast<T>(epsilon);
  FOR_EACH(i, count) {
    const T weight = weights[i] * kept;
    const T g = clipped(gradients[i], factor, bound) + shrink * weight;
    const T mean = means[i] + rest1 * (g - means[i]);
    const T square = remembered * squares[i] + rest2 * g * g;
    means[i] = mean;
    squares[i] = square;
    weights[i] = weight - step * (mean / (sqrt(square) / correction + small));
  }
}

// From the gradient's norm, the loss and the learning rate: whether to skip the step (norm or loss
// is not finite), how many bad steps (skipped, or of a loss above the limit) there are in a row, the
// clip factor, the step count and Adam's bias corrections.
KERNEL(prepare_step_f32, (const float* norm, const float* loss, const double* rate, double* state,
                          double norm_limit, double loss_limit, double beta1, double beta2)) {
  prepare(norm, loss, rate, state, norm_limit, loss_limit, beta1, beta2);
}
KERNEL(prepare_step_f64, (const double* norm, const double* loss, const double* rate, double* state,
                          double norm_limit, double loss_limit, double beta1, double beta2)) {
  prepare(norm, loss, rate, state, norm_limit, loss_limit, beta1, beta2);
}

// Without momentum `velocities` is not touched.
KERNEL(sgd_f32, (float* weights, const float* gradients, float* velocities, const double* state,
                 double momentum, double dampening, double decay, int nesterov, double limit,
                 long long n)) {
  sgd(weights, gradients, velocities, state, momentum, dampening, decay, nesterov, limit, n);
}
KERNEL(sgd_f64, (double* weights, const double* gradients, double* velocities, const double* state,
                 double momentum, double dampening, double decay, int nesterov, double limit,
                 long long n)) {
  sgd(weights, gradients, velocities, state, momentum, dampening, decay, nesterov, limit, n);
}

// `means` is touched only when centered, `velocities` only with momentum.
KERNEL(rms_prop_f32, (float* weights, const float* gradients, float* squares, float* means,
                      float* velocities, const double* state, double alpha, double epsilon,
                      double decay, double momentum, int centered, double limit, long long n)) {
  rms_prop(weights, gradients, squares, means, velocities, state, alpha, epsilon, decay, momentum,
           centered, limit, n);
}
KERNEL(rms_prop_f64, (double* weights, const double* gradients, double* squares, double* means,
                      double* velocities, const double* state, double alpha, double epsilon,
                      double decay, double momentum, int centered, double limit, long long n)) {
  rms_prop(weights, gradients, squares, means, velocities, state, alpha, epsilon, decay, momentum,
           centered, limit, n);
}

// Adam when `decoupled` is 0 (the decay joins the gradient), else AdamW (it shrinks the weight).
KERNEL(adam_f32, (float* weights, const float* gradients, float* means, float* squares,
                  const double* state, double beta1, double beta2, double epsilon, double decay,
                  int decoupled, double limit, long long n)) {
  adam(weights, gradients, means, squares, state, beta1, beta2, epsilon, decay, decoupled, limit,
       n);
}
KERNEL(adam_f64, (double* weights, const double* gradients, double* means, double* squares,
                  const double* state, double beta1, double beta2, double epsilon, double decay,
                  int decoupled, double limit, long long n)) {
  adam(weights, gradients, means, squares, state, beta1, beta2, epsilon, decay, decoupled, limit,
       n);
}

// A refused step may leave NaN in the carried state, which then starts again from zero.
KERNEL(clear_if_skipped_f32, (float* carried, const double* state, long long n)) {
  const long long count = state[kSkip] != 0 ? n : 0;
  FOR_EACH(i, count) { carried[i] = 0; }
}
KERNEL(clear_if_skipped_f64, (double* carried, const double* state, long long n)) {
  const long long count = state[kSkip] != 0 ? n : 0;
  FOR_EACH(i, count) { carried[i] = 0; }
}
