// Compiles only where the vendor's headers are installed, and only if ours agree with them.

#if __has_include(<nccl.h>)

#include <cstddef>

#include "abi/check/same_abi.hpp"

#define CUDNN4J_ABI_CHECK
namespace host_abi {
#include "abi/nccl_abi.h"
}

#include <nccl.h>

// Passed by value: as many bytes, aligned alike.
static_assert(sizeof(host_abi::ncclUniqueId) == sizeof(ncclUniqueId));
static_assert(alignof(host_abi::ncclUniqueId) == alignof(ncclUniqueId));
template <>
struct cudnn4j::check::Abi<host_abi::ncclUniqueId> {
  using type = Opaque;
};
template <>
struct cudnn4j::check::Abi<ncclUniqueId> {
  using type = Opaque;
};

CHECK_CONSTANT(ncclSuccess);
CHECK_CONSTANT(ncclUnhandledCudaError);
CHECK_CONSTANT(ncclSystemError);
CHECK_CONSTANT(ncclInternalError);
CHECK_CONSTANT(ncclInvalidArgument);
CHECK_CONSTANT(ncclInvalidUsage);
CHECK_CONSTANT(ncclRemoteError);
CHECK_CONSTANT(ncclInProgress);
CHECK_CONSTANT(ncclSum);
CHECK_CONSTANT(ncclProd);
CHECK_CONSTANT(ncclMax);
CHECK_CONSTANT(ncclMin);
CHECK_CONSTANT(ncclAvg);
CHECK_CONSTANT(ncclInt8);
CHECK_CONSTANT(ncclUint8);
CHECK_CONSTANT(ncclInt32);
CHECK_CONSTANT(ncclUint32);
CHECK_CONSTANT(ncclInt64);
CHECK_CONSTANT(ncclUint64);
CHECK_CONSTANT(ncclFloat16);
CHECK_CONSTANT(ncclFloat32);
CHECK_CONSTANT(ncclFloat64);
CHECK_CONSTANT(ncclBfloat16);

CHECK_FUNCTION(ncclGetVersion);
CHECK_FUNCTION(ncclGetErrorString);
CHECK_FUNCTION(ncclGetLastError);
CHECK_FUNCTION(ncclGetUniqueId);
CHECK_FUNCTION(ncclCommInitRank);
CHECK_FUNCTION(ncclCommDestroy);
CHECK_FUNCTION(ncclCommAbort);
CHECK_FUNCTION(ncclCommGetAsyncError);
CHECK_FUNCTION(ncclCommCount);
CHECK_FUNCTION(ncclCommUserRank);
CHECK_FUNCTION(ncclAllReduce);
CHECK_FUNCTION(ncclBroadcast);
CHECK_FUNCTION(ncclAllGather);
CHECK_FUNCTION(ncclReduceScatter);
CHECK_FUNCTION(ncclGroupStart);
CHECK_FUNCTION(ncclGroupEnd);

#endif
