#pragma once

/*
 * The part of NCCL that the host device exports. Names, values and signatures are those of NCCL
 * 2.30.
 */

#include <cstddef>

#include "abi/cudart_abi.h"
#include "abi/export.h"

typedef struct ncclComm* ncclComm_t;

typedef struct {
  char internal[128];
} ncclUniqueId;

enum ncclResult_t : int {
  ncclSuccess = 0,
  ncclUnhandledCudaError = 1,
  ncclSystemError = 2,
  ncclInternalError = 3,
  ncclInvalidArgument = 4,
  ncclInvalidUsage = 5,
  ncclRemoteError = 6,
  ncclInProgress = 7,
};

enum ncclRedOp_t : int {
  ncclSum = 0,
  ncclProd = 1,
  ncclMax = 2,
  ncclMin = 3,
  ncclAvg = 4,
};

enum ncclDataType_t : int {
  ncclInt8 = 0,
  ncclUint8 = 1,
  ncclInt32 = 2,
  ncclUint32 = 3,
  ncclInt64 = 4,
  ncclUint64 = 5,
  ncclFloat16 = 6,
  ncclFloat32 = 7,
  ncclFloat64 = 8,
  ncclBfloat16 = 9,
};

CUDNN4J_API ncclResult_t ncclGetVersion(int* version);
CUDNN4J_API const char* ncclGetErrorString(ncclResult_t result);
CUDNN4J_API const char* ncclGetLastError(ncclComm_t comm);
CUDNN4J_API ncclResult_t ncclGetUniqueId(ncclUniqueId* id);
CUDNN4J_API ncclResult_t ncclCommInitRank(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank);
CUDNN4J_API ncclResult_t ncclCommDestroy(ncclComm_t comm);
CUDNN4J_API ncclResult_t ncclCommAbort(ncclComm_t comm);
CUDNN4J_API ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error);
CUDNN4J_API ncclResult_t ncclCommCount(const ncclComm_t comm, int* count);
CUDNN4J_API ncclResult_t ncclCommUserRank(const ncclComm_t comm, int* rank);
CUDNN4J_API ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count,
                                       ncclDataType_t type, ncclRedOp_t op, ncclComm_t comm,
                                       cudaStream_t stream);
CUDNN4J_API ncclResult_t ncclBroadcast(const void* send, void* receive, size_t count,
                                       ncclDataType_t type, int root, ncclComm_t comm,
                                       cudaStream_t stream);
CUDNN4J_API ncclResult_t ncclAllGather(const void* send, void* receive, size_t count,
                                       ncclDataType_t type, ncclComm_t comm, cudaStream_t stream);
CUDNN4J_API ncclResult_t ncclReduceScatter(const void* send, void* receive, size_t count,
                                           ncclDataType_t type, ncclRedOp_t op, ncclComm_t comm,
                                           cudaStream_t stream);
CUDNN4J_API ncclResult_t ncclGroupStart();
CUDNN4J_API ncclResult_t ncclGroupEnd();
