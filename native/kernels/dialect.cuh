#pragma once

/*
 * The language of the kernels: CUDA C++ to NVRTC, C++ to the host device. A kernel is a loop over
 * elements or over rows, and uses nothing but what is defined here and the functions of <math.h>.
 *
 *   KERNEL(name, (parameters), (extents)) { body }
 *                                         a kernel; parameters are pointers and numbers. For each
 *                                         pointer in turn, how many elements it must have at least,
 *                                         bytes if it is a void *: a number, a parameter, or
 *     times(a, b, ...)                    their product
 *     parts(n, size)                      n / size, rounded up
 *     reach(rows, stride, first, columns) what a part of the columns of a matrix reaches to
 *   KERNELS(name, (parameters), (extents), call)
 *                                         a kernel name_f32, name_f64, name_f16 and name_bf16 each,
 *                                         which is that call; T is its type there
 *   WIDE_KERNELS(...)                     of these name_f32 and name_f64 only
 *   NARROW_KERNELS(...)                   of these name_f16 and name_bf16 only
 *   DEVICE                                before a function that kernels call
 *   f16, bf16                             numbers of 16 bits in memory, which only static_cast turns
 *                                         into numbers to compute with, and back, rounding
 *   Number<T>                             the type that a T is computed in: float for those two
 *   is_narrow<T>                          whether that is another type than T
 *   vector_tanh(v), vector_sigmoid(v)     tanh(v) and 1 / (1 + exp(-v)), which the host computes of
 *                                         many at once
 *   vector_exp(v)                         exp(v) of a v that is not above 0, likewise; 0 where that
 *                                         would be no normal number
 *   not_a_number<T>()                     NaN
 *   steps_of(lengths, sequence, time)     how many of the time steps of a sequence count
 *   FOR_EACH(i, n) { }                    every i in [0, n), in any order and at the same time
 *   FOR_EACH_ROW(r, rows) { }             every row, each by one block of threads
 *   FOR_EACH_COLUMN(c, columns) { }       in a row: the columns, divided among the block's threads
 *   block_sum(v), block_max(v)            in a row: over the threads of the block, for all of them
 *   row_sum(columns, value)               in a row: the sum of value(c) over the columns, for all
 *                                         threads, in a fixed order
 *   row_max(columns, value)               in a row: the largest value(c), which must be the same
 *                                         each time; 0 of no columns
 *   IF_FIRST_THREAD { }                   in a row: once
 *   column_sums(rows, columns, value, take)
 *                                         take(c, sum) for every column c, the sum being that of
 *                                         value(r, c) over the rows, in a fixed order
 *   block_column_sums(rows, columns, value, take)
 *                                         in a row: the same by the threads of the block
 *
 * On a GPU a row loop needs a block size that is a multiple of 32. On the host a part of a loop is
 * a piece without gaps, run by one thread, and a block is one thread.
 */

template <class T>
struct ComputedIn {
  using type = T;
};

template <class T>
using Number = typename ComputedIn<T>::type;

template <class T>
constexpr bool is_narrow = sizeof(Number<T>) != sizeof(T);

#ifdef __CUDACC__

#define KERNEL(name, parameters, extents) extern "C" __global__ void name parameters
#define DEVICE static __device__ __forceinline__

#define FOR_EACH(i, n)                                                          \
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < (n); \
       i += (long long)gridDim.x * blockDim.x)
#define FOR_EACH_ROW(r, rows) for (long long r = blockIdx.x; r < (rows); r += gridDim.x)
#define FOR_EACH_COLUMN(c, columns) for (long long c = threadIdx.x; c < (columns); c += blockDim.x)
#define IF_FIRST_THREAD if (threadIdx.x == 0)

// NVIDIA's own types are in headers, which are not there where only the libraries are.
struct f16 {
  unsigned short bits;

  __device__ __forceinline__ explicit f16(float value) {
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  }
  __device__ __forceinline__ explicit operator float() const {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
  }
};

struct bf16 {
  unsigned short bits;

  __device__ __forceinline__ explicit bf16(float value) {
    const unsigned word = __float_as_uint(value);
    const bool nan = (word & 0x7FFFFFFF) > 0x7F800000;
    bits = static_cast<unsigned short>(
        (nan ? word | 0x400000 : word + 0x7FFF + (word >> 16 & 1)) >> 16);
  }
  __device__ __forceinline__ explicit operator float() const {
    return __uint_as_float(static_cast<unsigned>(bits) << 16);
  }
};

