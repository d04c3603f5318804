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

/** Host pointers to alpha and beta, as cuDNN takes them: double for DOUBLE data, else float. */
template <class T>
struct Blend {
  T alpha;
  T beta;

  void write(T* out, T value) const {
    // With beta = 0 the old contents may be NaN and are not read.
    *out = beta == 0 ? alpha * value : alpha * value + beta * *out;
  }
};

/** One group of a tensor of element type T (which may be const). */
template <class T>
struct Group {
  T* data;
  const Walk& walk;
  T& operator[](int64_t i) const { return data[walk.offset(i)]; }
};

template <class T>
void forward_group(cudnnSoftmaxAlgorithm_t algorithm, int64_t count, const Group<const T>& x,
                   const Group<T>& y, const Blend<T>& blend) {
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
      blend.write(&y[i], x[i] - highest - log_sum);
    }
  } else {
    const T scale = static_cast<T>(1 / sum);
    for (int64_t i = 0; i < count; ++i) {
      blend.write(&y[i], std::exp(x[i] - highest) * scale);
    }
  }
}

template <class T>
void backward_group(cudnnSoftmaxAlgorithm_t algorithm, int64_t count, const Group<const T>& y,
                    const Group<const T>& dy, const Group<T>& dx, const Blend<T>& blend) {
  double sum = 0;
  if (algorithm == CUDNN_SOFTMAX_LOG) {
    for (int64_t i = 0; i < count; ++i) {
      sum += dy[i];
    }
    for (int64_t i = 0; i < count; ++i) {
      blend.write(&dx[i], dy[i] - std::exp(y[i]) * static_cast<T>(sum));
    }
  } else {
    for (int64_t i = 0; i < count; ++i) {
      sum += double{y[i]} * dy[i];
    }
    for (int64_t i = 0; i < count; ++i) {
      blend.write(&dx[i], y[i] * (dy[i] - static_cast<T>(sum)));
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

/** Calls f with a zero of the element type, refusing those that are not computed. */
template <class F>
void with_element(const cudnnTensorStruct& tensor, const char* name, F&& f) {
  switch (tensor.type) {
    case CUDNN_DATA_FLOAT:
      return f(float{});
    case CUDNN_DATA_DOUBLE:
      return f(double{});
    default:
      refuse(CUDNN_STATUS_NOT_SUPPORTED, "%s has data type %d, only FLOAT and DOUBLE are supported",
             name, int(tensor.type));
  }
}

void require_modes(cudnnSoftmaxAlgorithm_t algorithm, cudnnSoftmaxMode_t mode, const void* alpha,
                   const void* beta) {
  require_enum(algorithm, 3, "algo");
  require_enum(mode, 2, "mode");
  require_pointer(alpha, "alpha");
  require_pointer(beta, "beta");
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
    with_element(from, "xDesc", [&]<class T>(T) {
      Buffers buffers;
      buffers.add("x", span(from, x), Use::Read, sizeof(T));
      buffers.add("y", span(to, y), Use::Write, sizeof(T));
      const Blend<T> blend{*static_cast<const T*>(alpha), *static_cast<const T*>(beta)};
      submit(stream, buffers.ranges(), [=, in = Groups(from, mode), out = Groups(to, mode)] {
        for_groups(in.count(), [&](int64_t group) {
          forward_group<T>(algorithm, in.inside.count(),
                           {static_cast<const T*>(x) + in.start(group), in.inside},
                           {static_cast<T*>(y) + out.start(group), out.inside}, blend);
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
    require_alike(output, "yDesc", result, "dxDesc");
    require_pointer(y, "y");
    require_pointer(dy, "dy");
    require_pointer(dx, "dx");
    with_element(output, "yDesc", [&]<class T>(T) {
      Buffers buffers;
      buffers.add("y", span(output, y), Use::Read, sizeof(T));
      buffers.add("dy", span(gradient, dy), Use::Read, sizeof(T));
      buffers.add("dx", span(result, dx), Use::Write, sizeof(T));
      const Blend<T> blend{*static_cast<const T*>(alpha), *static_cast<const T*>(beta)};
      submit(stream, buffers.ranges(),
                    [=, a = Groups(output, mode), b = Groups(gradient, mode),
                     c = Groups(result, mode)] {
                      for_groups(a.count(), [&](int64_t group) {
                        backward_group<T>(algorithm, a.inside.count(),
                                          {static_cast<const T*>(y) + a.start(group), a.inside},
                                          {static_cast<const T*>(dy) + b.start(group), b.inside},
                                          {static_cast<T*>(dx) + c.start(group), c.inside}, blend);
                      });
                    });
    });
  });
}
