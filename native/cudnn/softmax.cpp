#include <algorithm>
#include <cmath>
#include <limits>

#include "cudnn/buffers.hpp"
#include "cudnn/tensor.hpp"
#include "fault/call.hpp"
#include "runtime/pool.hpp"

using namespace cudnn4j;
using namespace cudnn4j::cudnn;

namespace {

/**
 * A tensor as groups of elements that sum to one: over all dimensions but the first (INSTANCE) or
 * over the second alone (CHANNEL).
 */
struct Groups {
  Groups(const cudnnTensorStruct& tensor, cudnnSoftmaxMode_t mode)
      : outer(tensor, 0, 1),
        rest(tensor, 2, mode == CUDNN_SOFTMAX_MODE_CHANNEL ? tensor.dims : 2),
        inside(tensor, 1, mode == CUDNN_SOFTMAX_MODE_CHANNEL ? 2 : tensor.dims) {}

  int64_t count() const { return outer.count() * rest.count(); }
  int64_t start(int64_t group) const {
    return outer.offset(group / rest.count()) + rest.offset(group % rest.count());
  }

  Walk outer;
  Walk rest;
  Walk inside;
};

/** What alpha and beta point to: double for DOUBLE data, else float. */
template <class T>
struct Blend {
  T alpha;
  T beta;
};

/** One group of a tensor of element type S (which may be const). */
template <class S>
struct Group {
  using T = Computed<S>;

  S* data;
  const Walk& walk;

  T operator[](int64_t i) const { return static_cast<T>(data[walk.offset(i)]); }

  void write(int64_t i, T value, const Blend<T>& blend) const {
    S& out = data[walk.offset(i)];
    // With beta = 0 the old contents may be NaN and are not read.
    out = S(blend.beta == 0 ? blend.alpha * value
                            : blend.alpha * value + blend.beta * static_cast<T>(out));
  }
};

template <class S, class T = Computed<S>>
void forward_group(cudnnSoftmaxAlgorithm_t algorithm, int64_t count, const Group<const S>& x,
                   const Group<S>& y, const Blend<T>& blend) {
  T highest = 0;
  if (algorithm != CUDNN_SOFTMAX_FAST) {
    highest = -std::numeric_limits<T>::infinity();
    for (int64_t i = 0; i < count; ++i) {
      highest = std::max(highest, x[i]);
    }
  }
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    sum += std::exp(x[i] - highest);
  }
  if (algorithm == CUDNN_SOFTMAX_LOG) {
    const T log_sum = static_cast<T>(std::log(sum));
    for (int64_t i = 0; i < count; ++i) {
      y.write(i, x[i] - highest - log_sum, blend);
    }
  } else {
    const T scale = static_cast<T>(1 / sum);
    for (int64_t i = 0; i < count; ++i) {
      y.write(i, std::exp(x[i] - highest) * scale, blend);
    }
  }
}

template <class S, class T = Computed<S>>
void backward_group(cudnnSoftmaxAlgorithm_t algorithm, int64_t count, const Group<const S>& y,
                    const Group<const S>& dy, const Group<S>& dx, const Blend<T>& blend) {
  double sum = 0;
  if (algorithm == CUDNN_SOFTMAX_LOG) {
    for (int64_t i = 0; i < count; ++i) {
      sum += dy[i];
    }
    for (int64_t i = 0; i < count; ++i) {
      dx.write(i, dy[i] - std::exp(y[i]) * static_cast<T>(sum), blend);
    }
  } else {
    for (int64_t i = 0; i < count; ++i) {
      sum += double{y[i]} * dy[i];
    }
    for (int64_t i = 0; i < count; ++i) {
      dx.write(i, y[i] * (dy[i] - static_cast<T>(sum)), blend);
    }
  }
}

/** Calls f(group) for every group, split over the pool. */
template <class F>
void for_groups(int64_t count, F&& f) {
  const int parts = static_cast<int>(std::min<int64_t>(pool_threads(), count));
  parallel_for(parts, [&](int part) {
    for (int64_t group = count * part / parts; group < count * (part + 1) / parts; ++group) {
      f(group);
    }
  });
}

