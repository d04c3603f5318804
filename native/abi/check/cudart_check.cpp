// Compiles only where the vendor's headers are installed, and only if ours agree with them.

#include <cstddef>

#include "abi/check/same_abi.hpp"

// Ours come first, because the vendor's define some of the names as macros.
#define CUDNN4J_ABI_CHECK
namespace host_abi {
#include "abi/cudart_abi.h"
}
constexpr auto our_cudaHostAllocDefault = host_abi::cudaHostAllocDefault;
constexpr auto our_cudaHostAllocPortable = host_abi::cudaHostAllocPortable;
constexpr auto our_cudaHostAllocMapped = host_abi::cudaHostAllocMapped;
constexpr auto our_cudaHostAllocWriteCombined = host_abi::cudaHostAllocWriteCombined;
constexpr auto our_cudaHostRegisterDefault = host_abi::cudaHostRegisterDefault;
constexpr auto our_cudaHostRegisterPortable = host_abi::cudaHostRegisterPortable;
constexpr auto our_cudaHostRegisterMapped = host_abi::cudaHostRegisterMapped;
constexpr auto our_cudaHostRegisterIoMemory = host_abi::cudaHostRegisterIoMemory;
constexpr auto our_cudaHostRegisterReadOnly = host_abi::cudaHostRegisterReadOnly;
constexpr auto our_cudaMemAttachGlobal = host_abi::cudaMemAttachGlobal;
constexpr auto our_cudaMemAttachHost = host_abi::cudaMemAttachHost;
constexpr auto our_cudaStreamDefault = host_abi::cudaStreamDefault;
constexpr auto our_cudaStreamNonBlocking = host_abi::cudaStreamNonBlocking;
constexpr auto our_cudaEventDefault = host_abi::cudaEventDefault;
constexpr auto our_cudaEventBlockingSync = host_abi::cudaEventBlockingSync;
constexpr auto our_cudaEventDisableTiming = host_abi::cudaEventDisableTiming;
constexpr auto our_cudaEventInterprocess = host_abi::cudaEventInterprocess;
constexpr auto our_cudaEventWaitDefault = host_abi::cudaEventWaitDefault;
constexpr auto our_AutoFreeOnLaunch =
    host_abi::cudaGraphInstantiateFlagAutoFreeOnLaunch;
constexpr auto our_Upload = host_abi::cudaGraphInstantiateFlagUpload;
constexpr auto our_DeviceLaunch = host_abi::cudaGraphInstantiateFlagDeviceLaunch;
constexpr auto our_UseNodePriority =
    host_abi::cudaGraphInstantiateFlagUseNodePriority;

#include <cuda_runtime_api.h>

static_assert(our_cudaHostAllocDefault == cudaHostAllocDefault);
static_assert(our_cudaHostAllocPortable == cudaHostAllocPortable);
static_assert(our_cudaHostAllocMapped == cudaHostAllocMapped);
static_assert(our_cudaHostAllocWriteCombined == cudaHostAllocWriteCombined);
static_assert(our_cudaHostRegisterDefault == cudaHostRegisterDefault);
static_assert(our_cudaHostRegisterPortable == cudaHostRegisterPortable);
static_assert(our_cudaHostRegisterMapped == cudaHostRegisterMapped);
static_assert(our_cudaHostRegisterIoMemory == cudaHostRegisterIoMemory);
static_assert(our_cudaHostRegisterReadOnly == cudaHostRegisterReadOnly);
static_assert(our_cudaMemAttachGlobal == cudaMemAttachGlobal);
static_assert(our_cudaMemAttachHost == cudaMemAttachHost);
static_assert(our_cudaStreamDefault == cudaStreamDefault);
static_assert(our_cudaStreamNonBlocking == cudaStreamNonBlocking);
static_assert(our_cudaEventDefault == cudaEventDefault);
static_assert(our_cudaEventBlockingSync == cudaEventBlockingSync);
static_assert(our_cudaEventDisableTiming == cudaEventDisableTiming);
static_assert(our_cudaEventInterprocess == cudaEventInterprocess);
static_assert(our_cudaEventWaitDefault == cudaEventWaitDefault);
static_assert(our_AutoFreeOnLaunch == cudaGraphInstantiateFlagAutoFreeOnLaunch);
static_assert(our_Upload == cudaGraphInstantiateFlagUpload);
static_assert(our_DeviceLaunch == cudaGraphInstantiateFlagDeviceLaunch);
static_assert(our_UseNodePriority == cudaGraphInstantiateFlagUseNodePriority);

