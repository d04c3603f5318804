/* Everything the bindings are generated from; the lists in includes/ say what is taken. */
#include <cuda_runtime_api.h>
#include <cuda.h>
#include <cublas_v2.h>
#include <nvrtc.h>
#include <cudnn.h>
#include <nccl.h>
/* The functions are declared, and not defined in place. */
#define NVTX_NO_IMPL
#include <nvtx3/nvToolsExt.h>

#include "../native/abi/host_device.h"
