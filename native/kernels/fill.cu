#include "dialect.cuh"

template <class T>
DEVICE void fill(T* target, T value, long long n) {
  FOR_EACH(i, n) { target[i] = value; }
}

/** Sets n elements to one value. */
WIDE_KERNELS(fill, (T* target, T value, long long n), (n), fill(target, value, n))
KERNEL(fill_i32, (int* target, int value, long long n), (n)) { fill(target, value, n); }