#if CUDART_VERSION >= 13000
static_assert(sizeof(cudaDeviceProp) == host_abi::device_properties_bytes);
static_assert(offsetof(cudaDeviceProp, totalGlobalMem) == 288);
static_assert(offsetof(cudaDeviceProp, sharedMemPerBlock) == 296);
static_assert(offsetof(cudaDeviceProp, warpSize) == 308);
static_assert(offsetof(cudaDeviceProp, maxThreadsPerBlock) == 320);
static_assert(offsetof(cudaDeviceProp, maxThreadsDim) == 324);
static_assert(offsetof(cudaDeviceProp, maxGridSize) == 336);
static_assert(offsetof(cudaDeviceProp, major) == 360);
static_assert(offsetof(cudaDeviceProp, minor) == 364);
static_assert(offsetof(cudaDeviceProp, multiProcessorCount) == 384);
static_assert(offsetof(cudaDeviceProp, integrated) == 388);
static_assert(offsetof(cudaDeviceProp, canMapHostMemory) == 392);
static_assert(offsetof(cudaDeviceProp, concurrentKernels) == 560);
static_assert(offsetof(cudaDeviceProp, unifiedAddressing) == 588);
static_assert(offsetof(cudaDeviceProp, maxThreadsPerMultiProcessor) == 604);
static_assert(offsetof(cudaDeviceProp, managedMemory) == 636);
static_assert(offsetof(cudaDeviceProp, hostRegisterSupported) == 704);
static_assert(offsetof(cudaDeviceProp, memoryPoolsSupported) == 720);
#endif

CHECK_CONSTANT(cudaSuccess);
CHECK_CONSTANT(cudaErrorInvalidValue);
CHECK_CONSTANT(cudaErrorMemoryAllocation);
CHECK_CONSTANT(cudaErrorInitializationError);
CHECK_CONSTANT(cudaErrorInvalidConfiguration);
CHECK_CONSTANT(cudaErrorInvalidMemcpyDirection);
CHECK_CONSTANT(cudaErrorInsufficientDriver);
CHECK_CONSTANT(cudaErrorInvalidDeviceFunction);
CHECK_CONSTANT(cudaErrorNoDevice);
CHECK_CONSTANT(cudaErrorInvalidDevice);
CHECK_CONSTANT(cudaErrorInvalidKernelImage);
CHECK_CONSTANT(cudaErrorDeviceUninitialized);
CHECK_CONSTANT(cudaErrorNoKernelImageForDevice);
CHECK_CONSTANT(cudaErrorInvalidPtx);
CHECK_CONSTANT(cudaErrorUnsupportedPtxVersion);
CHECK_CONSTANT(cudaErrorInvalidResourceHandle);
CHECK_CONSTANT(cudaErrorIllegalState);
CHECK_CONSTANT(cudaErrorSymbolNotFound);
CHECK_CONSTANT(cudaErrorNotReady);
CHECK_CONSTANT(cudaErrorIllegalAddress);
CHECK_CONSTANT(cudaErrorLaunchOutOfResources);
CHECK_CONSTANT(cudaErrorHostMemoryAlreadyRegistered);
CHECK_CONSTANT(cudaErrorHostMemoryNotRegistered);
CHECK_CONSTANT(cudaErrorLaunchFailure);
CHECK_CONSTANT(cudaErrorNotPermitted);
CHECK_CONSTANT(cudaErrorNotSupported);
CHECK_CONSTANT(cudaErrorStreamCaptureUnsupported);
CHECK_CONSTANT(cudaErrorStreamCaptureInvalidated);
CHECK_CONSTANT(cudaErrorStreamCaptureMerge);
CHECK_CONSTANT(cudaErrorStreamCaptureUnmatched);
CHECK_CONSTANT(cudaErrorStreamCaptureUnjoined);
CHECK_CONSTANT(cudaErrorStreamCaptureIsolation);
CHECK_CONSTANT(cudaErrorStreamCaptureImplicit);
CHECK_CONSTANT(cudaErrorCapturedEvent);
CHECK_CONSTANT(cudaErrorStreamCaptureWrongThread);
CHECK_CONSTANT(cudaErrorTimeout);
CHECK_CONSTANT(cudaErrorGraphExecUpdateFailure);
CHECK_CONSTANT(cudaErrorUnknown);
CHECK_CONSTANT(cudaMemcpyHostToHost);
CHECK_CONSTANT(cudaMemcpyHostToDevice);
CHECK_CONSTANT(cudaMemcpyDeviceToHost);
CHECK_CONSTANT(cudaMemcpyDeviceToDevice);
CHECK_CONSTANT(cudaMemcpyDefault);
CHECK_CONSTANT(cudaStreamCaptureModeGlobal);
CHECK_CONSTANT(cudaStreamCaptureModeThreadLocal);
CHECK_CONSTANT(cudaStreamCaptureModeRelaxed);
CHECK_CONSTANT(cudaStreamCaptureStatusNone);
CHECK_CONSTANT(cudaStreamCaptureStatusActive);
CHECK_CONSTANT(cudaStreamCaptureStatusInvalidated);
CHECK_CONSTANT(cudaDevAttrMaxThreadsPerBlock);
CHECK_CONSTANT(cudaDevAttrMaxBlockDimX);
CHECK_CONSTANT(cudaDevAttrMaxBlockDimY);
CHECK_CONSTANT(cudaDevAttrMaxBlockDimZ);
CHECK_CONSTANT(cudaDevAttrMaxGridDimX);
CHECK_CONSTANT(cudaDevAttrMaxGridDimY);
CHECK_CONSTANT(cudaDevAttrMaxGridDimZ);
CHECK_CONSTANT(cudaDevAttrMaxSharedMemoryPerBlock);
CHECK_CONSTANT(cudaDevAttrWarpSize);
CHECK_CONSTANT(cudaDevAttrMultiProcessorCount);
CHECK_CONSTANT(cudaDevAttrIntegrated);
CHECK_CONSTANT(cudaDevAttrCanMapHostMemory);
CHECK_CONSTANT(cudaDevAttrConcurrentKernels);
CHECK_CONSTANT(cudaDevAttrMaxThreadsPerMultiProcessor);
CHECK_CONSTANT(cudaDevAttrUnifiedAddressing);
CHECK_CONSTANT(cudaDevAttrComputeCapabilityMajor);
CHECK_CONSTANT(cudaDevAttrComputeCapabilityMinor);
CHECK_CONSTANT(cudaDevAttrManagedMemory);
CHECK_CONSTANT(cudaDevAttrHostRegisterSupported);
CHECK_CONSTANT(cudaDevAttrMemoryPoolsSupported);