template <class T, class Combine>
DEVICE T block_combine(T value, T neutral, Combine combine) {
  __shared__ T of_warps[32];
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    value = combine(value, __shfl_xor_sync(0xFFFFFFFFu, value, lanes));
  }
  __syncthreads();  // of_warps may still be read for the value before this one
  if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = value;
  __syncthreads();
  value = threadIdx.x % 32 < blockDim.x / 32 ? of_warps[threadIdx.x % 32] : neutral;
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    value = combine(value, __shfl_xor_sync(0xFFFFFFFFu, value, lanes));
  }
  return value;
}

template <class T>
DEVICE T block_sum(T value) {
  return block_combine(value, T(0), [](T a, T b) { return a + b; });
}

template <class T>
DEVICE T block_max(T value) {
  // Every thread has a value, so its own is neutral.
  return block_combine(value, value, [](T a, T b) { return a > b ? a : b; });
}

template <class Value>
DEVICE auto row_sum(long long columns, Value value) {
  decltype(value(0LL)) sum = 0;
  FOR_EACH_COLUMN(c, columns) { sum += value(c); }
  return block_sum(sum);
}

template <class Value>
DEVICE auto row_max(long long columns, Value value) {
  decltype(value(0LL)) most = columns > 0 ? value(0LL) : 0;
  FOR_EACH_COLUMN(c, columns) {
    const auto each = value(c);
    most = each > most ? each : most;
  }
  return block_max(most);
}

template <class N>
DEVICE N vector_exp(N value) {
  return exp(value);
}

template <class N>
DEVICE N vector_tanh(N value) {
  return tanh(value);
}

template <class N>
DEVICE N vector_sigmoid(N value) {
  return N(1) / (N(1) + exp(-value));
}

// A block takes as many columns as a warp has threads, so that a warp reads neighbours; its warps
// share the rows. Then it goes on `stride` columns further.
template <class Value, class Take>
DEVICE void strided_column_sums(long long begin, long long stride, long long rows,
                                long long columns, Value value, Take take) {
  using T = decltype(value(0LL, 0LL));
  __shared__ T of_warps[32][32];
  const int lane = threadIdx.x % 32;
  const int warp = threadIdx.x / 32;
  const int warps = blockDim.x / 32;
  for (long long first = begin; first < columns; first += stride) {
    const long long c = first + lane;
    T sum = 0;
    for (long long r = warp; c < columns && r < rows; r += warps) sum += value(r, c);
    __syncthreads();  // of_warps may still be read for the columns before these
    of_warps[warp][lane] = sum;
    __syncthreads();
    if (warp == 0 && c < columns) {
      for (int other = 1; other < warps; ++other) sum += of_warps[other][lane];
      take(c, sum);
    }
  }
}

template <class Value, class Take>
DEVICE void column_sums(long long rows, long long columns, Value value, Take take) {
  strided_column_sums(blockIdx.x * 32LL, gridDim.x * 32LL, rows, columns, value, take);
}

template <class Value, class Take>
DEVICE void block_column_sums(long long rows, long long columns, Value value, Take take) {
  strided_column_sums(0, 32, rows, columns, value, take);
}

#else

#define KERNEL(name, parameters, extents)                                             \
  static void cudnn4j_kernel_##name parameters;                                       \
  static auto cudnn4j_extents_##name parameters { return ::cudnn4j::Extents extents; } \
  static const ::cudnn4j::KernelEntry<cudnn4j_kernel_##name, cudnn4j_extents_##name>  \
      cudnn4j_entry_##name(#name, ::cudnn4j::file_name(__FILE__));                    \
  CUDNN4J_VECTORS static void cudnn4j_kernel_##name parameters
#define DEVICE static inline __attribute__((always_inline))

using ::cudnn4j::parts;
using ::cudnn4j::reach;
using ::cudnn4j::times;

using f16 = ::cudnn4j::Half;
using bf16 = ::cudnn4j::BFloat16;

