// One fused step of each optimizer over the flat buffers of weights and gradients.
// Hyperparameters are doubles, rounded once, where they meet an element, as in PyTorch. Without
// epsilon what has had no gradient, such as padding, stays as it is; PyTorch makes it NaN.
//
// With gradients of 16 bits the weights are trained in FP32; a copy of them, rounded to the
// gradients' type, is what the model computes with.
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
  kLoss = 9,
  kScale = 10,
  kScaleSteps = 11,
  kFactor = 12
};

DEVICE double clip_factor(double length, double limit) {
  return length > limit ? limit / length : 1;
}

template <class T>
DEVICE void prepare(const T* norm, const T* clipped_norm, const T* loss, const double* rate,
                    double* state, double norm_limit, double loss_limit, double beta1,
                    double beta2, double grow_every, double micro_batches) {
  constexpr double least_scale = 1;
  constexpr double most_scale = 16777216;  // makes the least subnormal of FP16 a 1
  FOR_EACH(i, 1) {
    const double scale = state[kScale];
    const double divisor = scale * micro_batches;
    const double length = norm[i] / divisor;
    const double mean = loss[i];
    const bool finite = length - length == 0 && mean - mean == 0;
    // Not the training's fault: the next step has a smaller scale.
    const bool too_large = !finite && mean - mean == 0 && grow_every > 0 && scale > least_scale;
    state[kLearningRate] = rate[i];
    state[kNorm] = length;
    state[kLoss] = mean;
    state[kSkip] = finite ? 0 : 1;
    state[kSkipped] += finite ? 0 : 1;
    state[kBad] = finite && mean <= loss_limit ? 0 : state[kBad] + (too_large ? 0 : 1);
    if (finite) {
      const double step = state[kStep] + 1;
      state[kStep] = step;
      state[kClipFactor] = clip_factor(clipped_norm[i] / divisor, norm_limit);
      state[kFactor] = state[kClipFactor] / divisor;
      state[kCorrection1] = 1 - pow(beta1, step);
      state[kCorrection2] = sqrt(1 - pow(beta2, step));
    }
    if (grow_every > 0) {
      const double steps = finite ? state[kScaleSteps] + 1 : 0;
      const bool grow = steps >= grow_every;
      const double next = finite ? (grow ? scale * 2 : scale) : scale / 2;
      state[kScaleSteps] = grow ? 0 : steps;
      state[kScale] = next < least_scale ? least_scale : next > most_scale ? most_scale : next;
    }
  }
}

template <class T>
DEVICE void prepare_group(const T* norm, const double* state, double* group, double norm_limit,
                          double rate_factor) {
  FOR_EACH(i, 1) {
    for (int slot = 0; slot <= kFactor; ++slot) group[slot] = state[slot];
    const double unscaled = state[kFactor] / state[kClipFactor];
    group[kLearningRate] = state[kLearningRate] * rate_factor;
    group[kNorm] = norm[i] * unscaled;
    group[kClipFactor] = clip_factor(group[kNorm], norm_limit);
    group[kFactor] = group[kClipFactor] * unscaled;
  }
}

// The square root of the sum of squares of each chunk, so that their norm is the norm of all.
template <class T>
DEVICE void chunk_norms(const T* values, float* norms, long long chunk, long long n) {
  FOR_EACH_ROW(r, (n + chunk - 1) / chunk) {
    const T* begin = values + r * chunk;
    const long long count = n - r * chunk < chunk ? n - r * chunk : chunk;
    float sum = 0;
    FOR_EACH_COLUMN(c, count) {
      const float value = static_cast<float>(begin[c]);
      sum += value * value;
    }
    sum = block_sum(sum);
    IF_FIRST_THREAD { norms[r] = sqrt(sum); }
  }
}

template <class T, class G>
DEVICE T clipped(G gradient, T factor, T limit) {
  const T scaled = static_cast<T>(gradient) * factor;
  return scaled > limit ? limit : scaled < -limit ? -limit : scaled;
}

template <class T>
DEVICE T quotient(T dividend, T divisor) {
  return dividend / (divisor != 0 ? divisor : 1);
}

