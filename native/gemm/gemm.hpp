#pragma once

#include <cstdint>

#include "gemm/half.hpp"

namespace cudnn4j {

/// Row-major C[m,n] = alpha * op(A)[m,k] * op(B)[k,n] + beta * C, split over the pool.
///
/// Leading dimensions count elements; op transposes where the flag says so. With beta = 0 the old
/// C is never read, so it may hold NaN. A dense B in read-only memory is packed once. The bits of the
/// result depend on the arguments and on that only, not on the number of threads.
///
/// Narrow A and B are summed up in float and rounded, if C is narrow, too, at the end.
template <class In, class Out, class T = Computed<In>>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const In* a,
          int64_t lda, const In* b, int64_t ldb, T beta, Out* c, int64_t ldc);

/// The same product, computed by the calling thread alone.
template <class In, class Out, class T = Computed<In>>
void gemm_serial(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha,
                 const In* a, int64_t lda, const In* b, int64_t ldb, T beta, Out* c, int64_t ldc);

}  // namespace cudnn4j
