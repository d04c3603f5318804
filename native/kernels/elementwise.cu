// What is done to each element by itself. z may be x or y.
#include "dialect.cuh"

template <class T>
DEVICE void sum(const T* x, const T* y, T* z, long long n) {
  FOR_EACH(i, n) {
    z[i] = static_cast<T>(static_cast<Number<T>>(x[i]) + static_cast<Number<T>>(y[i]));
  }
}

template <class T>
DEVICE void product(const T* x, const T* y, T* z, long long n) {
  FOR_EACH(i, n) {
    z[i] = static_cast<T>(static_cast<Number<T>>(x[i]) * static_cast<Number<T>>(y[i]));
  }
}

template <class T>
DEVICE void multiple(const T* x, double factor, T* z, long long n) {
  const Number<T> times = static_cast<Number<T>>(factor);
  FOR_EACH(i, n) { z[i] = static_cast<T>(times * static_cast<Number<T>>(x[i])); }
}

template <class T>
DEVICE void number(const int* x, T* y, long long n) {
  FOR_EACH(i, n) { y[i] = static_cast<T>(static_cast<Number<T>>(x[i])); }
}

// The functions by their numbers in UnaryFunction.java.
constexpr int function_tanh = 0;
constexpr int function_sigmoid = 1;
constexpr int function_relu = 2;
constexpr int function_exp = 3;
constexpr int function_log = 4;

template <class N>
DEVICE N value_of(int function, N x) {
  if (function == function_tanh) return vector_tanh(x);
  if (function == function_sigmoid) return vector_sigmoid(x);
  if (function == function_relu) return x > 0 || x != x ? x : N(0);
  if (function == function_exp) return exp(x);
  if (function == function_log) return log(x);
  return N(1) / x;
}

// Each derivative follows from the value, so that x need not be kept; but the logarithm's, which
// would lose digits, from x.
template <class N>
DEVICE N slope_of(int function, N y) {
  if (function == function_tanh) return N(1) - y * y;
  if (function == function_sigmoid) return y * (N(1) - y);
  if (function == function_relu) return y > 0 ? N(1) : N(0);
  if (function == function_exp) return y;
  if (function == function_log) return N(1) / y;
  return -y * y;
}

template <class T>
DEVICE void activate(int function, const T* x, T* y, long long n) {
  FOR_EACH(i, n) { y[i] = static_cast<T>(value_of(function, static_cast<Number<T>>(x[i]))); }
}

template <class T>
DEVICE void differentiate(int function, const T* y, const T* dy, T* dx, long long n) {
  FOR_EACH(i, n) {
    dx[i] = static_cast<T>(static_cast<Number<T>>(dy[i]) *
                           slope_of(function, static_cast<Number<T>>(y[i])));
  }
}

// z[n] = x + y
KERNELS(add, (const T* x, const T* y, T* z, long long n), (n, n, n), sum(x, y, z, n))

// z[n] = x y
KERNELS(multiply, (const T* x, const T* y, T* z, long long n), (n, n, n), product(x, y, z, n))

// z[n] = factor x
KERNELS(scale, (const T* x, double factor, T* z, long long n), (n, n), multiple(x, factor, z, n))

// y[n] = x
KERNELS(from_int, (const int* x, T* y, long long n), (n, n), number(x, y, n))

// y[n] = the function of x
KERNELS(activate, (int function, const T* x, T* y, long long n), (n, n),
        activate(function, x, y, n))

// dx[n] = dy times the function's derivative where its value, or the logarithm's argument, is y
KERNELS(activation_gradient, (int function, const T* y, const T* dy, T* dx, long long n), (n, n, n),
        differentiate(function, y, dy, dx, n))

template <class T>
DEVICE void move(const T* x, int x_columns, int x_first, T* y, int y_columns, int y_first,
                 int columns, int rows) {
  FOR_EACH_ROW(r, rows) {
    const T* from = x + r * x_columns + x_first;
    T* to = y + r * y_columns + y_first;
    FOR_EACH_COLUMN(c, columns) { to[c] = from[c]; }
  }
}

// y[rows, y_columns] from y_first on = x[rows, x_columns] from x_first on, `columns` of each row
KERNELS(copy_columns, (const T* x, int x_columns, int x_first, T* y, int y_columns, int y_first,
                       int columns, int rows),
        (reach(rows, x_columns, x_first, columns), reach(rows, y_columns, y_first, columns)),
        move(x, x_columns, x_first, y, y_columns, y_first, columns, rows))