// What the model computes with, if that is not the weight itself.
template <class T, class G>
DEVICE void round_to(G* rounded, long long i, T weight) {
  if constexpr (is_narrow<G>) rounded[i] = static_cast<G>(weight);
}

template <class T, class G>
DEVICE void sgd(T* weights, G* rounded, const G* gradients, T* velocities, const double* state,
                double momentum, double dampening, double decay, int nesterov, double limit,
                long long n) {
  const long long count = state[kSkip] != 0 ? 0 : n;
  const T rate = static_cast<T>(state[kLearningRate]);
  const T factor = static_cast<T>(state[kFactor]);
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
    const T weight = weights[i] - rate * step;
    weights[i] = weight;
    round_to(rounded, i, weight);
  }
}

template <class T, class G>
DEVICE void rms_prop(T* weights, G* rounded, const G* gradients, T* squares, T* means,
                     T* velocities, const double* state, double alpha, double epsilon,
                     double decay, double momentum, int centered, double limit, long long n) {
  const long long count = state[kSkip] != 0 ? 0 : n;
  const T rate = static_cast<T>(state[kLearningRate]);
  const T factor = static_cast<T>(state[kFactor]);
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
    // Of gradients that hardly change, rounding may leave less than nothing.
    T step = quotient(g, sqrt(variance > 0 ? variance : 0) + small);
    if (kept != 0) {
      step += kept * velocities[i];
      velocities[i] = step;
    }
    const T weight = weights[i] - rate * step;
    weights[i] = weight;
    round_to(rounded, i, weight);
  }
}

template <class T, class G>
DEVICE void adam(T* weights, G* rounded, const G* gradients, T* means, T* squares,
                 const double* state, double beta1, double beta2, double epsilon, double decay,
                 int decoupled, double limit, long long n) {
  const long long count = state[kSkip] != 0 ? 0 : n;
  const double rate = state[kLearningRate];
  const T step = static_cast<T>(rate / state[kCorrection1]);
  const T correction = static_cast<T>(state[kCorrection2]);
  const T factor = static_cast<T>(state[kFactor]);
  const T bound = static_cast<T>(limit);
  const T shrink = static_cast<T>(decoupled != 0 ? 0 : decay);
  const T kept = static_cast<T>(decoupled != 0 ? 1 - rate * decay : 1);
  const T rest1 = static_cast<T>(1 - beta1);
  const T remembered = static_cast<T>(beta2);
  const T rest2 = static_cast<T>(1 - beta2);
  const T small = static_cast<T>(epsilon);
  FOR_EACH(i, count) {
    const T before = weights[i] * kept;
    const T g = clipped(gradients[i], factor, bound) + shrink * before;
    const T mean = means[i] + rest1 * (g - means[i]);
    const T square = remembered * squares[i] + rest2 * g * g;
    means[i] = mean;
    squares[i] = square;
    const T weight = before - step * quotient(mean, sqrt(square) / correction + small);
    weights[i] = weight;
    round_to(rounded, i, weight);
  }
}

template <class T, class G>
DEVICE void ready(const G* gradients, T* result, const double* state, double limit, long long n) {
  const long long count = state[kSkip] != 0 ? 0 : n;
  const T factor = static_cast<T>(state[kFactor]);
  const T bound = static_cast<T>(limit);
  FOR_EACH(i, count) { result[i] = clipped(gradients[i], factor, bound); }
}

template <class G>
DEVICE void round_all(const float* weights, G* rounded, long long n) {
  FOR_EACH(i, n) { round_to(rounded, i, weights[i]); }
}

template <class T>
DEVICE void clear_if_skipped(T* carried, const double* state, long long n) {
  const long long count = state[kSkip] != 0 ? n : 0;
  FOR_EACH(i, count) { carried[i] = static_cast<T>(0); }
}

// From the gradient's norm, the loss and the learning rate: whether to skip the step (norm or loss
// is not finite), how many bad steps (skipped, or of a loss above the limit) there are in a row,
// what to multiply the gradient by, the step count and Adam's bias corrections. `clipped_norm` is
// that of the part of the gradient which is clipped together, most often all of it. The gradient is
// the sum of `micro_batches`. The scale of the loss, which the gradient has, too, is halved when
// the gradient is not finite and doubled after `grow_every` steps in which it is; 0 leaves it as it
// is.
WIDE_KERNELS(prepare_step, (const T* norm, const T* clipped_norm, const T* loss, const double* rate,
                            double* state, double norm_limit, double loss_limit, double beta1,
                            double beta2, double grow_every, double micro_batches),
             (1, 1, 1, 1, 13),
             prepare(norm, clipped_norm, loss, rate, state, norm_limit, loss_limit, beta1, beta2,
                     grow_every, micro_batches))

