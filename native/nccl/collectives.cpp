#include <algorithm>
#include <cstring>
#include <type_traits>

#include "gemm/half.hpp"
#include "nccl/communicator.hpp"

namespace cudnn4j {

namespace {

/** What is sent at a time: small enough to stay in a cache, large enough to be worth a wake-up. */
constexpr size_t piece = size_t{512} << 10;

/** Calls f(a, b) for all elements, in the type that they are computed in. */
template <class T, class F>
void combine(T* target, const T* partial, const T* own, size_t count, F f) {
  for (size_t i = 0; i < count; ++i) {
    target[i] = static_cast<T>(f(static_cast<Computed<T>>(partial[i]),
                                 static_cast<Computed<T>>(own[i])));
  }
}

template <class T>
constexpr bool scales_first = !std::is_integral_v<T>;

/** Integers wrap around, as on a GPU. */
template <class C>
C plus(C a, C b) {
  if constexpr (std::is_integral_v<C>) {
    using U = std::make_unsigned_t<C>;
    return static_cast<C>(static_cast<U>(a) + static_cast<U>(b));
  } else {
    return a + b;
  }
}

template <class C>
C times(C a, C b) {
  if constexpr (std::is_integral_v<C>) {
    using U = std::make_unsigned_t<C>;
    return static_cast<C>(static_cast<U>(a) * static_cast<U>(b));
  } else {
    return a * b;
  }
}

/**
 * What a rank puts in, in `scaled` if it is not as it has it: as NCCL does, the mean of numbers with
 * a fraction divides before it adds.
 */
template <class T>
const T* put_in(T* scaled, const T* own, size_t count, ncclRedOp_t op, int ranks) {
  using C = Computed<T>;
  if (!scales_first<T> || op != ncclAvg) return own;
  const C share = static_cast<C>(1) / static_cast<C>(ranks);
  for (size_t i = 0; i < count; ++i) {
    scaled[i] = static_cast<T>(static_cast<C>(own[i]) * share);
  }
  return scaled;
}

template <class T>
void fold(T* target, const T* partial, const T* own, size_t count, ncclRedOp_t op, int ranks) {
  using C = Computed<T>;
  switch (op) {
    case ncclSum:
      combine(target, partial, own, count, [](C a, C b) { return plus(a, b); });
      break;
    case ncclProd:
      combine(target, partial, own, count, [](C a, C b) { return times(a, b); });
      break;
    case ncclMax:
      combine(target, partial, own, count, [](C a, C b) { return a < b ? b : a; });
      break;
    case ncclMin:
      combine(target, partial, own, count, [](C a, C b) { return b < a ? b : a; });
      break;
    case ncclAvg: {
      if constexpr (scales_first<T>) {
        const C share = static_cast<C>(1) / static_cast<C>(ranks);
        combine(target, partial, own, count, [share](C a, C b) {
          return a + static_cast<C>(static_cast<T>(b * share));
        });
      } else {
        combine(target, partial, own, count, [](C a, C b) { return plus(a, b); });
      }
      break;
    }
  }
}

template <class T>
void finish(T* sum, size_t count, ncclRedOp_t op, int ranks) {
  if constexpr (!scales_first<T>) {
    if (op != ncclAvg) return;
    for (size_t i = 0; i < count; ++i) sum[i] = static_cast<T>(sum[i] / static_cast<T>(ranks));
  }
}

const char* type_name(ncclDataType_t type) {
  constexpr const char* names[] = {"int8",   "uint8",   "int32",   "uint32",  "int64",
                                   "uint64", "float16", "float32", "float64", "bfloat16"};
  return element_bytes(type) > 0 ? names[type] : "unknown";
}

}  // namespace

size_t element_bytes(ncclDataType_t type) {
  constexpr size_t bytes[] = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2};
  return type >= 0 && static_cast<size_t>(type) < std::size(bytes) ? bytes[type] : 0;
}

std::string Collective::describe() const {
  constexpr const char* kinds[] = {"all-reduce", "broadcast", "all-gather", "reduce-scatter"};
  constexpr const char* ops[] = {"sum", "product", "maximum", "minimum", "mean"};
  const bool known = kind >= 0 && kind < 4 && op >= 0 && op < 5;
  if (!known) return "unknown";
  std::string text = std::string(kinds[kind]) + " of " + std::to_string(count) + " " +
                     type_name(type);
  if (kind == Broadcast) return text + " from rank " + std::to_string(root);
  return kind == AllGather ? text : text + " (" + ops[op] + ")";
}

void Communicator::fail(ncclResult_t result, const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (error_ == ncclSuccess) {
    message_ = message;
    error_ = result;
  }
  // The neighbours find out too, and theirs.
  next_.shut();
  previous_.shut();
}

ncclResult_t Communicator::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void Communicator::run(Collective collective, const void* send, void* receive) {
  collective.before = done_++;
  if (error() == ncclSuccess) {
    try {
      perform(collective, send, receive);
      return;
    } catch (const NetworkError& e) {
      fail(ncclRemoteError,
           "rank " + std::to_string(rank_) + " of " + std::to_string(ranks_) + ", " +
               collective.describe() + ": " + e.what() +
               "; another rank has ended, or has lost one that has");
    } catch (const Refusal& e) {
      fail(e.result, e.what());
    } catch (const std::bad_alloc&) {
      fail(ncclSystemError, "out of memory");
    }
  }
  const size_t copies = collective.kind == Collective::AllGather ? ranks_ : 1;
  std::memset(receive, 0xFF, copies * collective.count * element_bytes(collective.type));
  report_task_error(cudaErrorLaunchFailure);
}

