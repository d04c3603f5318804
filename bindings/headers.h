/* Everything the bindings are generated from; the lists in includes/ say what is taken. */
#include <cuda_runtime_api.h>
#include <cuda.h>
#include <cublas_v2.h>
#include <nvrtc.h>
#include <cudnn.h>

#include "../native/abi/host_device.h"
