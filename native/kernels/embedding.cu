// Tokens from the host, to vectors and back. A negative token is padding: its vector is zero and it
// has no gradient. A token beyond the table has no meaning; it yields NaN, so that the step is
// refused.
#include "dialect.cuh"

template <class T>
DEVICE void look_up(const int* tokens, const T* table, T* y, int count, int width, int vocabulary) {
  FOR_EACH_ROW(r, count) {
    const int token = tokens[r];
    const bool known = token >= 0 && token < vocabulary;
    const T* vector = table + (known ? static_cast<long long>(token) * width : 0);
    const T missing = token < 0 ? static_cast<T>(0) : not_a_number<T>();
    FOR_EACH_COLUMN(c, width) { y[r * width + c] = known ? vector[c] : missing; }
  }
}

template <class T>
DEVICE void encode(const int* tokens, T* y, int count, int classes) {
  const T one = static_cast<T>(1);
  FOR_EACH_ROW(r, count) {
    const int token = tokens[r];
    const T other = token < classes ? static_cast<T>(0) : not_a_number<T>();
    FOR_EACH_COLUMN(c, classes) { y[r * classes + c] = c == token ? one : other; }
  }
}

// A place that is none is padding's.
DEVICE int token_at(const int* tokens, int place, int count) {
  return place >= 0 && place < count ? tokens[place] : -1;
}

// The row of a token's first place in `order` sums over all its places, so every row of the table
// has one writer and one order of summation.
template <class T>
DEVICE void sum_by_token(const int* tokens, const int* order, const T* dy, T* dtable, int count,
                         int width, int vocabulary) {
  FOR_EACH_ROW(r, count) {
    const int token = token_at(tokens, order[r], count);
    const bool first = r == 0 || token_at(tokens, order[r - 1], count) != token;
    const int columns = first && token >= 0 && token < vocabulary ? width : 0;
    long long last = r;
    for (long long end = count; columns > 0 && end - last > 1;) {
      const long long middle = (last + end) / 2;
      (token_at(tokens, order[middle], count) == token ? last : end) = middle;
    }
    block_column_sums(
        last - r + 1, columns,
        [&](long long k, long long c) {
          const long long place = order[r + k];
          return place >= 0 && place < count ? static_cast<Number<T>>(dy[place * width + c])
                                             : Number<T>(0);
        },
        [&](long long c, Number<T> sum) {
          T& target = dtable[static_cast<long long>(token) * width + c];
          target = static_cast<T>(static_cast<Number<T>>(target) + sum);
        });
  }
}

// y[count, width] = table[tokens, :]
KERNELS(embedding, (const int* tokens, const T* table, T* y, int count, int width, int vocabulary),
        (count, times(vocabulary, width), times(count, width)),
        look_up(tokens, table, y, count, width, vocabulary))

// y[count, classes] = 1 where the column is the row's token, otherwise 0
KERNELS(one_hot, (const int* tokens, T* y, int count, int classes), (count, times(count, classes)),
        encode(tokens, y, count, classes))

// order[count] = the places of each run of as many sorted by token, equal tokens in the order of
// their places. Each place counts those before it in its run: quadratic in a run, which is short.
KERNEL(token_order, (const int* tokens, int* order, int count, int run), (count, count)) {
  FOR_EACH(i, count) {
    const long long first = i / run * run;
    const long long end = first + run < count ? first + run : count;
    const int token = tokens[i];
    long long rank = first;
    for (long long j = first; j < i; ++j) rank += tokens[j] <= token ? 1 : 0;
    for (long long j = i + 1; j < end; ++j) rank += tokens[j] < token ? 1 : 0;
    order[rank] = static_cast<int>(i);
  }
}

// merged[count] = each two neighbouring runs of `order` as one: a place counts those of the other
// run that come before it. Nothing here needs atomics, so there is one possible result.
KERNEL(merge_token_order, (const int* tokens, const int* order, int* merged, int count, int run),
       (count, count, count)) {
  FOR_EACH(i, count) {
    const long long middle = i / run % 2 == 0 ? (i / run + 1) * run : i / run * run;
    const bool left = i < middle;
    const int token = token_at(tokens, order[i], count);
    const long long first = left ? middle : middle - run;
    long long low = first < count ? first : count;
    long long high = first + run < count ? first + run : count;
    const long long start = low;
    while (low < high) {
      const long long at = (low + high) / 2;
      const int other = token_at(tokens, order[at], count);
      const bool before = other < token || (!left && other == token);
      (before ? low : high) = before ? at + 1 : at;
    }
    merged[left ? i + low - start : i - run + low - start] = order[i];
  }
}

// dtable[token, :] += the sum of dy[count, width] over the token's places
KERNELS(embedding_gradient, (const int* tokens, const int* order, const T* dy, T* dtable, int count,
                             int width, int vocabulary),
        (count, count, times(count, width), times(vocabulary, width)),
        sum_by_token(tokens, order, dy, dtable, count, width, vocabulary))

// window[0, fetched) = the next of the windows in the ring, which are of `words` each. The ring is
// the host's memory, far away: so each block takes a part of few words. It counts in a place of its
// own, however much is fetched, which all of its threads must have read before it changes.
KERNEL(fetch_window, (const long long* ring, int* places, long long* window, long long words,
                      long long fetched, long long part, int windows),
       (times(windows, words), parts(words, part), words)) {
  FOR_EACH_ROW(r, (words + part - 1) / part) {
    const long long at = block_max(places[r]);
    const long long first = r * part;
    const long long left = (fetched < words ? fetched : words) - first;
    const long long count = left < part ? left : part;
    FOR_EACH_COLUMN(c, count) { window[first + c] = ring[at * words + first + c]; }
    IF_FIRST_THREAD { places[r] = at + 1 == windows ? 0 : static_cast<int>(at + 1); }
  }
}
