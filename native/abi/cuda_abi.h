#pragma once

/*
 * The part of the CUDA driver that the host device exports: what loads and launches kernels. Names,
 * values and signatures are those of CUDA 13.0.
 */

#include "abi/export.h"

typedef int CUdevice;
typedef struct CUctx_st* CUcontext;
typedef struct CUmod_st* CUmodule;
typedef struct CUfunc_st* CUfunction;
typedef struct CUstream_st* CUstream;

enum CUresult : int {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_DEINITIALIZED = 4,
  CUDA_ERROR_STUB_LIBRARY = 34,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_ILLEGAL_STATE = 401,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_NOT_READY = 600,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_NOT_PERMITTED = 800,
  CUDA_ERROR_NOT_SUPPORTED = 801,
  CUDA_ERROR_SYSTEM_DRIVER_MISMATCH = 803,
  CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
  CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901,
  CUDA_ERROR_STREAM_CAPTURE_IMPLICIT = 906,
  CUDA_ERROR_UNKNOWN = 999,
};

enum CUdevice_attribute : int {
  CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 1,
  CU_DEVICE_ATTRIBUTE_WARP_SIZE = 10,
  CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
};

CUDNN4J_API CUresult cuInit(unsigned flags);
CUDNN4J_API CUresult cuDriverGetVersion(int* version);
CUDNN4J_API CUresult cuGetErrorName(CUresult error, const char** name);
CUDNN4J_API CUresult cuGetErrorString(CUresult error, const char** text);

CUDNN4J_API CUresult cuDeviceGet(CUdevice* device, int ordinal);
CUDNN4J_API CUresult cuDeviceGetName(char* name, int length, CUdevice device);
CUDNN4J_API CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute,
                                          CUdevice device);
CUDNN4J_API CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device);
CUDNN4J_API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device);
CUDNN4J_API CUresult cuCtxSetCurrent(CUcontext context);
CUDNN4J_API CUresult cuCtxGetCurrent(CUcontext* context);

CUDNN4J_API CUresult cuModuleLoadData(CUmodule* module, const void* image);
CUDNN4J_API CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name);
CUDNN4J_API CUresult cuModuleUnload(CUmodule module);
CUDNN4J_API CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y,
                                    unsigned grid_z, unsigned block_x, unsigned block_y,
                                    unsigned block_z, unsigned shared_bytes, CUstream stream,
                                    void** arguments, void** extra);
