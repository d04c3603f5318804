/*
 * The part of cuDNN's binary interface (version 9.24) that the host device exports: handles,
 * enumerations with their values, and the functions' prototypes. The meaning of every function is
 * the one that NVIDIA documents for the function of that name; what the host device refuses is said
 * where it is implemented.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cudart_abi.h"
#include "export.h"

typedef enum : int { MAJOR_VERSION = 0, MINOR_VERSION = 1, PATCH_LEVEL = 2 } libraryPropertyType;

enum { CUDNN_VERSION = 92400, CUDNN_DIM_MAX = 8 };

typedef struct cudnnContext* cudnnHandle_t;
typedef struct cudnnTensorStruct* cudnnTensorDescriptor_t;
typedef struct cudnnFilterStruct* cudnnFilterDescriptor_t;
typedef struct cudnnDropoutStruct* cudnnDropoutDescriptor_t;
typedef struct cudnnRNNStruct* cudnnRNNDescriptor_t;
typedef struct cudnnRNNDataStruct* cudnnRNNDataDescriptor_t;
typedef struct cudnnCTCLossStruct* cudnnCTCLossDescriptor_t;

/* The thousands say the category; a test should compare that and not the exact code. */
typedef enum : int {
  CUDNN_STATUS_SUCCESS = 0,
  CUDNN_STATUS_NOT_INITIALIZED = 1001,
  CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH = 1002,
  CUDNN_STATUS_SERIALIZATION_VERSION_MISMATCH = 1003,
  CUDNN_STATUS_DEPRECATED = 1004,
  CUDNN_STATUS_LICENSE_ERROR = 1005,
  CUDNN_STATUS_RUNTIME_IN_PROGRESS = 1006,
  CUDNN_STATUS_RUNTIME_FP_OVERFLOW = 1007,
  CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED = 1008,
  CUDNN_STATUS_BAD_PARAM = 2000,
  CUDNN_STATUS_INVALID_VALUE = 2001,
  CUDNN_STATUS_BAD_PARAM_NULL_POINTER = 2002,
  CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER = 2003,
  CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED = 2004,
  CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND = 2005,
  CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT = 2006,
  CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH = 2007,
  CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH = 2008,
  CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES = 2009,
  CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE = 2010,
  CUDNN_STATUS_BAD_PARAM_CUDA_GRAPH_MISMATCH = 2011,
  CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE = 2012,
  CUDNN_STATUS_NOT_SUPPORTED = 3000,
  CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN = 3001,
  CUDNN_STATUS_NOT_SUPPORTED_SHAPE = 3002,
  CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE = 3003,
  CUDNN_STATUS_NOT_SUPPORTED_LAYOUT = 3004,
  CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER = 3005,
  CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDART = 3006,
  CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH = 3007,
  CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING = 3008,
  CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE = 3009,
  CUDNN_STATUS_NOT_SUPPORTED_SHARED_MEMORY_INSUFFICIENT = 3010,
  CUDNN_STATUS_NOT_SUPPORTED_PADDING = 3011,
  CUDNN_STATUS_NOT_SUPPORTED_BAD_LAUNCH_PARAM = 3012,
  CUDNN_STATUS_NOT_SUPPORTED_CUDA_GRAPH_NATIVE_API = 3013,
  CUDNN_STATUS_NOT_SUPPORTED_INVALID_DYNAMIC_SHAPE = 3014,
  CUDNN_STATUS_INTERNAL_ERROR = 4000,
  CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED = 4001,
  CUDNN_STATUS_INTERNAL_ERROR_UNEXPECTED_VALUE = 4002,
  CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED = 4003,
  CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED = 4004,
  CUDNN_STATUS_INTERNAL_ERROR_BAD_LAUNCH_PARAM = 4005,
  CUDNN_STATUS_INTERNAL_ERROR_TEXTURE_CREATION_FAILED = 4006,
  CUDNN_STATUS_EXECUTION_FAILED = 5000,
  CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER = 5001,
  CUDNN_STATUS_EXECUTION_FAILED_CUBLAS = 5002,
  CUDNN_STATUS_EXECUTION_FAILED_CUDART = 5003,
  CUDNN_STATUS_EXECUTION_FAILED_CURAND = 5004
} cudnnStatus_t;