#define CUDNN4J_PART_LOOP(i, n)                                                        \
  for (long long i = ::cudnn4j::part_begin(n, ::cudnn4j::kernel_part.index),           \
                 i##_end = ::cudnn4j::part_begin(n, ::cudnn4j::kernel_part.index + 1); \
       i < i##_end; ++i)
#define FOR_EACH(i, n) _Pragma("GCC ivdep") CUDNN4J_PART_LOOP(i, n)
#define FOR_EACH_ROW(r, rows) CUDNN4J_PART_LOOP(r, rows)
#define FOR_EACH_COLUMN(c, columns) for (long long c = 0; c < (columns); ++c)
#define IF_FIRST_THREAD if (true)

template <class T>
DEVICE T block_sum(T value) {
  return value;
}

template <class T>
DEVICE T block_max(T value) {
  return value;
}

template <class N>
DEVICE N vector_exp(N value) {
  return ::cudnn4j::Functions<N, ::cudnn4j::Lane<N>>::exp(value);
}

template <class N>
DEVICE N vector_tanh(N value) {
  return ::cudnn4j::Functions<N, ::cudnn4j::Lane<N>>::tanh(value);
}

template <class N>
DEVICE N vector_sigmoid(N value) {
  return ::cudnn4j::Functions<N, ::cudnn4j::Lane<N>>::sigmoid(value);
}

constexpr int strip_width = 16;

template <class Value>
DEVICE auto row_sum(long long columns, Value value) {
  decltype(value(0LL)) sums[strip_width] = {};
  long long c = 0;
  for (; c + strip_width <= columns; c += strip_width) {
    for (int i = 0; i < strip_width; ++i) sums[i] += value(c + i);
  }
  for (int i = 0; c < columns; ++c, ++i) sums[i] += value(c);
  for (int i = 1; i < strip_width; ++i) sums[0] += sums[i];
  return sums[0];
}

template <class Value>
DEVICE auto row_max(long long columns, Value value) {
  using T = decltype(value(0LL));
  T most[strip_width];
  for (int i = 0; i < strip_width; ++i) most[i] = columns > 0 ? value(0LL) : T(0);
  const auto take = [&](int i, T each) { most[i] = each > most[i] ? each : most[i]; };
  long long c = 0;
  for (; c + strip_width <= columns; c += strip_width) {
    for (int i = 0; i < strip_width; ++i) take(i, value(c + i));
  }
  for (int i = 0; c < columns; ++c, ++i) take(i, value(c));
  for (int i = 1; i < strip_width; ++i) take(0, most[i]);
  return most[0];
}

template <class Value, class Take>
DEVICE void strip_sums(long long first, long long rows, long long columns, Value value, Take take) {
  using T = decltype(value(0LL, 0LL));
  const int count = columns - first < strip_width ? static_cast<int>(columns - first) : strip_width;
  T sums[strip_width] = {};
  if (count == strip_width) {
    for (long long r = 0; r < rows; ++r) {
      for (int i = 0; i < strip_width; ++i) sums[i] += value(r, first + i);
    }
  } else {
    for (long long r = 0; r < rows; ++r) {
      for (int i = 0; i < count; ++i) sums[i] += value(r, first + i);
    }
  }
  for (int i = 0; i < count; ++i) take(first + i, sums[i]);
}

template <class Value, class Take>
DEVICE void column_sums(long long rows, long long columns, Value value, Take take) {
  CUDNN4J_PART_LOOP(strip, (columns + strip_width - 1) / strip_width) {
    strip_sums(strip * strip_width, rows, columns, value, take);
  }
}

template <class Value, class Take>
DEVICE void block_column_sums(long long rows, long long columns, Value value, Take take) {
  for (long long first = 0; first < columns; first += strip_width) {
    strip_sums(first, rows, columns, value, take);
  }
}

#endif

#define CUDNN4J_KERNEL_OF(type, suffix, name, parameters, extents, call) \
  inline namespace of_##suffix {                                        \
  using T = type;                                                       \
  KERNEL(name##_##suffix, parameters, extents) { call; }                \
  }
#define WIDE_KERNELS(name, parameters, extents, call)                   \
  CUDNN4J_KERNEL_OF(float, f32, name, parameters, extents, call)        \
  CUDNN4J_KERNEL_OF(double, f64, name, parameters, extents, call)
#define NARROW_KERNELS(name, parameters, extents, call)                 \
  CUDNN4J_KERNEL_OF(f16, f16, name, parameters, extents, call)          \
  CUDNN4J_KERNEL_OF(bf16, bf16, name, parameters, extents, call)
#define KERNELS(name, parameters, extents, call)                        \
  WIDE_KERNELS(name, parameters, extents, call)                         \
  NARROW_KERNELS(name, parameters, extents, call)

template <>
struct ComputedIn<f16> {
  using type = float;
};

template <>
struct ComputedIn<bf16> {
  using type = float;
};

template <class T>
DEVICE T not_a_number() {
  const Number<T> zero = 0;
  return static_cast<T>(zero / zero);
}

DEVICE int steps_of(const int* lengths, long long sequence, int time) {
  const int length = lengths[sequence];
  return length < 0 ? 0 : length < time ? length : time;
}