CHECK_FUNCTION(cudaRuntimeGetVersion);
CHECK_FUNCTION(cudaDriverGetVersion);
CHECK_FUNCTION(cudaGetErrorName);
CHECK_FUNCTION(cudaGetErrorString);
CHECK_FUNCTION(cudaGetLastError);
CHECK_FUNCTION(cudaPeekAtLastError);
CHECK_FUNCTION(cudaGetDeviceCount);
CHECK_FUNCTION(cudaGetDevice);
CHECK_FUNCTION(cudaSetDevice);
CHECK_FUNCTION(cudaDeviceGetAttribute);
CHECK_FUNCTION(cudaDeviceGetPCIBusId);
CHECK_FUNCTION(cudaDeviceSynchronize);
CHECK_FUNCTION(cudaGetDeviceProperties);
CHECK_FUNCTION(cudaMalloc);
CHECK_FUNCTION(cudaFree);
CHECK_FUNCTION(cudaMallocAsync);
CHECK_FUNCTION(cudaFreeAsync);
CHECK_FUNCTION(cudaHostAlloc);
CHECK_FUNCTION(cudaMallocHost);
CHECK_FUNCTION(cudaMallocManaged);
CHECK_FUNCTION(cudaFreeHost);
CHECK_FUNCTION(cudaHostRegister);
CHECK_FUNCTION(cudaHostUnregister);
CHECK_FUNCTION(cudaHostGetDevicePointer);
CHECK_FUNCTION(cudaMemGetInfo);
CHECK_FUNCTION(cudaMemcpy);
CHECK_FUNCTION(cudaMemcpyAsync);
CHECK_FUNCTION(cudaMemset);
CHECK_FUNCTION(cudaMemsetAsync);
CHECK_FUNCTION(cudaStreamCreate);
CHECK_FUNCTION(cudaStreamCreateWithFlags);
CHECK_FUNCTION(cudaStreamDestroy);
CHECK_FUNCTION(cudaStreamSynchronize);
CHECK_FUNCTION(cudaStreamQuery);
CHECK_FUNCTION(cudaStreamWaitEvent);
CHECK_FUNCTION(cudaLaunchHostFunc);
CHECK_FUNCTION(cudaEventCreate);
CHECK_FUNCTION(cudaEventCreateWithFlags);
CHECK_FUNCTION(cudaEventDestroy);
CHECK_FUNCTION(cudaEventRecord);
CHECK_FUNCTION(cudaEventSynchronize);
CHECK_FUNCTION(cudaEventQuery);
CHECK_FUNCTION(cudaEventElapsedTime);
CHECK_FUNCTION(cudaStreamBeginCapture);
CHECK_FUNCTION(cudaStreamEndCapture);
CHECK_FUNCTION(cudaStreamIsCapturing);
CHECK_FUNCTION(cudaGraphInstantiate);
CHECK_FUNCTION(cudaGraphLaunch);
CHECK_FUNCTION(cudaGraphExecDestroy);
CHECK_FUNCTION(cudaGraphDestroy);