typedef enum : int {
  CUDNN_DATA_FLOAT = 0,
  CUDNN_DATA_DOUBLE = 1,
  CUDNN_DATA_HALF = 2,
  CUDNN_DATA_INT8 = 3,
  CUDNN_DATA_INT32 = 4,
  CUDNN_DATA_INT8x4 = 5,
  CUDNN_DATA_UINT8 = 6,
  CUDNN_DATA_UINT8x4 = 7,
  CUDNN_DATA_INT8x32 = 8,
  CUDNN_DATA_BFLOAT16 = 9,
  CUDNN_DATA_INT64 = 10,
  CUDNN_DATA_BOOLEAN = 11,
  CUDNN_DATA_FP8_E4M3 = 12,
  CUDNN_DATA_FP8_E5M2 = 13
} cudnnDataType_t;

typedef enum : int {
  CUDNN_TENSOR_NCHW = 0,
  CUDNN_TENSOR_NHWC = 1,
  CUDNN_TENSOR_NCHW_VECT_C = 2
} cudnnTensorFormat_t;

typedef enum : int {
  CUDNN_NOT_PROPAGATE_NAN = 0,
  CUDNN_PROPAGATE_NAN = 1
} cudnnNanPropagation_t;

typedef enum : int {
  CUDNN_ERRQUERY_RAWCODE = 0,
  CUDNN_ERRQUERY_NONBLOCKING = 1,
  CUDNN_ERRQUERY_BLOCKING = 2
} cudnnErrQueryMode_t;

typedef enum : int {
  CUDNN_DEFAULT_MATH = 0,
  CUDNN_TENSOR_OP_MATH = 1,
  CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION = 2,
  CUDNN_FMA_MATH = 3
} cudnnMathType_t;

typedef enum : int {
  CUDNN_SOFTMAX_FAST = 0,
  CUDNN_SOFTMAX_ACCURATE = 1,
  CUDNN_SOFTMAX_LOG = 2
} cudnnSoftmaxAlgorithm_t;

typedef enum : int {
  CUDNN_SOFTMAX_MODE_INSTANCE = 0,
  CUDNN_SOFTMAX_MODE_CHANNEL = 1
} cudnnSoftmaxMode_t;

typedef enum : int {
  CUDNN_RNN_ALGO_STANDARD = 0,
  CUDNN_RNN_ALGO_PERSIST_STATIC = 1,
  CUDNN_RNN_ALGO_PERSIST_DYNAMIC = 2,
  CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H = 3,
  CUDNN_RNN_ALGO_COUNT = 4
} cudnnRNNAlgo_t;

typedef enum : int { CUDNN_FWD_MODE_INFERENCE = 0, CUDNN_FWD_MODE_TRAINING = 1 } cudnnForwardMode_t;

typedef enum : int {
  CUDNN_RNN_RELU = 0,
  CUDNN_RNN_TANH = 1,
  CUDNN_LSTM = 2,
  CUDNN_GRU = 3
} cudnnRNNMode_t;

typedef enum : int {
  CUDNN_RNN_NO_BIAS = 0,
  CUDNN_RNN_SINGLE_INP_BIAS = 1,
  CUDNN_RNN_DOUBLE_BIAS = 2,
  CUDNN_RNN_SINGLE_REC_BIAS = 3
} cudnnRNNBiasMode_t;

typedef enum : int { CUDNN_UNIDIRECTIONAL = 0, CUDNN_BIDIRECTIONAL = 1 } cudnnDirectionMode_t;

typedef enum : int { CUDNN_LINEAR_INPUT = 0, CUDNN_SKIP_INPUT = 1 } cudnnRNNInputMode_t;

typedef enum : int { CUDNN_RNN_CLIP_NONE = 0, CUDNN_RNN_CLIP_MINMAX = 1 } cudnnRNNClipMode_t;

typedef enum : int {
  CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED = 0,
  CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED = 1,
  CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED = 2
} cudnnRNNDataLayout_t;

enum { CUDNN_RNN_PADDED_IO_DISABLED = 0, CUDNN_RNN_PADDED_IO_ENABLED = 1 };

typedef enum : int { CUDNN_WGRAD_MODE_ADD = 0, CUDNN_WGRAD_MODE_SET = 1 } cudnnWgradMode_t;

typedef enum : int {
  CUDNN_LOSS_NORMALIZATION_NONE = 0,
  CUDNN_LOSS_NORMALIZATION_SOFTMAX = 1
} cudnnLossNormalizationMode_t;

typedef enum : int {
  CUDNN_CTC_ZERO_OOB_GRADIENTS = 0,
  CUDNN_CTC_SKIP_OOB_GRADIENTS = 1
} cudnnCTCGradMode_t;

