// What update rules are put together from. Nothing is done where `skip` is not 0. z may be x or y.
#include "dialect.cuh"

DEVICE long long unless(const double* skip, long long n) { return skip[0] != 0 ? 0 : n; }

template <class T>
DEVICE void set(double a, const double* by_a, T* z, const double* skip, long long n) {
  const long long count = unless(skip, n);
  const T value = static_cast<T>(a * by_a[0]);
  FOR_EACH(i, count) { z[i] = value; }
}

template <class T>
DEVICE void combine(double a, const double* by_a, const T* x, double b, const double* by_b,
                    const T* y, T* z, const double* skip, long long n) {
  const long long count = unless(skip, n);
  const T of_x = static_cast<T>(a * by_a[0]);
  const T of_y = static_cast<T>(b * by_b[0]);
  FOR_EACH(i, count) { z[i] = of_x * x[i] + of_y * y[i]; }
}

template <class T>
DEVICE void product(double a, const double* by_a, const T* x, const T* y, T* z, const double* skip,
                    long long n) {
  const long long count = unless(skip, n);
  const T times = static_cast<T>(a * by_a[0]);
  FOR_EACH(i, count) { z[i] = times * x[i] * y[i]; }
}

template <class T>
DEVICE void quotient(const T* x, const T* y, double epsilon, T* z, const double* skip,
                     long long n) {
  const long long count = unless(skip, n);
  const T small = static_cast<T>(epsilon);
  FOR_EACH(i, count) {
    const T divisor = y[i] + small;
    z[i] = x[i] / (divisor != 0 || x[i] != 0 ? divisor : 1);
  }
}

template <class T>
DEVICE void larger(const T* x, const T* y, T* z, const double* skip, long long n) {
  const long long count = unless(skip, n);
  FOR_EACH(i, count) { z[i] = x[i] > y[i] || x[i] != x[i] ? x[i] : y[i]; }
}

// The functions by their numbers in VectorProgram.java.
constexpr int function_root = 0;
constexpr int function_sign = 1;

template <class T>
DEVICE T value_of(int function, T x) {
  if (function == function_root) return sqrt(x);
  if (function == function_sign) return x > 0 ? T(1) : x < 0 ? T(-1) : x;
  return x < 0 ? -x : x;
}

template <class T>
DEVICE void apply(int function, const T* x, T* z, const double* skip, long long n) {
  const long long count = unless(skip, n);
  FOR_EACH(i, count) { z[i] = value_of(function, x[i]); }
}

// z[n] = a by_a
WIDE_KERNELS(set, (double a, const double* by_a, T* z, const double* skip, long long n), (1, n, 1),
             set(a, by_a, z, skip, n))

// z[n] = a by_a x + b by_b y
WIDE_KERNELS(combine, (double a, const double* by_a, const T* x, double b, const double* by_b,
                       const T* y, T* z, const double* skip, long long n),
             (1, n, 1, n, n, 1), combine(a, by_a, x, b, by_b, y, z, skip, n))

// z[n] = a by_a x y
WIDE_KERNELS(product, (double a, const double* by_a, const T* x, const T* y, T* z,
                       const double* skip, long long n),
             (1, n, n, n, 1), product(a, by_a, x, y, z, skip, n))

// z[n] = x / (y + epsilon), 0 where both are 0
WIDE_KERNELS(quotient, (const T* x, const T* y, double epsilon, T* z, const double* skip,
                        long long n),
             (n, n, n, 1), quotient(x, y, epsilon, z, skip, n))

// z[n] = the larger of x and y; NaN if one is
WIDE_KERNELS(maximum, (const T* x, const T* y, T* z, const double* skip, long long n), (n, n, n, 1),
             larger(x, y, z, skip, n))

// z[n] = the function of x
WIDE_KERNELS(apply, (int function, const T* x, T* z, const double* skip, long long n), (n, n, 1),
             apply(function, x, z, skip, n))
