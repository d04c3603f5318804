#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "abi/nccl_abi.h"
#include "fault/live.hpp"
#include "nccl/link.hpp"
#include "runtime/stream.hpp"

namespace cudnn4j {

/** Why a call is refused, as NCCL would say it. */
struct Refusal : std::runtime_error {
  Refusal(ncclResult_t result, const std::string& text) : runtime_error(text), result(result) {}
  ncclResult_t result;
};

/** Makes a unique id, and gathers the ranks that join with it, in a thread of its own. */
ncclUniqueId make_unique_id();

/** How long ranks wait for each other when they join. */
std::chrono::seconds join_limit();

/** What all ranks have to ask for alike; sent as it is. */
struct Collective {
  enum Kind : int32_t { AllReduce, Broadcast, AllGather, ReduceScatter };

  Kind kind;
  ncclDataType_t type;
  ncclRedOp_t op;
  int32_t root;
  uint64_t count;
  /** How many this communicator has done before. */
  uint64_t before;

  std::string describe() const;
};
static_assert(sizeof(Collective) == 32);

/** The bytes of an element; 0 for a type that is not known. */
size_t element_bytes(ncclDataType_t type);

/**
 * The ranks as a ring: each sends to the next and receives from the one before. A collective is a
 * task of a stream that ends when this rank has its result; all ranks get the same bits, because
 * each piece of a sum is added up once, in the order of the ring.
 */
class Communicator {
 public:
  /** Joins, and waits for the others; throws Refusal or NetworkError. */
  Communicator(const ncclUniqueId& id, int ranks, int rank);

  int rank() const { return rank_; }
  int ranks() const { return ranks_; }

  /**
   * Runs in a task. What fails is kept for `error` and fails everything after it; the result is
   * then filled with 0xFF.
   */
  void run(Collective collective, const void* send, void* receive);

  /** Fails what runs and what is to come, from any thread; the first reason stays. */
  void fail(ncclResult_t result, const std::string& message);

  ncclResult_t error() const;
  /** Stays where it is once there is an error. */
  const char* message() const { return message_.c_str(); }

  /** Where the collectives so far end: one begins after the other, in whatever stream. */
  StreamPoint last;

 private:
  struct Part {
    size_t offset;
    size_t count;
  };

  void perform(const Collective& collective, const void* send, void* receive);
  void agree(const Collective& collective);
  template <class T>
  void reduce(const Collective& collective, const T* send, T* receive);
  template <class T, class Parts>
  void reduce_scatter(const Collective& collective, const T* send, T* receive, Parts part);
  template <class Parts>
  void all_gather(char* data, Parts part);
  void broadcast(int root, const char* send, char* receive, size_t bytes);
  int before(int distance) const { return (rank_ + 2 * ranks_ - distance) % ranks_; }

  const int rank_;
  const int ranks_;
  Link next_;
  Link previous_;
  std::vector<std::byte> partial_;
  std::vector<std::byte> incoming_;
  uint64_t done_ = 0;

  mutable std::mutex mutex_;
  ncclResult_t error_ = ncclSuccess;
  std::string message_;
  LiveToken<LiveCount::Communicators> token_;
};

}  // namespace cudnn4j
