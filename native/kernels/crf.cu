// Linear-chain conditional random fields (Lafferty, McCallum and Pereira, 2001). The score of the
// labels of a sequence is start[first] + the emissions of its steps + transitions[from, to] between
// them + end[last]. Emissions are [T, B, columns], of which lengths[B] steps count: what is behind
// them is not read. Minus infinity forbids. A label that there is not makes NaN.
#include "dialect.cuh"

// Finite, because infinities have no difference.
template <class N>
DEVICE N lowest() {
  return static_cast<N>(sizeof(N) == 8 ? -1e308 : -3e38);
}

// The logarithm of the sum of exp(value(i)).
template <class N, class Value>
DEVICE N log_sum(int count, Value value) {
  N most = lowest<N>();
  for (int i = 0; i < count; ++i) {
    const N each = value(i);
    most = each > most ? each : most;
  }
  N sum = 0;
  for (int i = 0; i < count; ++i) sum += exp(value(i) - most);
  return most + log(sum);
}

template <class N, class Value>
DEVICE N block_largest(int count, Value value) {
  N most = lowest<N>();
  FOR_EACH_COLUMN(c, count) {
    const N each = value(c);
    most = each > most ? each : most;
  }
  return block_max(most);
}

template <class N, class Value>
DEVICE N block_log_sum(int count, Value value) {
  const N most = block_largest<N>(count, value);
  N sum = 0;
  FOR_EACH_COLUMN(c, count) { sum += exp(value(c) - most); }
  return most + log(block_sum(sum));
}

// The score of a path by the threads of a block.
template <class T>
DEVICE double score_of(const int* path, const T* emissions, const T* transitions, const T* start,
                       const T* end, int steps, long long b, int batch, int columns) {
  double score = 0;
  FOR_EACH_COLUMN(t, steps) {
    const long long step = t * batch + b;
    const int label = path[step];
    const int before = t > 0 ? path[step - batch] : 0;
    if (label < 0 || label >= columns || before < 0 || before >= columns) {
      score = not_a_number<double>();
      continue;
    }
    const T in = t > 0 ? transitions[static_cast<long long>(before) * columns + label]
                       : start[label];
    score += static_cast<Number<T>>(emissions[step * columns + label]);
    score += static_cast<Number<T>>(in);
    if (t == steps - 1) score += static_cast<Number<T>>(end[label]);
  }
  return block_sum(score);
}

// Inflow is the logarithm of the sum over the paths into a label, without its own emission and
// without the largest inflow + emission of each step before, so that long sequences stay precise.
template <class T>
DEVICE void sum_paths(const int* lengths, const int* gold, int measured, const T* emissions,
                      const T* transitions, const T* start, const T* end, Number<T>* inflow,
                      Number<T>* losses, int* counted, int time, int batch, int columns) {
  using N = Number<T>;
  const long long stride = static_cast<long long>(batch) * columns;
  FOR_EACH_ROW(b, batch) {
    const int steps = steps_of(lengths, b, time);
    double all = 0;
    N level = 0;
    for (int t = 0; t < steps; ++t) {
      const T* own = emissions + t * stride + b * columns;
      N* in = inflow + t * stride + b * columns;
      FOR_EACH_COLUMN(j, columns) {
        in[j] = t == 0 ? static_cast<N>(start[j]) : log_sum<N>(columns, [=](long long i) {
          return in[i - stride] + static_cast<N>(own[i - stride]) - level +
                 static_cast<N>(transitions[i * columns + j]);
        });
      }
      level = block_largest<N>(columns,
                               [=](long long j) { return in[j] + static_cast<N>(own[j]); });
      all += level;
      if (t == steps - 1) {
        all += block_log_sum<N>(columns, [=](long long j) {
          return in[j] + static_cast<N>(own[j]) - level + static_cast<N>(end[j]);
        });
      }
    }
    if (measured == 0) continue;
    all -= score_of(gold, emissions, transitions, start, end, steps, b, batch, columns);
    IF_FIRST_THREAD {
      losses[b] = static_cast<N>(all);
      counted[b] = steps > 0 ? 0 : -1;
    }
  }
}

