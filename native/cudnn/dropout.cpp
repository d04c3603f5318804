#include "cudnn/rnn/dropout.hpp"

#include <algorithm>
#include <climits>
#include <cstring>
#include <iterator>

#include "cudnn/buffers.hpp"
#include "cudnn/tensor.hpp"
#include "fault/call.hpp"
#include "runtime/pool.hpp"

using namespace cudnn4j;
using namespace cudnn4j::cudnn;

namespace {

// The reserve space holds one bit per element, set where the element is kept.
constexpr int bits = 32;

size_t reserve_bytes(const cudnnTensorStruct& tensor) {
  return static_cast<size_t>((elements(tensor) + bits - 1) / bits) * sizeof(uint32_t);
}

struct Masked {
  Walk in;
  Walk out;
  const void* source;
  void* target;
  uint8_t* mask;
  float drop;
};

constexpr int chunk = 1024;

// A byte of the mask stands for eight elements; the constants move its bits to and from the lowest
// bit of eight bytes, on a little-endian machine.
constexpr int per_byte = 8;
constexpr uint64_t gather_bits = 0x0102040810204080;
constexpr uint64_t copy_byte = 0x0101010101010101;
constexpr uint64_t one_bit_each = 0x8040201008040201;

/** Packs `kept`, of values 0 or 1 and padded with zeros to whole words, into bits. */
void pack(const uint8_t* kept, int count, uint8_t* mask) {
  for (int byte = 0; byte < (count + bits - 1) / bits * (bits / per_byte); ++byte) {
    uint64_t eight;
    std::memcpy(&eight, kept + byte * per_byte, sizeof eight);
    mask[byte] = static_cast<uint8_t>(eight * gather_bits >> 56);
  }
}

/** Unpacks bits into values that are 0 or not. */
void unpack(const uint8_t* mask, int count, uint8_t* kept) {
  for (int byte = 0; byte < (count + per_byte - 1) / per_byte; ++byte) {
    const uint64_t eight = mask[byte] * copy_byte & one_bit_each;
    std::memcpy(kept + byte * per_byte, &eight, sizeof eight);
  }
}

/** out = mask * in / (1 - drop). Draws the mask from `stream`, or reads it when that is null. */
template <class S>
void apply(const Masked& m, const DropoutStream* stream) {
  using T = Computed<S>;
  const auto* in = static_cast<const S*>(m.source);
  auto* out = static_cast<S*>(m.target);
  const T scale = dropout_scale<T>(m.drop);
  const bool packed = m.in.packed() && m.out.packed();
  const int64_t count = m.in.count();
  parallel_for(static_cast<int>((count + chunk - 1) / chunk), [&](int part) {
    const int64_t first = int64_t{part} * chunk;
    const int length = static_cast<int>(std::min<int64_t>(chunk, count - first));
    uint8_t* mask = m.mask + first / per_byte;
    uint8_t kept[chunk];
    if (stream != nullptr) {
      dropout_mask(*stream, m.drop, static_cast<uint64_t>(first), length, kept);
      std::fill(kept + length, std::end(kept), uint8_t{0});
      pack(kept, length, mask);
    } else {
      unpack(mask, length, kept);
    }
    const auto masked = [&](S value, int i) {
      return S(kept[i] != 0 ? static_cast<T>(value) * scale : T{0});
    };
    if (packed) {
      for (int i = 0; i < length; ++i) out[first + i] = masked(in[first + i], i);
    } else {
      for (int i = 0; i < length; ++i) {
        out[m.out.offset(first + i)] = masked(in[m.in.offset(first + i)], i);
      }
    }
  });
}

/** Calls f with an element of the type, refusing those that cuDNN has no dropout of. */
template <class F>
void with_dropped(cudnnDataType_t type, const char* name, F&& f) {
  switch (type) {
    case CUDNN_DATA_FLOAT:
      return f(float{});
    case CUDNN_DATA_DOUBLE:
      return f(double{});
    case CUDNN_DATA_HALF:
      return f(Half{});
    default:
      refuse(type == CUDNN_DATA_INT8 ? CUDNN_STATUS_BAD_PARAM : CUDNN_STATUS_NOT_SUPPORTED,
             "%s has data type %d, dropout is of FLOAT, DOUBLE and HALF", name, int(type));
  }
}

/** Refuses a tensor whose elements go down, or may lie on one another. */
void require_apart(const cudnnTensorStruct& tensor, const char* name) {
  int64_t reach[CUDNN_DIM_MAX];
  int64_t start[CUDNN_DIM_MAX];
  int count = 0;
  for (int d = 0; d < tensor.dims; ++d) {
    require(tensor.stride[d] > 0, "the stride %d of %s is %d, not positive", d, name,
            tensor.stride[d]);
    if (tensor.extent[d] == 1) continue;
    int at = count++;
    for (; at > 0 && start[at - 1] > tensor.stride[d]; --at) {
      start[at] = start[at - 1];
      reach[at] = reach[at - 1];
    }
    start[at] = tensor.stride[d];
    reach[at] = int64_t{tensor.stride[d]} * tensor.extent[d];
  }
  for (int d = 1; d < count; ++d) {
    require(start[d] >= reach[d - 1], "%s has a stride of %lld within a dimension of %lld", name,
            static_cast<long long>(start[d]), static_cast<long long>(reach[d - 1]));
  }
}

/** Forward and backward are the same product; `draws` tells them apart. */
void dropout_call(cudnnHandle_t handle, cudnnDropoutDescriptor_t desc,
                  cudnnTensorDescriptor_t in_desc, const char* in_name, const void* in,
                  cudnnTensorDescriptor_t out_desc, const char* out_name, void* out, void* reserve,
                  size_t reserved, bool draws) {
  auto& stream = stream_of(handle);
  const auto& dropout = live(desc, "dropoutDesc");
  const auto& from = set_tensor(in_desc, in_name);
  const auto& to = set_tensor(out_desc, out_name);
  require(from.type == to.type, "%s and %s differ in data type (%d, %d)", in_name, out_name,
          int(from.type), int(to.type));
  require(elements(from) == elements(to), "%s and %s have %lld and %lld elements", in_name,
          out_name, static_cast<long long>(elements(from)), static_cast<long long>(elements(to)));
  require_apart(from, in_name);
  require_apart(to, out_name);
  require_pointer(in, in_name);
  require_pointer(out, out_name);
  require_pointer(reserve, "reserveSpace");
  require(reserved >= reserve_bytes(from), "reserveSpaceSizeInBytes is %zu, %zu are needed",
          reserved, reserve_bytes(from));
  auto* states = draws ? dropout.states : nullptr;
  require(states != nullptr || !draws, "dropoutDesc has no states");

  Buffers buffers;
  buffers.add(in_name, span(from, in), Use::Read, element_bytes(from.type));
  buffers.add(out_name, span(to, out), Use::Write, element_bytes(from.type));
  buffers.add("reserveSpace", {reserve, reserved}, Use::Write, alignof(uint32_t));
  buffers.add("states", {states, sizeof(DropoutStream)}, Use::Write, alignof(DropoutStream));
  const Masked masked{.in = Walk(from, 0, from.dims),
                      .out = Walk(to, 0, to.dims),
                      .source = in,
                      .target = out,
                      .mask = static_cast<uint8_t*>(reserve),
                      .drop = dropout.drop};
  with_dropped(from.type, in_name, [&]<class S>(S) {
    require(in != out || from.stride == to.stride, "%s and %s share memory, but differ in strides",
            in_name, out_name);
    submit(stream, buffers.ranges(), [masked, states] {
      if (states == nullptr) {
        return apply<S>(masked, nullptr);
      }
      const DropoutStream drawn = take(states, static_cast<uint64_t>(masked.in.count()));
      apply<S>(masked, &drawn);
    });
  });
}

void set_dropout(cudnnDropoutDescriptor_t desc, cudnnHandle_t handle, float drop, void* states,
                 size_t state_bytes, unsigned long long seed, bool seeds) {
  auto& dropout = live(desc, "dropoutDesc");
  auto& stream = stream_of(handle);
  // Stricter than cuDNN, which would scale by a negative or infinite number.
  require(drop >= 0 && drop <= 1, "dropout is %g, not in [0, 1]", double{drop});
  // These change also where the states are then refused.
  dropout.drop = drop;
  dropout.seed = seed;
  if (seeds && states == nullptr && state_bytes < sizeof(DropoutStream)) {
    return;  // The descriptor keeps the states that it has.
  }
  require(state_bytes >= sizeof(DropoutStream), "stateSizeInBytes is %zu, %zu are needed",
          state_bytes, sizeof(DropoutStream));
  auto* generator = static_cast<DropoutStream*>(states);
  if (generator != nullptr) {
    Buffers buffers;
    buffers.add("states", {states, state_bytes}, Use::Write, alignof(DropoutStream));
    if (seeds) {
      submit(stream, buffers.ranges(), [generator, seed] { *generator = {seed, 0}; });
    }
  }
  dropout.states = generator;
}

}  // namespace

cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t* desc) {
  CUDNN4J_CALL(cudnnStatus_t);
  return create(desc);
}

cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t desc) {
  CUDNN4J_CALL(cudnnStatus_t);
  return destroy(desc);
}

cudnnStatus_t cudnnDropoutGetStatesSize(cudnnHandle_t handle, size_t* size) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    live(handle, "handle");
    require_pointer(size, "sizeInBytes");
    *size = sizeof(DropoutStream);
  });
}

cudnnStatus_t cudnnDropoutGetReserveSpaceSize(cudnnTensorDescriptor_t x_desc, size_t* size) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    const auto& tensor = live(x_desc, "xDesc");
    require_pointer(size, "sizeInBytes");
    require_supported(tensor.type != CUDNN_DATA_INT8,
                      "xDesc has data type INT8, of which there is no dropout");
    require_supported(elements(tensor) <= INT_MAX,
                      "xDesc has %lld elements, at most 2147483647 are supported",
                      static_cast<long long>(elements(tensor)));
    *size = reserve_bytes(tensor);
  });
}

cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t desc, cudnnHandle_t handle,
                                        float dropout, void* states, size_t state_bytes,
                                        unsigned long long seed) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] { set_dropout(desc, handle, dropout, states, state_bytes, seed, true); });
}