typedef enum : int {
  CUDNN_CTC_LOSS_ALGO_DETERMINISTIC = 0,
  CUDNN_CTC_LOSS_ALGO_NON_DETERMINISTIC = 1
} cudnnCTCLossAlgo_t;

/* Library. */

CUDNN4J_API size_t cudnnGetVersion(void);
CUDNN4J_API size_t cudnnGetCudartVersion(void);
CUDNN4J_API size_t cudnnGetMaxDeviceVersion(void);
CUDNN4J_API cudnnStatus_t cudnnGetProperty(libraryPropertyType type, int* value);
CUDNN4J_API cudnnStatus_t cudnnGraphVersionCheck(void);
CUDNN4J_API cudnnStatus_t cudnnOpsVersionCheck(void);
CUDNN4J_API cudnnStatus_t cudnnAdvVersionCheck(void);
CUDNN4J_API const char* cudnnGetErrorString(cudnnStatus_t status);
CUDNN4J_API void cudnnGetLastErrorString(char* message, size_t max_size);

CUDNN4J_API cudnnStatus_t cudnnCreate(cudnnHandle_t* handle);
CUDNN4J_API cudnnStatus_t cudnnDestroy(cudnnHandle_t handle);
CUDNN4J_API cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream);
CUDNN4J_API cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream);

/* The tag is NULL; what it points to is reserved. */
struct cudnnRuntimeTag_t;
CUDNN4J_API cudnnStatus_t cudnnQueryRuntimeError(cudnnHandle_t handle, cudnnStatus_t* status,
                                                 cudnnErrQueryMode_t mode, cudnnRuntimeTag_t* tag);

/* Tensors. */

CUDNN4J_API cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* desc);
CUDNN4J_API cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t desc);
CUDNN4J_API cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t desc,
                                                     cudnnDataType_t data_type, int nb_dims,
                                                     const int dims[], const int strides[]);
CUDNN4J_API cudnnStatus_t cudnnGetTensorNdDescriptor(cudnnTensorDescriptor_t desc,
                                                     int nb_dims_requested,
                                                     cudnnDataType_t* data_type, int* nb_dims,
                                                     int dims[], int strides[]);
CUDNN4J_API cudnnStatus_t cudnnSetTensorNdDescriptorEx(cudnnTensorDescriptor_t desc,
                                                       cudnnTensorFormat_t format,
                                                       cudnnDataType_t data_type, int nb_dims,
                                                       const int dims[]);
CUDNN4J_API cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t desc,
                                                     cudnnTensorFormat_t format,
                                                     cudnnDataType_t data_type, int n, int c, int h,
                                                     int w);
CUDNN4J_API cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t desc,
                                                       cudnnDataType_t data_type, int n, int c,
                                                       int h, int w, int n_stride, int c_stride,
                                                       int h_stride, int w_stride);
CUDNN4J_API cudnnStatus_t cudnnGetTensor4dDescriptor(cudnnTensorDescriptor_t desc,
                                                     cudnnDataType_t* data_type, int* n, int* c,
                                                     int* h, int* w, int* n_stride, int* c_stride,
                                                     int* h_stride, int* w_stride);
CUDNN4J_API cudnnStatus_t cudnnGetTensorSizeInBytes(cudnnTensorDescriptor_t desc, size_t* size);
CUDNN4J_API cudnnStatus_t cudnnSetTensor(cudnnHandle_t handle, cudnnTensorDescriptor_t y_desc,
                                         void* y, const void* value);

/* Filters: only their descriptors. */

CUDNN4J_API cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* desc);
CUDNN4J_API cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t desc);
CUDNN4J_API cudnnStatus_t cudnnSetFilterNdDescriptor(cudnnFilterDescriptor_t desc,
                                                     cudnnDataType_t data_type,
                                                     cudnnTensorFormat_t format, int nb_dims,
                                                     const int dims[]);
CUDNN4J_API cudnnStatus_t cudnnGetFilterNdDescriptor(cudnnFilterDescriptor_t desc,
                                                     int nb_dims_requested,
                                                     cudnnDataType_t* data_type,
                                                     cudnnTensorFormat_t* format, int* nb_dims,
                                                     int dims[]);
CUDNN4J_API cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t desc,
                                                     cudnnDataType_t data_type,
                                                     cudnnTensorFormat_t format, int k, int c,
                                                     int h, int w);