// The probabilities of a step are those of the next step, each divided among the labels that it
// was reached from: no second recursion, and nothing that could overflow.
template <class T>
DEVICE void find_marginals(const int* lengths, const T* emissions, const T* transitions,
                           const T* end, const Number<T>* inflow, Number<T>* marginals,
                           Number<T>* pairs, int paired, int time, int batch, int columns) {
  using N = Number<T>;
  const long long stride = static_cast<long long>(batch) * columns;
  FOR_EACH_ROW(b, batch) {
    const int steps = steps_of(lengths, b, time);
    N* both = pairs + (paired != 0 ? b * columns * columns : 0);
    FOR_EACH_COLUMN(i, paired != 0 ? columns : 0) {
      for (long long j = 0; j < columns; ++j) both[i * columns + j] = 0;
    }
    for (int t = time - 1; t >= 0; --t) {
      const T* own = emissions + t * stride + b * columns;
      const N* in = inflow + t * stride + b * columns;
      N* p = marginals + t * stride + b * columns;
      if (t >= steps) {
        FOR_EACH_COLUMN(i, columns) { p[i] = 0; }
        continue;
      }
      // When this is known, the probabilities of the next step are there.
      const N level = block_largest<N>(
          columns, [=](long long i) { return in[i] + static_cast<N>(own[i]); });
      if (t == steps - 1) {
        const auto score = [=](long long i) {
          return in[i] + static_cast<N>(own[i]) - level + static_cast<N>(end[i]);
        };
        const N all = block_log_sum<N>(columns, score);
        FOR_EACH_COLUMN(i, columns) { p[i] = exp(score(i) - all); }
        continue;
      }
      FOR_EACH_COLUMN(i, columns) {
        const N from = in[i] + static_cast<N>(own[i]) - level;
        N sum = 0;
        for (long long j = 0; j < columns; ++j) {
          const N next = p[stride + j];
          if (next == 0) continue;  // it may not be reachable at all
          const N part =
              next * exp(from + static_cast<N>(transitions[i * columns + j]) - in[stride + j]);
          sum += part;
          if (paired != 0) both[i * columns + j] += part;
        }
        p[i] = sum;
      }
    }
  }
}

template <class T>
DEVICE void score(const int* lengths, const int* path, const T* emissions, const T* transitions,
                  const T* start, const T* end, double* scores, int time, int batch, int columns) {
  FOR_EACH_ROW(b, batch) {
    const double own = score_of(path, emissions, transitions, start, end,
                                steps_of(lengths, b, time), b, batch, columns);
    IF_FIRST_THREAD { scores[b] = own; }
  }
}

template <class T>
DEVICE void compare(const int* lengths, const int* gold, const int* path, double margin,
                    const T* emissions, const T* transitions, const T* start, const T* end,
                    Number<T>* losses, int* counted, int time, int batch, int columns) {
  FOR_EACH_ROW(b, batch) {
    const int steps = steps_of(lengths, b, time);
    double loss = 0;
    FOR_EACH_COLUMN(t, steps) { loss += path[t * batch + b] != gold[t * batch + b] ? margin : 0; }
    loss = block_sum(loss);
    loss += score_of(path, emissions, transitions, start, end, steps, b, batch, columns);
    loss -= score_of(gold, emissions, transitions, start, end, steps, b, batch, columns);
    IF_FIRST_THREAD {
      losses[b] = static_cast<Number<T>>(loss);
      counted[b] = steps > 0 ? 0 : -1;
    }
  }
}

// Every thread gets the first of the largest values and its place, or -1 if there is none above
// minus infinity or one is NaN.
template <class N, class Value>
DEVICE int block_best(int count, Value value) {
  N most = lowest<N>();
  int place = count;
  int invalid = 0;
  FOR_EACH_COLUMN(c, count) {
    const N each = value(c);
    if (each > most) {
      most = each;
      place = static_cast<int>(c);
    }
    if (each != each) invalid = 1;
  }
  const N largest = block_max(most);
  const int rank = block_max(most == largest ? count - place : 0);
  return block_max(invalid) != 0 ? -1 : rank > 0 ? count - rank : -1;
}

