#pragma once

#include "blas/handle.hpp"
#include "gemm/half.hpp"

namespace cudnn4j {

/*
 * Sums over vectors, computed in double by the pool. The order of additions depends on the length
 * alone, so the bits do not depend on the number of threads.
 */

/** Euclidean norm; neither the largest nor the smallest elements are lost to their squares. */
template <class T>
double norm2(Vector<const T> x);

template <class T>
double absolute_sum(Vector<const T> x);

template <class T>
double dot(Vector<const T> x, Vector<const T> y);

}  // namespace cudnn4j