void Communicator::perform(const Collective& collective, const void* send, void* receive) {
  if (ranks_ > 1) agree(collective);
  const size_t bytes = collective.count * element_bytes(collective.type);
  const auto* source = static_cast<const char*>(send);
  auto* target = static_cast<char*>(receive);
  switch (collective.kind) {
    case Collective::Broadcast:
      broadcast(collective.root, source, target, bytes);
      return;
    case Collective::AllGather:
      std::memmove(target + rank_ * bytes, source, bytes);
      all_gather(target, [bytes](size_t rank) { return Part{rank * bytes, bytes}; });
      return;
    case Collective::AllReduce:
    case Collective::ReduceScatter:
      break;
  }
  const auto as = [&]<class T>(T) {
    reduce(collective, static_cast<const T*>(send), static_cast<T*>(receive));
  };
  switch (collective.type) {
    case ncclInt8: return as(int8_t{});
    case ncclUint8: return as(uint8_t{});
    case ncclInt32: return as(int32_t{});
    case ncclUint32: return as(uint32_t{});
    case ncclInt64: return as(int64_t{});
    case ncclUint64: return as(uint64_t{});
    case ncclFloat16: return as(Half{});
    case ncclFloat32: return as(float{});
    case ncclFloat64: return as(double{});
    case ncclBfloat16: return as(BFloat16{});
  }
}

void Communicator::agree(const Collective& collective) {
  Collective theirs;
  exchange(next_, &collective, sizeof collective, previous_, &theirs, sizeof theirs);
  if (std::memcmp(&collective, &theirs, sizeof theirs) != 0) {
    throw Refusal(ncclInvalidUsage,
                  "rank " + std::to_string(before(1)) + " calls " + theirs.describe() +
                      " as its number " + std::to_string(theirs.before) + ", rank " +
                      std::to_string(rank_) + " calls " + collective.describe() +
                      " as its number " + std::to_string(collective.before));
  }
}

template <class T>
void Communicator::reduce(const Collective& collective, const T* send, T* receive) {
  const size_t most = std::max<size_t>(
      1, std::min(piece / sizeof(T), (collective.count + ranks_ - 1) / ranks_));
  if (collective.kind == Collective::ReduceScatter) {
    const size_t step = piece / sizeof(T);
    for (size_t start = 0; start < collective.count; start += step) {
      const size_t count = std::min(step, collective.count - start);
      reduce_scatter(collective, send, receive + start, [&](size_t rank) {
        return Part{rank * collective.count + start, count};
      });
    }
    return;
  }
  const size_t step = most * ranks_;
  for (size_t start = 0; start < collective.count; start += step) {
    const size_t count = std::min(step, collective.count - start);
    const size_t ranks = ranks_;
    const auto part = [&](size_t rank) {
      const size_t begin = count * rank / ranks;
      return Part{start + begin, count * (rank + 1) / ranks - begin};
    };
    reduce_scatter(collective, send, receive + part(rank_).offset, part);
    all_gather(reinterpret_cast<char*>(receive), [&](size_t rank) {
      return Part{part(rank).offset * sizeof(T), part(rank).count * sizeof(T)};
    });
  }
}

template <class T, class Parts>
void Communicator::reduce_scatter(const Collective& collective, const T* send, T* receive,
                                  Parts part) {
  size_t most = 0;
  for (int rank = 0; rank < ranks_; ++rank) most = std::max(most, part(rank).count);
  if (partial_.size() < most * sizeof(T)) partial_.resize(most * sizeof(T));
  if (incoming_.size() < most * sizeof(T)) incoming_.resize(most * sizeof(T));
  T* partial = reinterpret_cast<T*>(partial_.data());
  T* incoming = reinterpret_cast<T*>(incoming_.data());
  Part current = part(before(1));
  const T* outgoing = put_in(partial, send + current.offset, current.count, collective.op, ranks_);
  for (int step = 0; step + 1 < ranks_; ++step) {
    const Part following = part(before(2 + step));
    exchange(next_, outgoing, current.count * sizeof(T), previous_, incoming,
             following.count * sizeof(T));
    T* target = step + 2 < ranks_ ? incoming : receive;
    fold(target, incoming, send + following.offset, following.count, collective.op, ranks_);
    outgoing = target;
    std::swap(partial, incoming);
    current = following;
  }
  if (ranks_ == 1) std::memmove(receive, outgoing, current.count * sizeof(T));
  finish(receive, current.count, collective.op, ranks_);
}

template <class Parts>
void Communicator::all_gather(char* data, Parts part) {
  for (int step = 0; step + 1 < ranks_; ++step) {
    const Part mine = part(before(step));
    const Part theirs = part(before(step + 1));
    exchange(next_, data + mine.offset, mine.count, previous_, data + theirs.offset, theirs.count);
  }
}

void Communicator::broadcast(int root, const char* send, char* receive, size_t bytes) {
  const bool forwards = (rank_ + 1) % ranks_ != root;
  if (rank_ == root) {
    if (forwards) exchange(next_, send, bytes, previous_, nullptr, 0);
    std::memmove(receive, send, bytes);
    return;
  }
  // One piece goes on while the next one comes.
  size_t held = 0;
  for (size_t start = 0; start < bytes; start += piece) {
    const size_t count = std::min(piece, bytes - start);
    exchange(next_, receive + start - held, forwards ? held : 0, previous_, receive + start, count);
    held = count;
  }
  exchange(next_, receive + bytes - held, forwards ? held : 0, previous_, nullptr, 0);
}

}  // namespace cudnn4j
