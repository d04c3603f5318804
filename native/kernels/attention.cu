// Additive attention: the score of query q[T1, B, columns] for key k[T2, B, columns] is
// v . tanh(q + k). The hyperbolic tangents, [B, T1, T2, columns], are computed again wherever they
// are needed, and never kept. Keys behind lengths[B] are not read; their score is 0.
#include "dialect.cuh"

DEVICE long long keys_of(const int* lengths, long long sequence, int keys) {
  const int length = lengths[sequence];
  return length < 0 ? 0 : length < keys ? length : keys;
}

template <class T>
DEVICE void score(const int* lengths, const T* q, const T* k, const T* v, T* scores, int queries,
                  int keys, int batch, int columns) {
  using N = Number<T>;
  FOR_EACH_ROW(r, static_cast<long long>(batch) * queries * keys) {
    const long long key = r % keys;
    const long long query = r / keys % queries;
    const long long b = r / keys / queries;
    const T* of_query = q + (query * batch + b) * columns;
    const T* of_key = k + (key * batch + b) * columns;
    const N total = row_sum(key < lengths[b] ? columns : 0, [=](long long c) {
      return static_cast<N>(v[c]) *
             vector_tanh(static_cast<N>(of_query[c]) + static_cast<N>(of_key[c]));
    });
    IF_FIRST_THREAD { scores[r] = static_cast<T>(total); }
  }
}

template <class N>
DEVICE N slope_of_tanh(N x) {
  const N y = vector_tanh(x);
  return N(1) - y * y;
}

// Beside dq, what each query gives to dv.
template <class T>
DEVICE void query_gradient(const int* lengths, const T* q, const T* k, const T* v,
                           const T* dscores, T* dq, T* dv, int queries, int keys, int batch,
                           int columns) {
  using N = Number<T>;
  FOR_EACH_ROW(r, static_cast<long long>(queries) * batch) {
    const long long b = r % batch;
    const T* of_query = q + r * columns;
    const T* of_keys = k + b * columns;
    const T* slopes = dscores + (b * queries + r / batch) * keys;
    const long long stride = static_cast<long long>(batch) * columns;
    const long long count = keys_of(lengths, b, keys);
    block_column_sums(
        count, columns,
        [=](long long key, long long c) {
          return static_cast<N>(slopes[key]) *
                 slope_of_tanh(static_cast<N>(of_query[c]) +
                               static_cast<N>(of_keys[key * stride + c]));
        },
        [=](long long c, N sum) {
          dq[r * columns + c] = static_cast<T>(static_cast<N>(v[c]) * sum);
        });
    block_column_sums(
        count, columns,
        [=](long long key, long long c) {
          return static_cast<N>(slopes[key]) *
                 vector_tanh(static_cast<N>(of_query[c]) +
                             static_cast<N>(of_keys[key * stride + c]));
        },
        [=](long long c, N sum) { dv[r * columns + c] = static_cast<T>(sum); });
  }
}

template <class T>
DEVICE void add_key_gradient(const int* lengths, const T* q, const T* k, const T* v,
                             const T* dscores, T* dk, int queries, int keys, int batch,
                             int columns) {
  using N = Number<T>;
  FOR_EACH_ROW(r, static_cast<long long>(keys) * batch) {
    const long long key = r / batch;
    const long long b = r % batch;
    const T* of_queries = q + b * columns;
    const T* of_key = k + r * columns;
    const T* slopes = dscores + b * queries * keys + key;
    const long long stride = static_cast<long long>(batch) * columns;
    block_column_sums(
        key < lengths[b] ? queries : 0, columns,
        [=](long long query, long long c) {
          return static_cast<N>(slopes[query * keys]) *
                 slope_of_tanh(static_cast<N>(of_queries[query * stride + c]) +
                               static_cast<N>(of_key[c]));
        },
        [=](long long c, N sum) {
          T& target = dk[r * columns + c];
          target = static_cast<T>(static_cast<N>(target) + static_cast<N>(v[c]) * sum);
        });
  }
}

// scores[batch, queries, keys]
KERNELS(additive_score, (const int* lengths, const T* q, const T* k, const T* v, T* scores,
                         int queries, int keys, int batch, int columns),
        (batch, times(queries, batch, columns), times(keys, batch, columns), columns,
         times(batch, queries, keys)),
        score(lengths, q, k, v, scores, queries, keys, batch, columns))

// dq[queries, batch, columns], and dv[queries, batch, columns], to be summed up
KERNELS(additive_query_gradient, (const int* lengths, const T* q, const T* k, const T* v,
                                  const T* dscores, T* dq, T* dv, int queries, int keys, int batch,
                                  int columns),
        (batch, times(queries, batch, columns), times(keys, batch, columns), columns,
         times(batch, queries, keys), times(queries, batch, columns),
         times(queries, batch, columns)),
        query_gradient(lengths, q, k, v, dscores, dq, dv, queries, keys, batch, columns))

// dk[keys, batch, columns] += the gradient
KERNELS(additive_key_gradient, (const int* lengths, const T* q, const T* k, const T* v,
                                const T* dscores, T* dk, int queries, int keys, int batch,
                                int columns),
        (batch, times(queries, batch, columns), times(keys, batch, columns), columns,
         times(batch, queries, keys), times(keys, batch, columns)),
        add_key_gradient(lengths, q, k, v, dscores, dk, queries, keys, batch, columns))