void require_modes(cudnnSoftmaxAlgorithm_t algorithm, cudnnSoftmaxMode_t mode, const void* alpha,
                   const void* beta) {
  require_enum(algorithm, 3, "algo");
  require_enum(mode, 2, "mode");
  require_pointer(alpha, "alpha");
  require_pointer(beta, "beta");
}

template <class T>
Blend<T> blend_of(const void* alpha, const void* beta) {
  return {*static_cast<const T*>(alpha), *static_cast<const T*>(beta)};
}

}  // namespace

cudnnStatus_t cudnnSoftmaxForward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm,
                                  cudnnSoftmaxMode_t mode, const void* alpha,
                                  cudnnTensorDescriptor_t x_desc, const void* x, const void* beta,
                                  cudnnTensorDescriptor_t y_desc, void* y) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    auto& stream = stream_of(handle);
    require_modes(algorithm, mode, alpha, beta);
    const auto& from = set_tensor(x_desc, "xDesc");
    const auto& to = set_tensor(y_desc, "yDesc");
    require_alike(from, "xDesc", to, "yDesc");
    require_pointer(x, "x");
    require_pointer(y, "y");
    with_element(from.type, "xDesc", [&]<class S>(S) {
      Buffers buffers;
      buffers.add("x", span(from, x), Use::Read, sizeof(S));
      buffers.add("y", span(to, y), Use::Write, sizeof(S));
      const auto blend = blend_of<Computed<S>>(alpha, beta);
      submit(stream, buffers.ranges(), [=, in = Groups(from, mode), out = Groups(to, mode)] {
        for_groups(in.count(), [&](int64_t group) {
          forward_group<S>(algorithm, in.inside.count(),
                           {static_cast<const S*>(x) + in.start(group), in.inside},
                           {static_cast<S*>(y) + out.start(group), out.inside}, blend);
        });
      });
    });
  });
}

cudnnStatus_t cudnnSoftmaxBackward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm,
                                   cudnnSoftmaxMode_t mode, const void* alpha,
                                   cudnnTensorDescriptor_t y_desc, const void* y,
                                   cudnnTensorDescriptor_t dy_desc, const void* dy,
                                   const void* beta, cudnnTensorDescriptor_t dx_desc, void* dx) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    auto& stream = stream_of(handle);
    require_modes(algorithm, mode, alpha, beta);
    const auto& output = set_tensor(y_desc, "yDesc");
    const auto& gradient = set_tensor(dy_desc, "dyDesc");
    const auto& result = set_tensor(dx_desc, "dxDesc");
    require_alike(output, "yDesc", gradient, "dyDesc");
    require(output.stride == gradient.stride, "yDesc and dyDesc differ in strides");
    require_alike(output, "yDesc", result, "dxDesc");
    require_pointer(y, "y");
    require_pointer(dy, "dy");
    require_pointer(dx, "dx");
    with_element(output.type, "yDesc", [&]<class S>(S) {
      Buffers buffers;
      buffers.add("y", span(output, y), Use::Read, sizeof(S));
      buffers.add("dy", span(gradient, dy), Use::Read, sizeof(S));
      buffers.add("dx", span(result, dx), Use::Write, sizeof(S));
      const auto blend = blend_of<Computed<S>>(alpha, beta);
      submit(stream, buffers.ranges(),
                    [=, a = Groups(output, mode), b = Groups(gradient, mode),
                     c = Groups(result, mode)] {
                      for_groups(a.count(), [&](int64_t group) {
                        backward_group<S>(algorithm, a.inside.count(),
                                          {static_cast<const S*>(y) + a.start(group), a.inside},
                                          {static_cast<const S*>(dy) + b.start(group), b.inside},
                                          {static_cast<S*>(dx) + c.start(group), c.inside}, blend);
                      });
                    });
    });
  });
}
