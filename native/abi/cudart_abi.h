#pragma once

/*
 * The part of the CUDA runtime that the host device exports. Names, values and signatures are those
 * of CUDA 13.0, whose documentation describes them; abi/check compares them with the vendor's
 * headers where these are installed.
 */

#include <cstddef>

#include "abi/export.h"

typedef struct CUstream_st* cudaStream_t;
typedef struct CUevent_st* cudaEvent_t;
typedef struct CUgraph_st* cudaGraph_t;
typedef struct CUgraphExec_st* cudaGraphExec_t;
typedef void (*cudaHostFn_t)(void* user_data);

enum cudaError_t : int {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInitializationError = 3,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidMemcpyDirection = 21,
  cudaErrorInsufficientDriver = 35,
  cudaErrorInvalidDeviceFunction = 98,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorInvalidKernelImage = 200,
  cudaErrorDeviceUninitialized = 201,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorInvalidPtx = 218,
  cudaErrorUnsupportedPtxVersion = 222,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorIllegalState = 401,
  cudaErrorSymbolNotFound = 500,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchOutOfResources = 701,
  cudaErrorHostMemoryAlreadyRegistered = 712,
  cudaErrorHostMemoryNotRegistered = 713,
  cudaErrorLaunchFailure = 719,
  cudaErrorNotPermitted = 800,
  cudaErrorNotSupported = 801,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureInvalidated = 901,
  cudaErrorStreamCaptureMerge = 902,
  cudaErrorStreamCaptureUnmatched = 903,
  cudaErrorStreamCaptureUnjoined = 904,
  cudaErrorStreamCaptureIsolation = 905,
  cudaErrorStreamCaptureImplicit = 906,
  cudaErrorCapturedEvent = 907,
  cudaErrorStreamCaptureWrongThread = 908,
  cudaErrorTimeout = 909,
  cudaErrorGraphExecUpdateFailure = 910,
  cudaErrorUnknown = 999,
};

enum cudaMemcpyKind : int {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4,
};

enum cudaStreamCaptureMode : int {
  cudaStreamCaptureModeGlobal = 0,
  cudaStreamCaptureModeThreadLocal = 1,
  cudaStreamCaptureModeRelaxed = 2,
};

enum cudaStreamCaptureStatus : int {
  cudaStreamCaptureStatusNone = 0,
  cudaStreamCaptureStatusActive = 1,
  cudaStreamCaptureStatusInvalidated = 2,
};

enum cudaDeviceAttr : int {
  cudaDevAttrMaxThreadsPerBlock = 1,
  cudaDevAttrMaxBlockDimX = 2,
  cudaDevAttrMaxBlockDimY = 3,
  cudaDevAttrMaxBlockDimZ = 4,
  cudaDevAttrMaxGridDimX = 5,
  cudaDevAttrMaxGridDimY = 6,
  cudaDevAttrMaxGridDimZ = 7,
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrWarpSize = 10,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrIntegrated = 18,
  cudaDevAttrCanMapHostMemory = 19,
  cudaDevAttrConcurrentKernels = 31,
  cudaDevAttrMaxThreadsPerMultiProcessor = 39,
  cudaDevAttrUnifiedAddressing = 41,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrManagedMemory = 83,
  cudaDevAttrHostRegisterSupported = 99,
  cudaDevAttrMemoryPoolsSupported = 115,
};

constexpr unsigned cudaHostAllocDefault = 0;
constexpr unsigned cudaHostAllocPortable = 1;
constexpr unsigned cudaHostAllocMapped = 2;
constexpr unsigned cudaHostAllocWriteCombined = 4;

constexpr unsigned cudaHostRegisterDefault = 0;
constexpr unsigned cudaHostRegisterPortable = 1;
constexpr unsigned cudaHostRegisterMapped = 2;
constexpr unsigned cudaHostRegisterIoMemory = 4;
constexpr unsigned cudaHostRegisterReadOnly = 8;

constexpr unsigned cudaMemAttachGlobal = 1;
constexpr unsigned cudaMemAttachHost = 2;

constexpr unsigned cudaStreamDefault = 0;
constexpr unsigned cudaStreamNonBlocking = 1;

constexpr unsigned cudaEventDefault = 0;
constexpr unsigned cudaEventBlockingSync = 1;
constexpr unsigned cudaEventDisableTiming = 2;
constexpr unsigned cudaEventInterprocess = 4;

constexpr unsigned cudaEventWaitDefault = 0;