cudnnStatus_t cudnnRestoreDropoutDescriptor(cudnnDropoutDescriptor_t desc, cudnnHandle_t handle,
                                            float dropout, void* states, size_t state_bytes,
                                            unsigned long long seed) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] { set_dropout(desc, handle, dropout, states, state_bytes, seed, false); });
}

cudnnStatus_t cudnnGetDropoutDescriptor(cudnnDropoutDescriptor_t desc, cudnnHandle_t handle,
                                        float* dropout, void** states, unsigned long long* seed) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    const auto& set = live(desc, "dropoutDesc");
    live(handle, "handle");
    store(dropout, set.drop);
    store<void*>(states, set.states);
    store(seed, set.seed);
  });
}

cudnnStatus_t cudnnDropoutForward(cudnnHandle_t handle, cudnnDropoutDescriptor_t desc,
                                  cudnnTensorDescriptor_t x_desc, const void* x,
                                  cudnnTensorDescriptor_t y_desc, void* y, void* reserve,
                                  size_t reserve_bytes) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    dropout_call(handle, desc, x_desc, "x", x, y_desc, "y", y, reserve, reserve_bytes, true);
  });
}

cudnnStatus_t cudnnDropoutBackward(cudnnHandle_t handle, cudnnDropoutDescriptor_t desc,
                                   cudnnTensorDescriptor_t dy_desc, const void* dy,
                                   cudnnTensorDescriptor_t dx_desc, void* dx, void* reserve,
                                   size_t reserve_bytes) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    dropout_call(handle, desc, dy_desc, "dy", dy, dx_desc, "dx", dx, reserve, reserve_bytes,
                 false);
  });
}
