#include <limits>

#include "fault/call.hpp"
#include "nccl/communicator.hpp"
#include "runtime/context.hpp"
#include "runtime/handles.hpp"
#include "runtime/memory.hpp"

using namespace cudnn4j;

namespace {

constexpr int version = 23000;

HandleTable<Communicator>& communicators() {
  static HandleTable<Communicator>& table = *new HandleTable<Communicator>;
  return table;
}

thread_local std::string last_error;

ncclResult_t refuse(ncclResult_t result, std::string text) {
  last_error = std::move(text);
  return result;
}

/** Runs the body of a function: counts it, or makes it fail, and keeps why it fails. */
struct NcclCall {
  CallSite& site;

  template <class Body>
  ncclResult_t operator<<(Body&& body) const {
    return ApiCall<ncclResult_t, ncclSystemError>{site} << [&] {
      try {
        return body();
      } catch (const Refusal& e) {
        return refuse(e.result, e.what());
      } catch (const NetworkError& e) {
        return refuse(ncclSystemError, e.what());
      }
    };
  }
};

std::shared_ptr<Communicator> hold(ncclComm_t comm) {
  auto communicator = communicators().hold(comm);
  if (communicator == nullptr) throw Refusal(ncclInvalidArgument, "there is no such communicator");
  return communicator;
}

void require(bool condition, const char* text) {
  if (!condition) throw Refusal(ncclInvalidArgument, text);
}

/** A collective whose arguments have been checked. */
struct Launch {
  std::shared_ptr<Communicator> communicator;
  Collective collective;
  Range send;
  Range receive;
  cudaStream_t stream;

  void require_memory() const {
    require(reachable(send) && reachable(receive),
            "the device does not reach all of the memory, or may not write to it");
  }

  ncclResult_t submit() const {
    const std::lock_guard lock(device_lock());
    Stream* queue = find_stream(stream);
    if (queue == nullptr) return refuse(ncclInvalidArgument, "there is no such stream");
    const bool captured = queue->capturing();
    if (!captured) queue->wait_for(communicator->last);
    const cudaError_t error = queue->submit(
        {send, receive},
        [communicator = communicator, collective = collective, from = send.address,
         to = const_cast<void*>(receive.address)] { communicator->run(collective, from, to); });
    if (error != cudaSuccess) return refuse(ncclUnhandledCudaError, "the stream takes no work");
    if (!captured) communicator->last = queue->here();
    return ncclSuccess;
  }
};

/** The calls between ncclGroupStart and ncclGroupEnd of a thread. */
struct Group {
  int depth = 0;
  ncclResult_t error = ncclSuccess;
  std::vector<Launch> launches;
};
thread_local Group group;

ncclResult_t launch(Collective collective, const void* send, void* receive, ncclComm_t comm,
                    cudaStream_t stream) {
  const auto communicator = hold(comm);
  const size_t ranks = static_cast<size_t>(communicator->ranks());
  const size_t bytes = element_bytes(collective.type);
  require(bytes > 0, "the type is unknown, or not one that the host device has");
  require(collective.op >= ncclSum && collective.op <= ncclAvg, "the operation is unknown");
  require(collective.root >= 0 && collective.root < communicator->ranks(), "root is not a rank");
  require(collective.count <= std::numeric_limits<ptrdiff_t>::max() / bytes / ranks,
          "count is too large");
  const size_t piece = collective.count * bytes;
  const bool sends = collective.kind != Collective::Broadcast ||
                     collective.root == communicator->rank();
  const Range from{
      sends ? send : nullptr,
      sends ? piece * (collective.kind == Collective::ReduceScatter ? ranks : 1) : 0};
  const Range to{receive, piece * (collective.kind == Collective::AllGather ? ranks : 1),
                 Use::Write};
  require(piece == 0 || ((!sends || send != nullptr) && receive != nullptr),
          "an address is missing");
  const Launch made{communicator, collective, from, to, stream};
  made.require_memory();
  if (communicator->error() != ncclSuccess) {
    return refuse(communicator->error(), communicator->message());
  }
  if (piece == 0) return ncclSuccess;
  if (group.depth == 0) return made.submit();
  group.launches.push_back(made);
  return ncclSuccess;
}

/** Within a group, an error also fails the group. */
template <class Body>
ncclResult_t noted(Body&& body) {
  ncclResult_t result;
  try {
    result = body();
  } catch (const Refusal& e) {
    result = refuse(e.result, e.what());
  }
  if (group.depth > 0 && group.error == ncclSuccess) group.error = result;
  return result;
}

/** The communicator, given up by its caller. */
std::shared_ptr<Communicator> take(ncclComm_t comm) {
  auto communicator = communicators().remove(comm);
  if (communicator == nullptr) throw Refusal(ncclInvalidArgument, "there is no such communicator");
  return communicator;
}

}  // namespace

#define NCCL_BODY          \
  CUDNN4J_CALL_SITE(true); \
  return NcclCall{cudnn4j_call_site} << [&]() -> ncclResult_t

CUDNN4J_API ncclResult_t ncclGetVersion(int* out) {
  NCCL_BODY {
    require(out != nullptr, "version is null");
    *out = version;
    return ncclSuccess;
  };
}