CUDNN4J_API cudnnStatus_t cudnnGetFilter4dDescriptor(cudnnFilterDescriptor_t desc,
                                                     cudnnDataType_t* data_type,
                                                     cudnnTensorFormat_t* format, int* k, int* c,
                                                     int* h, int* w);
CUDNN4J_API cudnnStatus_t cudnnGetFilterSizeInBytes(cudnnFilterDescriptor_t desc, size_t* size);

/* Dropout. */

CUDNN4J_API cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t* desc);
CUDNN4J_API cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t desc);
CUDNN4J_API cudnnStatus_t cudnnDropoutGetStatesSize(cudnnHandle_t handle, size_t* size);
CUDNN4J_API cudnnStatus_t cudnnDropoutGetReserveSpaceSize(cudnnTensorDescriptor_t x_desc,
                                                          size_t* size);
CUDNN4J_API cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t desc,
                                                    cudnnHandle_t handle, float dropout,
                                                    void* states, size_t state_bytes,
                                                    unsigned long long seed);
CUDNN4J_API cudnnStatus_t cudnnRestoreDropoutDescriptor(cudnnDropoutDescriptor_t desc,
                                                        cudnnHandle_t handle, float dropout,
                                                        void* states, size_t state_bytes,
                                                        unsigned long long seed);
CUDNN4J_API cudnnStatus_t cudnnGetDropoutDescriptor(cudnnDropoutDescriptor_t desc,
                                                    cudnnHandle_t handle, float* dropout,
                                                    void** states, unsigned long long* seed);
CUDNN4J_API cudnnStatus_t cudnnDropoutForward(cudnnHandle_t handle, cudnnDropoutDescriptor_t desc,
                                              cudnnTensorDescriptor_t x_desc, const void* x,
                                              cudnnTensorDescriptor_t y_desc, void* y,
                                              void* reserve, size_t reserve_bytes);
CUDNN4J_API cudnnStatus_t cudnnDropoutBackward(cudnnHandle_t handle, cudnnDropoutDescriptor_t desc,
                                               cudnnTensorDescriptor_t dy_desc, const void* dy,
                                               cudnnTensorDescriptor_t dx_desc, void* dx,
                                               void* reserve, size_t reserve_bytes);

/* Softmax. */

CUDNN4J_API cudnnStatus_t cudnnSoftmaxForward(cudnnHandle_t handle,
                                              cudnnSoftmaxAlgorithm_t algorithm,
                                              cudnnSoftmaxMode_t mode, const void* alpha,
                                              cudnnTensorDescriptor_t x_desc, const void* x,
                                              const void* beta, cudnnTensorDescriptor_t y_desc,
                                              void* y);
CUDNN4J_API cudnnStatus_t cudnnSoftmaxBackward(
    cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm, cudnnSoftmaxMode_t mode,
    const void* alpha, cudnnTensorDescriptor_t y_desc, const void* y,
    cudnnTensorDescriptor_t dy_desc, const void* dy, const void* beta,
    cudnnTensorDescriptor_t dx_desc, void* dx);

/* Recurrent networks. */

CUDNN4J_API cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t* desc);
CUDNN4J_API cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t desc);
CUDNN4J_API cudnnStatus_t cudnnSetRNNDescriptor_v8(
    cudnnRNNDescriptor_t desc, cudnnRNNAlgo_t algo, cudnnRNNMode_t cell_mode,
    cudnnRNNBiasMode_t bias_mode, cudnnDirectionMode_t dir_mode, cudnnRNNInputMode_t input_mode,
    cudnnDataType_t data_type, cudnnDataType_t math_prec, cudnnMathType_t math_type,
    int32_t input_size, int32_t hidden_size, int32_t proj_size, int32_t num_layers,
    cudnnDropoutDescriptor_t dropout_desc, uint32_t aux_flags);
CUDNN4J_API cudnnStatus_t cudnnGetRNNDescriptor_v8(
    cudnnRNNDescriptor_t desc, cudnnRNNAlgo_t* algo, cudnnRNNMode_t* cell_mode,
    cudnnRNNBiasMode_t* bias_mode, cudnnDirectionMode_t* dir_mode, cudnnRNNInputMode_t* input_mode,
    cudnnDataType_t* data_type, cudnnDataType_t* math_prec, cudnnMathType_t* math_type,
    int32_t* input_size, int32_t* hidden_size, int32_t* proj_size, int32_t* num_layers,
    cudnnDropoutDescriptor_t* dropout_desc, uint32_t* aux_flags);