// Best is, for each label of each step, the largest score of a path up to it, without the largest
// of each step before. A label other than the gold one scores `margin` more. Of equal paths it is
// the one whose last label is first, then the label before, and so on.
template <class T>
DEVICE void find_path(const int* lengths, const int* gold, double margin, const T* emissions,
                      const T* transitions, const T* start, const T* end, Number<T>* best,
                      int* path, int time, int batch, int columns) {
  using N = Number<T>;
  const long long stride = static_cast<long long>(batch) * columns;
  FOR_EACH_ROW(b, batch) {
    const int steps = steps_of(lengths, b, time);
    N level = 0;
    for (int t = 0; t < steps; ++t) {
      const T* own = emissions + t * stride + b * columns;
      N* scores = best + t * stride + b * columns;
      FOR_EACH_COLUMN(j, columns) {
        N most = t == 0 ? static_cast<N>(start[j]) : log(N(0));
        for (long long i = 0; t > 0 && i < columns; ++i) {
          const N each = scores[i - stride] - level + static_cast<N>(transitions[i * columns + j]);
          if (each > most || each != each) most = each;  // what is not a number stays
        }
        const bool costs = margin != 0 && gold[static_cast<long long>(t) * batch + b] != j;
        scores[j] = most + static_cast<N>(own[j]) + static_cast<N>(costs ? margin : 0);
      }
      level = block_largest<N>(columns, [=](long long j) { return scores[j]; });
    }
    int label = -1;
    for (int t = time - 1; t >= 0; --t) {
      const N* scores = best + t * stride + b * columns;
      if (t == steps - 1) {
        label = block_best<N>(
            columns, [=](long long i) { return scores[i] + static_cast<N>(end[i]); });
      } else if (label >= 0) {
        label = block_best<N>(columns, [=](long long i) {
          return scores[i] + static_cast<N>(transitions[i * columns + label]);
        });
      }
      IF_FIRST_THREAD { path[static_cast<long long>(t) * batch + b] = label; }
    }
  }
}

// Marginals and pairs += amount where the labels are: less one, they are the loss's derivatives.
template <class N>
DEVICE void add_labels(const int* lengths, const int* labels, double amount, N* marginals,
                       N* pairs, int time, int batch, int columns) {
  FOR_EACH_ROW(b, batch) {
    const int steps = steps_of(lengths, b, time);
    FOR_EACH_COLUMN(t, steps) {
      const int label = labels[t * batch + b];
      const bool known = label >= 0 && label < columns;
      marginals[(t * batch + b) * columns + (known ? label : 0)] +=
          known ? static_cast<N>(amount) : not_a_number<N>();
    }
    // One thread for all, because several steps may have the same pair.
    IF_FIRST_THREAD {
      for (long long t = 1; t < steps; ++t) {
        const int from = labels[(t - 1) * batch + b];
        const int to = labels[t * batch + b];
        if (from >= 0 && from < columns && to >= 0 && to < columns) {
          pairs[(b * columns + from) * columns + to] += static_cast<N>(amount);
        }
      }
    }
  }
}

template <class T>
DEVICE void multiply(const Number<T>* x, const Number<T>* factor, T* y, long long n) {
  FOR_EACH(i, n) { y[i] = static_cast<T>(*factor * x[i]); }
}

// A block for the transitions from each label, one for the start, one for the end.
template <class T>
DEVICE void add_gradients(const int* lengths, const Number<T>* marginals, const Number<T>* pairs,
                          const Number<T>* share, T* dtransitions, T* dstart, T* dend, int time,
                          int batch, int columns) {
  using N = Number<T>;
  const auto add_to = [=](T* gradient) {
    return [=](long long c, N sum) {
      gradient[c] = static_cast<T>(static_cast<N>(gradient[c]) + *share * sum);
    };
  };
  FOR_EACH_ROW(r, columns + 2) {
    if (r < columns) {
      block_column_sums(
          batch, columns,
          [=](long long b, long long c) { return pairs[(b * columns + r) * columns + c]; },
          add_to(dtransitions + r * columns));
    } else {
      const bool is_start = r == columns;
      block_column_sums(
          batch, columns,
          [=](long long b, long long c) {
            const int steps = steps_of(lengths, b, time);
            const long long t = is_start ? 0 : steps - 1;
            return steps > 0 ? marginals[(t * batch + b) * columns + c] : N(0);
          },
          add_to(is_start ? dstart : dend));
    }
  }
}

template <class T>
DEVICE void allow(const int* allowed, const T* x, double otherwise, T* y, long long n) {
  const T other = static_cast<T>(static_cast<Number<T>>(otherwise));
  FOR_EACH(i, n) { y[i] = allowed[i] != 0 ? x[i] : other; }
}

template <class T>
DEVICE void force(const int* labels, const T* x, double otherwise, T* y, int rows, int columns) {
  const T other = static_cast<T>(static_cast<Number<T>>(otherwise));
  FOR_EACH_ROW(r, rows) {
    FOR_EACH_COLUMN(c, columns) {
      const bool allowed = labels[r] < 0 || labels[r] == c;
      y[r * columns + c] = allowed ? x[r * columns + c] : other;
    }
  }
}

// labelled[B] = the length of a sequence, 0 if its first label is negative
KERNEL(crf_labelled, (const int* lengths, const int* labels, int* labelled, int batch),
       (batch, batch, batch)) {
  FOR_EACH(b, batch) { labelled[b] = labels[b] < 0 ? 0 : lengths[b]; }
}

