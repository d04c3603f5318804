#pragma once

#include <cstdint>

namespace cudnn4j {

/// Row-major C[m,n] = alpha * op(A)[m,k] * op(B)[k,n] + beta * C, split over the pool.
///
/// Leading dimensions count elements; op transposes where the flag says so. With beta = 0 the old
/// C is never read, so it may hold NaN. The bits of the result depend on the arguments only, not
/// on the number of threads.
template <class T>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

/// The same product, computed by the calling thread alone.
template <class T>
void gemm_serial(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
                 int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

}  // namespace cudnn4j