constexpr unsigned long long cudaGraphInstantiateFlagAutoFreeOnLaunch = 1;
constexpr unsigned long long cudaGraphInstantiateFlagUpload = 2;
constexpr unsigned long long cudaGraphInstantiateFlagDeviceLaunch = 4;
constexpr unsigned long long cudaGraphInstantiateFlagUseNodePriority = 8;

CUDNN4J_API cudaError_t cudaRuntimeGetVersion(int* version);
CUDNN4J_API cudaError_t cudaDriverGetVersion(int* version);
CUDNN4J_API const char* cudaGetErrorName(cudaError_t error);
CUDNN4J_API const char* cudaGetErrorString(cudaError_t error);
CUDNN4J_API cudaError_t cudaGetLastError(void);
CUDNN4J_API cudaError_t cudaPeekAtLastError(void);

CUDNN4J_API cudaError_t cudaGetDeviceCount(int* count);
CUDNN4J_API cudaError_t cudaGetDevice(int* device);
CUDNN4J_API cudaError_t cudaSetDevice(int device);
CUDNN4J_API cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
CUDNN4J_API cudaError_t cudaDeviceGetPCIBusId(char* id, int length, int device);
CUDNN4J_API cudaError_t cudaDeviceSynchronize(void);

// A structure of that many bytes, whose fields stand where cudart_device.cpp says.
struct cudaDeviceProp;
constexpr size_t device_properties_bytes = 1008;
CUDNN4J_API cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
#ifndef CUDNN4J_ABI_CHECK
// What programs that were built with CUDA 12 call: some fields more.
constexpr size_t device_properties_v2_bytes = 1032;
CUDNN4J_API cudaError_t cudaGetDeviceProperties_v2(cudaDeviceProp* properties, int device);
#endif

CUDNN4J_API cudaError_t cudaMalloc(void** address, size_t bytes);
CUDNN4J_API cudaError_t cudaFree(void* address);
CUDNN4J_API cudaError_t cudaMallocAsync(void** address, size_t bytes, cudaStream_t stream);
CUDNN4J_API cudaError_t cudaFreeAsync(void* address, cudaStream_t stream);
CUDNN4J_API cudaError_t cudaHostAlloc(void** address, size_t bytes, unsigned flags);
CUDNN4J_API cudaError_t cudaMallocHost(void** address, size_t bytes);
CUDNN4J_API cudaError_t cudaMallocManaged(void** address, size_t bytes, unsigned flags);
CUDNN4J_API cudaError_t cudaFreeHost(void* address);
CUDNN4J_API cudaError_t cudaHostRegister(void* address, size_t bytes, unsigned flags);
CUDNN4J_API cudaError_t cudaHostUnregister(void* address);
CUDNN4J_API cudaError_t cudaHostGetDevicePointer(void** device_address, void* address,
                                                 unsigned flags);
CUDNN4J_API cudaError_t cudaMemGetInfo(size_t* free, size_t* total);

CUDNN4J_API cudaError_t cudaMemcpy(void* target, const void* source, size_t bytes,
                                   cudaMemcpyKind kind);
CUDNN4J_API cudaError_t cudaMemcpyAsync(void* target, const void* source, size_t bytes,
                                        cudaMemcpyKind kind, cudaStream_t stream);
CUDNN4J_API cudaError_t cudaMemset(void* target, int value, size_t bytes);
CUDNN4J_API cudaError_t cudaMemsetAsync(void* target, int value, size_t bytes,
                                        cudaStream_t stream);

CUDNN4J_API cudaError_t cudaStreamCreate(cudaStream_t* stream);
CUDNN4J_API cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
CUDNN4J_API cudaError_t cudaStreamDestroy(cudaStream_t stream);
CUDNN4J_API cudaError_t cudaStreamSynchronize(cudaStream_t stream);
CUDNN4J_API cudaError_t cudaStreamQuery(cudaStream_t stream);
CUDNN4J_API cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
CUDNN4J_API cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function,
                                           void* user_data);

CUDNN4J_API cudaError_t cudaEventCreate(cudaEvent_t* event);
CUDNN4J_API cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
CUDNN4J_API cudaError_t cudaEventDestroy(cudaEvent_t event);
CUDNN4J_API cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
CUDNN4J_API cudaError_t cudaEventSynchronize(cudaEvent_t event);
CUDNN4J_API cudaError_t cudaEventQuery(cudaEvent_t event);
CUDNN4J_API cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start,
                                             cudaEvent_t end);

CUDNN4J_API cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
CUDNN4J_API cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
CUDNN4J_API cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status);
CUDNN4J_API cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph,
                                             unsigned long long flags);
CUDNN4J_API cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
CUDNN4J_API cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);
CUDNN4J_API cudaError_t cudaGraphDestroy(cudaGraph_t graph);