CUDNN4J_API cudnnStatus_t cudnnRNNSetClip_v9(cudnnRNNDescriptor_t desc, cudnnRNNClipMode_t mode,
                                             double lclip, double rclip);
CUDNN4J_API cudnnStatus_t cudnnRNNGetClip_v9(cudnnRNNDescriptor_t desc, cudnnRNNClipMode_t* mode,
                                             double* lclip, double* rclip);
CUDNN4J_API cudnnStatus_t cudnnRNNSetClip_v8(cudnnRNNDescriptor_t desc, cudnnRNNClipMode_t mode,
                                             cudnnNanPropagation_t nan, double lclip,
                                             double rclip);
CUDNN4J_API cudnnStatus_t cudnnRNNGetClip_v8(cudnnRNNDescriptor_t desc, cudnnRNNClipMode_t* mode,
                                             cudnnNanPropagation_t* nan, double* lclip,
                                             double* rclip);
CUDNN4J_API cudnnStatus_t cudnnBuildRNNDynamic(cudnnHandle_t handle, cudnnRNNDescriptor_t desc,
                                               int mini_batch);
CUDNN4J_API cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t* desc);
CUDNN4J_API cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t desc);
CUDNN4J_API cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t desc,
                                                    cudnnDataType_t data_type,
                                                    cudnnRNNDataLayout_t layout,
                                                    int max_seq_length, int batch_size,
                                                    int vector_size, const int seq_lengths[],
                                                    void* padding_fill);
CUDNN4J_API cudnnStatus_t cudnnGetRNNDataDescriptor(cudnnRNNDataDescriptor_t desc,
                                                    cudnnDataType_t* data_type,
                                                    cudnnRNNDataLayout_t* layout,
                                                    int* max_seq_length, int* batch_size,
                                                    int* vector_size, int lengths_requested,
                                                    int seq_lengths[], void* padding_fill);
CUDNN4J_API cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t handle,
                                                    cudnnRNNDescriptor_t desc,
                                                    cudnnForwardMode_t mode,
                                                    cudnnRNNDataDescriptor_t x_desc,
                                                    size_t* work_bytes, size_t* reserve_bytes);
CUDNN4J_API cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t handle,
                                                     cudnnRNNDescriptor_t desc,
                                                     size_t* weight_bytes);
CUDNN4J_API cudnnStatus_t cudnnGetRNNWeightParams(
    cudnnHandle_t handle, cudnnRNNDescriptor_t desc, int32_t pseudo_layer, size_t weight_bytes,
    const void* weights, int32_t linear_layer, cudnnTensorDescriptor_t matrix_desc,
    void** matrix_address, cudnnTensorDescriptor_t bias_desc, void** bias_address);
CUDNN4J_API cudnnStatus_t cudnnRNNForward(
    cudnnHandle_t handle, cudnnRNNDescriptor_t desc, cudnnForwardMode_t mode,
    const int32_t device_seq_lengths[], cudnnRNNDataDescriptor_t x_desc, const void* x,
    cudnnRNNDataDescriptor_t y_desc, void* y, cudnnTensorDescriptor_t h_desc, const void* hx,
    void* hy, cudnnTensorDescriptor_t c_desc, const void* cx, void* cy, size_t weight_bytes,
    const void* weights, size_t work_bytes, void* work, size_t reserve_bytes, void* reserve);
CUDNN4J_API cudnnStatus_t cudnnRNNBackwardData_v8(
    cudnnHandle_t handle, cudnnRNNDescriptor_t desc, const int32_t device_seq_lengths[],
    cudnnRNNDataDescriptor_t y_desc, const void* y, const void* dy,
    cudnnRNNDataDescriptor_t x_desc, void* dx, cudnnTensorDescriptor_t h_desc, const void* hx,
    const void* dhy, void* dhx, cudnnTensorDescriptor_t c_desc, const void* cx, const void* dcy,
    void* dcx, size_t weight_bytes, const void* weights, size_t work_bytes, void* work,
    size_t reserve_bytes, void* reserve);
CUDNN4J_API cudnnStatus_t cudnnRNNBackwardWeights_v8(
    cudnnHandle_t handle, cudnnRNNDescriptor_t desc, cudnnWgradMode_t mode,
    const int32_t device_seq_lengths[], cudnnRNNDataDescriptor_t x_desc, const void* x,
    cudnnTensorDescriptor_t h_desc, const void* hx, cudnnRNNDataDescriptor_t y_desc, const void* y,
    size_t weight_bytes, void* weight_gradients, size_t work_bytes, void* work,
    size_t reserve_bytes, void* reserve);