CUDNN4J_API const char* ncclGetErrorString(ncclResult_t result) {
  CUDNN4J_COUNT();
  switch (result) {
    case ncclSuccess: return "no error";
    case ncclUnhandledCudaError: return "a call of CUDA failed";
    case ncclSystemError: return "the system failed";
    case ncclInternalError: return "internal error";
    case ncclInvalidArgument: return "an argument is invalid";
    case ncclInvalidUsage: return "the calls do not fit each other";
    case ncclRemoteError: return "another rank has ended or failed";
    case ncclInProgress: return "the operation goes on";
  }
  return "unknown result code";
}

CUDNN4J_API const char* ncclGetLastError(ncclComm_t comm) {
  CUDNN4J_COUNT();
  const auto communicator = communicators().hold(comm);
  if (communicator != nullptr && communicator->error() != ncclSuccess) {
    last_error = communicator->message();
  }
  return last_error.c_str();
}

CUDNN4J_API ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  NCCL_BODY {
    require(id != nullptr, "the id is null");
    *id = make_unique_id();
    return ncclSuccess;
  };
}

CUDNN4J_API ncclResult_t ncclCommInitRank(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank) {
  NCCL_BODY {
    require(comm != nullptr, "comm is null");
    require(ranks >= 1 && rank >= 0 && rank < ranks, "rank is not one of ranks");
    use_primary_context();
    if (group.depth > 0) {
      return refuse(ncclInvalidUsage, "a process has one device, and joins outside of groups");
    }
    *comm = reinterpret_cast<ncclComm_t>(
        communicators().add(std::make_shared<Communicator>(id, ranks, rank)));
    return ncclSuccess;
  };
}

CUDNN4J_API ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  NCCL_BODY {
    if (comm == nullptr) return ncclSuccess;
    const auto communicator = take(comm);
    {
      const std::lock_guard lock(device_lock());
      communicator->last.reach();
      communicator->last = {};
    }
    communicator->fail(ncclInvalidUsage, "the communicator is destroyed");
    return ncclSuccess;
  };
}

CUDNN4J_API ncclResult_t ncclCommAbort(ncclComm_t comm) {
  NCCL_BODY {
    if (comm == nullptr) return ncclSuccess;
    // Not under the device's lock, which the work that is to end may hold.
    take(comm)->fail(ncclInvalidUsage, "the communicator is aborted");
    return ncclSuccess;
  };
}

CUDNN4J_API ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
  NCCL_BODY {
    require(error != nullptr, "error is null");
    *error = hold(comm)->error();
    return ncclSuccess;
  };
}

CUDNN4J_API ncclResult_t ncclCommCount(const ncclComm_t comm, int* count) {
  NCCL_BODY {
    require(count != nullptr, "count is null");
    *count = hold(comm)->ranks();
    return ncclSuccess;
  };
}

CUDNN4J_API ncclResult_t ncclCommUserRank(const ncclComm_t comm, int* rank) {
  NCCL_BODY {
    require(rank != nullptr, "rank is null");
    *rank = hold(comm)->rank();
    return ncclSuccess;
  };
}

CUDNN4J_API ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count,
                                       ncclDataType_t type, ncclRedOp_t op, ncclComm_t comm,
                                       cudaStream_t stream) {
  NCCL_BODY {
    return noted([&] {
      return launch({Collective::AllReduce, type, op, 0, count, 0}, send, receive, comm, stream);
    });
  };
}

CUDNN4J_API ncclResult_t ncclBroadcast(const void* send, void* receive, size_t count,
                                       ncclDataType_t type, int root, ncclComm_t comm,
                                       cudaStream_t stream) {
  NCCL_BODY {
    return noted([&] {
      return launch({Collective::Broadcast, type, ncclSum, root, count, 0}, send, receive, comm,
                    stream);
    });
  };
}

CUDNN4J_API ncclResult_t ncclAllGather(const void* send, void* receive, size_t count,
                                       ncclDataType_t type, ncclComm_t comm, cudaStream_t stream) {
  NCCL_BODY {
    return noted([&] {
      return launch({Collective::AllGather, type, ncclSum, 0, count, 0}, send, receive, comm,
                    stream);
    });
  };
}

CUDNN4J_API ncclResult_t ncclReduceScatter(const void* send, void* receive, size_t count,
                                           ncclDataType_t type, ncclRedOp_t op, ncclComm_t comm,
                                           cudaStream_t stream) {
  NCCL_BODY {
    return noted([&] {
      return launch({Collective::ReduceScatter, type, op, 0, count, 0}, send, receive, comm,
                    stream);
    });
  };
}

CUDNN4J_API ncclResult_t ncclGroupStart() {
  NCCL_BODY {
    ++group.depth;
    return ncclSuccess;
  };
}

CUDNN4J_API ncclResult_t ncclGroupEnd() {
  NCCL_BODY {
    if (group.depth == 0) return refuse(ncclInvalidUsage, "no group was started");
    if (--group.depth > 0) return ncclSuccess;
    const Group ended = std::exchange(group, {});
    if (ended.error != ncclSuccess) return ended.error;
    // Memory may have been freed, or become read-only, since the calls.
    for (const Launch& each : ended.launches) each.require_memory();
    for (const Launch& each : ended.launches) {
      if (const ncclResult_t result = each.submit()) return result;
    }
    return ncclSuccess;
  };
}