// inflow[T, B, columns] as above. If measured, losses[B] = log of the sum of exp(score) over all
// paths, less the score of the gold labels; counted[B] = -1 for an empty sequence, else 0
KERNELS(crf_forward, (const int* lengths, const int* gold, int measured, const T* emissions,
                      const T* transitions, const T* start, const T* end, Number<T>* inflow,
                      Number<T>* losses, int* counted, int time, int batch, int columns),
        (batch, times(measured, time, batch), times(time, batch, columns), times(columns, columns),
         columns, columns, times(time, batch, columns), times(measured, batch),
         times(measured, batch)),
        sum_paths(lengths, gold, measured, emissions, transitions, start, end, inflow, losses,
                  counted, time, batch, columns))

// marginals[T, B, columns] = the probability of each label; if paired, pairs[B, columns, columns] =
// the sum over the steps of the probability of each transition
KERNELS(crf_marginals, (const int* lengths, const T* emissions, const T* transitions, const T* end,
                        const Number<T>* inflow, Number<T>* marginals, Number<T>* pairs, int paired,
                        int time, int batch, int columns),
        (batch, times(time, batch, columns), times(columns, columns), columns,
         times(time, batch, columns), times(time, batch, columns),
         times(paired, batch, columns, columns)),
        find_marginals(lengths, emissions, transitions, end, inflow, marginals, pairs, paired, time,
                       batch, columns))

// path[T, B] = the best labels, -1 behind the sequence, and everywhere if no path is allowed or a
// score is NaN; best[T, B, columns] as above
KERNELS(crf_viterbi, (const int* lengths, const int* gold, double margin, const T* emissions,
                      const T* transitions, const T* start, const T* end, Number<T>* best,
                      int* path, int time, int batch, int columns),
        (batch, times(time, batch), times(time, batch, columns), times(columns, columns), columns,
         columns, times(time, batch, columns), times(time, batch)),
        find_path(lengths, gold, margin, emissions, transitions, start, end, best, path, time,
                  batch, columns))

// scores[B] = the score of each path
KERNELS(crf_score, (const int* lengths, const int* path, const T* emissions, const T* transitions,
                    const T* start, const T* end, double* scores, int time, int batch, int columns),
        (batch, times(time, batch), times(time, batch, columns), times(columns, columns), columns,
         columns, batch),
        score(lengths, path, emissions, transitions, start, end, scores, time, batch, columns))

// losses[B] = the score of each path and the margin for each label that is not the gold one, less
// the score of the gold labels; counted[B] = -1 for an empty sequence, else 0
KERNELS(crf_hinge, (const int* lengths, const int* gold, const int* path, double margin,
                    const T* emissions, const T* transitions, const T* start, const T* end,
                    Number<T>* losses, int* counted, int time, int batch, int columns),
        (batch, times(time, batch), times(time, batch), times(time, batch, columns),
         times(columns, columns), columns, columns, batch, batch),
        compare(lengths, gold, path, margin, emissions, transitions, start, end, losses, counted,
                time, batch, columns))

// marginals[T, B, columns] and pairs[B, columns, columns] += amount for each label and transition
WIDE_KERNELS(crf_add_labels, (const int* lengths, const int* labels, double amount, T* marginals,
                              T* pairs, int time, int batch, int columns),
             (batch, times(time, batch), times(time, batch, columns),
              times(batch, columns, columns)),
             add_labels(lengths, labels, amount, marginals, pairs, time, batch, columns))

// y[n] = factor[0] x
KERNELS(crf_multiply, (const Number<T>* x, const Number<T>* factor, T* y, long long n), (n, 1, n),
        multiply(x, factor, y, n))

// dtransitions[columns, columns], dstart[columns] and dend[columns] += share[0] times the sums over
// the sequences
KERNELS(crf_gradients, (const int* lengths, const Number<T>* marginals, const Number<T>* pairs,
                        const Number<T>* share, T* dtransitions, T* dstart, T* dend, int time,
                        int batch, int columns),
        (batch, times(time, batch, columns), times(batch, columns, columns), 1,
         times(columns, columns), columns, columns),
        add_gradients(lengths, marginals, pairs, share, dtransitions, dstart, dend, time, batch,
                      columns))

// y[n] = x where allowed, else otherwise
KERNELS(crf_allow, (const int* allowed, const T* x, double otherwise, T* y, long long n), (n, n, n),
        allow(allowed, x, otherwise, y, n))

// y[rows, columns] = x of the label of the row, or of all if that is negative; else otherwise
KERNELS(crf_force, (const int* labels, const T* x, double otherwise, T* y, int rows, int columns),
        (rows, times(rows, columns), times(rows, columns)),
        force(labels, x, otherwise, y, rows, columns))