/* Connectionist temporal classification. */

CUDNN4J_API cudnnStatus_t cudnnCreateCTCLossDescriptor(cudnnCTCLossDescriptor_t* desc);
CUDNN4J_API cudnnStatus_t cudnnDestroyCTCLossDescriptor(cudnnCTCLossDescriptor_t desc);
CUDNN4J_API cudnnStatus_t cudnnSetCTCLossDescriptor(cudnnCTCLossDescriptor_t desc,
                                                    cudnnDataType_t compute_type);
CUDNN4J_API cudnnStatus_t cudnnGetCTCLossDescriptor(cudnnCTCLossDescriptor_t desc,
                                                    cudnnDataType_t* compute_type);
CUDNN4J_API cudnnStatus_t cudnnSetCTCLossDescriptorEx(cudnnCTCLossDescriptor_t desc,
                                                      cudnnDataType_t compute_type,
                                                      cudnnLossNormalizationMode_t normalization,
                                                      cudnnNanPropagation_t nan);
CUDNN4J_API cudnnStatus_t cudnnGetCTCLossDescriptorEx(cudnnCTCLossDescriptor_t desc,
                                                      cudnnDataType_t* compute_type,
                                                      cudnnLossNormalizationMode_t* normalization,
                                                      cudnnNanPropagation_t* nan);
CUDNN4J_API cudnnStatus_t cudnnSetCTCLossDescriptor_v8(cudnnCTCLossDescriptor_t desc,
                                                       cudnnDataType_t compute_type,
                                                       cudnnLossNormalizationMode_t normalization,
                                                       cudnnNanPropagation_t nan,
                                                       int max_label_length);
CUDNN4J_API cudnnStatus_t cudnnGetCTCLossDescriptor_v8(cudnnCTCLossDescriptor_t desc,
                                                       cudnnDataType_t* compute_type,
                                                       cudnnLossNormalizationMode_t* normalization,
                                                       cudnnNanPropagation_t* nan,
                                                       int* max_label_length);
CUDNN4J_API cudnnStatus_t cudnnSetCTCLossDescriptor_v9(cudnnCTCLossDescriptor_t desc,
                                                       cudnnDataType_t compute_type,
                                                       cudnnLossNormalizationMode_t normalization,
                                                       cudnnCTCGradMode_t gradient_mode,
                                                       int max_label_length);
CUDNN4J_API cudnnStatus_t cudnnGetCTCLossDescriptor_v9(cudnnCTCLossDescriptor_t desc,
                                                       cudnnDataType_t* compute_type,
                                                       cudnnLossNormalizationMode_t* normalization,
                                                       cudnnCTCGradMode_t* gradient_mode,
                                                       int* max_label_length);
CUDNN4J_API cudnnStatus_t cudnnCTCLoss(
    cudnnHandle_t handle, cudnnTensorDescriptor_t probs_desc, const void* probs,
    const int labels[], const int label_lengths[], const int input_lengths[], void* costs,
    cudnnTensorDescriptor_t gradients_desc, void* gradients, cudnnCTCLossAlgo_t algo,
    cudnnCTCLossDescriptor_t desc, void* work, size_t work_bytes);
CUDNN4J_API cudnnStatus_t cudnnCTCLoss_v8(
    cudnnHandle_t handle, cudnnCTCLossAlgo_t algo, cudnnCTCLossDescriptor_t desc,
    cudnnTensorDescriptor_t probs_desc, const void* probs, const int labels[],
    const int label_lengths[], const int input_lengths[], void* costs,
    cudnnTensorDescriptor_t gradients_desc, void* gradients, size_t work_bytes, void* work);
CUDNN4J_API cudnnStatus_t cudnnGetCTCLossWorkspaceSize(
    cudnnHandle_t handle, cudnnTensorDescriptor_t probs_desc,
    cudnnTensorDescriptor_t gradients_desc, const int* labels, const int* label_lengths,
    const int* input_lengths, cudnnCTCLossAlgo_t algo, cudnnCTCLossDescriptor_t desc,
    size_t* work_bytes);
CUDNN4J_API cudnnStatus_t cudnnGetCTCLossWorkspaceSize_v8(cudnnHandle_t handle,
                                                          cudnnCTCLossAlgo_t algo,
                                                          cudnnCTCLossDescriptor_t desc,
                                                          cudnnTensorDescriptor_t probs_desc,
                                                          cudnnTensorDescriptor_t gradients_desc,
                                                          size_t* work_bytes);