// group = the state of a step for parameters whose gradient has this norm, clipped on its own, and
// with a learning rate that is multiplied.
WIDE_KERNELS(prepare_group, (const T* norm, const double* state, double* group, double norm_limit,
                             double rate_factor),
             (1, 13, 13), prepare_group(norm, state, group, norm_limit, rate_factor))

// norms[ceil(n / chunk)] = the Euclidean norm of each chunk of n values
NARROW_KERNELS(chunk_norms, (const T* values, float* norms, long long chunk, long long n),
               (n, parts(n, chunk)), chunk_norms(values, norms, chunk, n))

// Without momentum `velocities` is not touched.
WIDE_KERNELS(sgd, (T* weights, const T* gradients, T* velocities, const double* state,
                   double momentum, double dampening, double decay, int nesterov, double limit,
                   long long n),
             (n, n, n, 13),
             sgd(weights, weights, gradients, velocities, state, momentum, dampening, decay,
                 nesterov, limit, n))
NARROW_KERNELS(sgd, (float* weights, T* rounded, const T* gradients, float* velocities,
                     const double* state, double momentum, double dampening, double decay,
                     int nesterov, double limit, long long n),
               (n, n, n, n, 13),
               sgd(weights, rounded, gradients, velocities, state, momentum, dampening, decay,
                   nesterov, limit, n))

// `means` is touched only when centered, `velocities` only with momentum.
WIDE_KERNELS(rms_prop, (T* weights, const T* gradients, T* squares, T* means, T* velocities,
                        const double* state, double alpha, double epsilon, double decay,
                        double momentum, int centered, double limit, long long n),
             (n, n, n, n, n, 13),
             rms_prop(weights, weights, gradients, squares, means, velocities, state, alpha,
                      epsilon, decay, momentum, centered, limit, n))
NARROW_KERNELS(rms_prop, (float* weights, T* rounded, const T* gradients, float* squares,
                          float* means, float* velocities, const double* state, double alpha,
                          double epsilon, double decay, double momentum, int centered, double limit,
                          long long n),
               (n, n, n, n, n, n, 13),
               rms_prop(weights, rounded, gradients, squares, means, velocities, state, alpha,
                        epsilon, decay, momentum, centered, limit, n))

// Adam when `decoupled` is 0 (the decay joins the gradient), else AdamW (it shrinks the weight).
WIDE_KERNELS(adam, (T* weights, const T* gradients, T* means, T* squares, const double* state,
                    double beta1, double beta2, double epsilon, double decay, int decoupled,
                    double limit, long long n),
             (n, n, n, n, 13),
             adam(weights, weights, gradients, means, squares, state, beta1, beta2, epsilon, decay,
                  decoupled, limit, n))
NARROW_KERNELS(adam, (float* weights, T* rounded, const T* gradients, float* means, float* squares,
                      const double* state, double beta1, double beta2, double epsilon, double decay,
                      int decoupled, double limit, long long n),
               (n, n, n, n, n, 13),
               adam(weights, rounded, gradients, means, squares, state, beta1, beta2, epsilon,
                    decay, decoupled, limit, n))

// A refused step may leave NaN in the carried state, which then starts again from zero.
KERNELS(clear_if_skipped, (T* carried, const double* state, long long n), (n, 13),
        clear_if_skipped(carried, state, n))

// result[n] = what an optimizer that has no kernel of its own sees of the gradients: divided by the
// scale of the loss and clipped
KERNELS(ready_gradients, (const T* gradients, Number<T>* result, const double* state, double limit,
                          long long n),
        (n, n, 13), ready(gradients, result, state, limit, n))

// rounded[n] = the weights in the type that the model computes with
NARROW_KERNELS(round_weights, (const float* weights, T* rounded, long long n), (n, n),
               round_all(weights, rounded, n))
