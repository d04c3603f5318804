/*
 * A plain C program that makes the calls of cuDNN which cudnn4j makes for the same network: what a
 * layer above cuDNN must not lose. The protocol is that of bench/java/.../Peer.java.
 *
 *   cc -O2 -I CUDA/include -I CUDNN/include -o cudnn_peer cudnn_peer.c -ldl -lm
 *   cudnn_peer LIBRARY...    the libraries to load: libcudnn4j_host.so, or libcudart.so.13 and
 *                            libcudnn.so.9
 *
 * NVIDIA's headers declare; the libraries are opened when it runs, so that one program measures
 * both devices and needs no compiler where it runs.
 */
#define _GNU_SOURCE
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FUNCTIONS(F)                                                                               \
  F(cudaMalloc) F(cudaFree) F(cudaMemcpy) F(cudaMemsetAsync) F(cudaStreamCreateWithFlags)          \
  F(cudaStreamSynchronize) F(cudaDeviceSynchronize) F(cudaGetErrorString) F(cudnnGetErrorString) F(cudnnGetVersion)         \
  F(cudnnCreate) F(cudnnSetStream) F(cudnnCreateRNNDescriptor) F(cudnnSetRNNDescriptor_v8)         \
  F(cudnnDestroyRNNDescriptor) F(cudnnBuildRNNDynamic) F(cudnnCreateRNNDataDescriptor)             \
  F(cudnnSetRNNDataDescriptor) F(cudnnDestroyRNNDataDescriptor) F(cudnnCreateTensorDescriptor)     \
  F(cudnnSetTensorNdDescriptor) F(cudnnGetTensorNdDescriptor) F(cudnnDestroyTensorDescriptor)      \
  F(cudnnCreateDropoutDescriptor) F(cudnnSetDropoutDescriptor) F(cudnnDestroyDropoutDescriptor)    \
  F(cudnnGetRNNWeightSpaceSize) F(cudnnGetRNNWeightParams) F(cudnnGetRNNTempSpaceSizes)            \
  F(cudnnRNNForward) F(cudnnRNNBackwardData_v8) F(cudnnRNNBackwardWeights_v8)

#define POINTER(f) static __typeof__(&f) call_##f;
FUNCTIONS(POINTER)

static void fail(const char* what, const char* why) {
  /* The answer that the driver expects; it goes on without this program. */
  printf("= skip %s: %s\n", what, why);
  fflush(stdout);
  exit(1);
}

#define CUDA(f, ...)                                                                               \
  do {                                                                                             \
    cudaError_t status_ = call_##f(__VA_ARGS__);                                                   \
    if (status_ != cudaSuccess) fail(#f, call_cudaGetErrorString(status_));                        \
  } while (0)

#define CUDNN(f, ...)                                                                              \
  do {                                                                                             \
    cudnnStatus_t status_ = call_##f(__VA_ARGS__);                                                 \
    if (status_ != CUDNN_STATUS_SUCCESS) fail(#f, call_cudnnGetErrorString(status_));              \
  } while (0)

enum { X = 1, DY = 2, PARAMETERS = 10, MOST_ROWS = 4096 };

typedef struct {
  int input, hidden, layers, directions, batch, time, gates, varying;
  int lengths[MOST_ROWS];
  long rows;
  cudnnRNNMode_t mode;
  cudnnRNNAlgo_t algorithm;
  cudnnRNNInputMode_t input_mode;
  cudnnDataType_t type, math;
  cudnnMathType_t math_type;
  size_t width;
} Workload;

typedef struct {
  Workload work;
  cudnnForwardMode_t mode;
  int backward;
  cudnnRNNDescriptor_t rnn;
  cudnnRNNDataDescriptor_t x_desc, y_desc;
  cudnnTensorDescriptor_t h_desc;
  size_t workspace_bytes, reserve_bytes, weight_bytes;
  long inputs, outputs;
  void *x, *y, *dx, *dy, *weights, *gradients, *workspace, *reserve;
} Job;

static cudnnHandle_t handle;
static cudaStream_t stream;
static char why[200];

/* Numbers: those of Fill.java. */

static uint32_t bits(uint32_t salt, uint32_t index) {
  uint32_t hash = index * 0x9E3779B1u + salt * 0x85EBCA6Bu;
  hash = (hash ^ hash >> 15) * 0x2C1B3C6Du;
  hash ^= hash >> 12;
  return hash >> 8;
}

/* Halves by their bits: not every compiler has a type for them. */

/* Rounds to the nearest half, of two to the even one. */
static uint16_t to_half(float value) {
  uint32_t word;
  memcpy(&word, &value, sizeof(word));
  uint32_t sign = word >> 16 & 0x8000, size = word & 0x7FFFFFFF;
  if (size > 0x7F800000) return sign | 0x7E00;  /* not a number */
  if (size >= 0x47800000) return sign | 0x7C00; /* 2^16 and more: infinite */
  /* Below 2^-14, the least normal one, as many times 2^-24. */
  if (size < 0x38800000) return sign | (uint32_t)nearbyint(ldexp(fabs(value), 24));
  return sign | (size + 0xFFF + (size >> 13 & 1) - 0x38000000) >> 13;
}

static double of_half(uint16_t half) {
  int exponent = half >> 10 & 31, fraction = half & 1023;
  double size = ldexp(exponent == 0 ? fraction : 1024 + fraction, exponent == 0 ? -24 : exponent - 25);
  if (exponent == 31) size = fraction == 0 ? INFINITY : NAN;
  return half & 0x8000 ? -size : size;
}

static void store(void* to, long index, float value, cudnnDataType_t type) {
  if (type == CUDNN_DATA_DOUBLE) {
    ((double*)to)[index] = value;
  } else if (type == CUDNN_DATA_HALF) {
    ((uint16_t*)to)[index] = to_half(value);
  } else if (type == CUDNN_DATA_BFLOAT16) {
    uint32_t word;
    memcpy(&word, &value, sizeof(word));
    ((uint16_t*)to)[index] = (uint16_t)((word + 0x7FFF + (word >> 16 & 1)) >> 16);
  } else {
    ((float*)to)[index] = value;
  }
}

static double load(const void* from, long index, cudnnDataType_t type) {
  if (type == CUDNN_DATA_DOUBLE) return ((const double*)from)[index];
  if (type == CUDNN_DATA_HALF) return of_half(((const uint16_t*)from)[index]);
  if (type == CUDNN_DATA_FLOAT) return ((const float*)from)[index];
  uint32_t word = (uint32_t)((const uint16_t*)from)[index] << 16;
  float value;
  memcpy(&value, &word, sizeof(value));
  return value;
}

/* Writes `n` numbers to the device, the first being number `first` of those with that salt. */
static void fill(void* to, uint32_t salt, long first, long n, double scale, const Workload* w) {
  void* host = malloc(n * w->width);
  for (long i = 0; i < n; i++) {
    store(host, i, (float)((bits(salt, first + i) / 8388608.0 - 1) * scale), w->type);
  }
  CUDA(cudaMemcpy, to, host, n * w->width, cudaMemcpyHostToDevice);
  free(host);
}

/* The sum of the absolute values of `n` numbers on the device. */
static double sum(const void* from, long n, const Workload* w) {
  void* host = malloc(n * w->width);
  CUDA(cudaMemcpy, host, from, n * w->width, cudaMemcpyDeviceToHost);
  double total = 0;
  for (long i = 0; i < n; i++) total += fabs(load(host, i, w->type));
  free(host);
  return total;
}

static void* allocate(size_t bytes) {
  void* address = NULL;
  if (bytes > 0) CUDA(cudaMalloc, &address, bytes);
  return address;
}

/* Understands a name as Workload.java does; 0 if this program cannot run it. */
static int parse(char* name, Workload* w) {
  memset(w, 0, sizeof(*w));
  w->layers = w->directions = w->batch = w->time = 1;
  w->algorithm = CUDNN_RNN_ALGO_STANDARD;
  w->input_mode = CUDNN_LINEAR_INPUT;
  w->type = w->math = CUDNN_DATA_FLOAT;
  w->math_type = CUDNN_FMA_MATH;
  int place = 0;
  for (char* part = strtok(name, "_"); part != NULL; part = strtok(NULL, "_"), place++) {
    int number = atoi(part + 1);
    if (place == 0) {
      if (strcmp(part, "LSTM") == 0) w->mode = CUDNN_LSTM, w->gates = 4;
      else if (strcmp(part, "GRU") == 0) w->mode = CUDNN_GRU, w->gates = 3;
      else if (strcmp(part, "TANH") == 0) w->mode = CUDNN_RNN_TANH, w->gates = 1;
      else if (strcmp(part, "RELU") == 0) w->mode = CUDNN_RNN_RELU, w->gates = 1;
      else return 0;
    } else if (place == 1) w->input = atoi(part);
    else if (place == 2) w->hidden = atoi(part);
    else if (strcmp(part, "BI") == 0) w->directions = 2;
    else if (strcmp(part, "VAR") == 0) w->varying = 1;
    else if (strcmp(part, "SKIP") == 0) w->input_mode = CUDNN_SKIP_INPUT;
    else if (strcmp(part, "STATIC") == 0) w->algorithm = CUDNN_RNN_ALGO_PERSIST_STATIC;
    else if (strcmp(part, "DYNAMIC") == 0) w->algorithm = CUDNN_RNN_ALGO_PERSIST_DYNAMIC;
    else if (strcmp(part, "SMALL") == 0) w->algorithm = CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H;
    else if (strcmp(part, "H") == 0 && w->algorithm == CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H) continue;
    else if (strcmp(part, "TF32") == 0) w->math_type = CUDNN_DEFAULT_MATH;
    else if (strcmp(part, "FP16") == 0) w->type = CUDNN_DATA_HALF, w->math_type = CUDNN_TENSOR_OP_MATH;
    else if (strcmp(part, "BF16") == 0) w->type = CUDNN_DATA_BFLOAT16, w->math_type = CUDNN_DEFAULT_MATH;
    else if (strcmp(part, "FP64") == 0) {
      w->type = w->math = CUDNN_DATA_DOUBLE;
      w->math_type = CUDNN_DEFAULT_MATH;
    }
    else if (part[0] == 'L') w->layers = number;
    else if (part[0] == 'B') w->batch = number;
    else if (part[0] == 'T') w->time = number;
    else {
      snprintf(why, sizeof(why), "this program cannot run %s", part);
      return 0;
    }
  }
  if (w->batch > MOST_ROWS) {
    snprintf(why, sizeof(why), "B %d is above %d", w->batch, MOST_ROWS);
    return 0;
  }
  w->width = w->type == CUDNN_DATA_DOUBLE ? 8 : w->type == CUDNN_DATA_FLOAT ? 4 : 2;
  for (int row = 0; row < w->batch; row++) {
    int length = w->varying ? (w->time * (w->batch - row) + w->batch - 1) / w->batch : w->time;
    w->lengths[row] = length;
    w->rows += length;
  }
  return 1;
}

/* Calls `use` with each matrix and bias, gate by gate, and the salt and place of its numbers. */
static double each_parameter(Job* job, void* space,
                             double (*use)(void*, uint32_t, long, long, const Workload*)) {
  Workload* w = &job->work;
  cudnnTensorDescriptor_t matrix, bias;
  CUDNN(cudnnCreateTensorDescriptor, &matrix);
  CUDNN(cudnnCreateTensorDescriptor, &bias);
  uint32_t salt = PARAMETERS;
  double total = 0;
  for (int pseudo = 0; pseudo < w->layers * w->directions; pseudo++) {
    for (int is_bias = 0; is_bias < 2; is_bias++) {
      for (int on_state = 0; on_state < 2; on_state++) {
        long done = 0;
        for (int gate = 0; gate < w->gates; gate++) {
          void *matrix_at, *bias_at;
          CUDNN(cudnnGetRNNWeightParams, handle, job->rnn, pseudo, job->weight_bytes, space,
                on_state * w->gates + gate, matrix, &matrix_at, bias, &bias_at);
          void* at = is_bias ? bias_at : matrix_at;
          if (at == NULL) continue;
          cudnnDataType_t type;
          int rank, extents[3], strides[3];
          CUDNN(cudnnGetTensorNdDescriptor, is_bias ? bias : matrix, 3, &type, &rank, extents, strides);
          long n = (long)extents[0] * extents[1] * extents[2];
          total += use(at, salt, done, n, w);
          done += n;
        }
        if (done > 0) salt++;
      }
    }
  }
  CUDNN(cudnnDestroyTensorDescriptor, matrix);
  CUDNN(cudnnDestroyTensorDescriptor, bias);
  return total;
}

static double set_parameter(void* at, uint32_t salt, long first, long n, const Workload* w) {
  fill(at, salt, first, n, 1 / sqrt(w->hidden), w);
  return 0;
}

static double sum_parameter(void* at, uint32_t salt, long first, long n, const Workload* w) {
  (void)salt, (void)first;
  return sum(at, n, w);
}

static double count_parameter(void* at, uint32_t salt, long first, long n, const Workload* w) {
  (void)at, (void)salt, (void)first, (void)w;
  return (double)n;
}

static cudnnRNNDataDescriptor_t describe(const Workload* w, int width) {
  cudnnRNNDataDescriptor_t descriptor;
  double zero = 0;
  CUDNN(cudnnCreateRNNDataDescriptor, &descriptor);
  CUDNN(cudnnSetRNNDataDescriptor, descriptor, w->type,
        w->varying ? CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED : CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED,
        w->time, w->batch, width, w->lengths, &zero);
  return descriptor;
}

static int open_job(const char* kind, char* name, Job* job) {
  memset(job, 0, sizeof(*job));
  Workload* w = &job->work;
  if (!parse(name, w)) return 0;
  job->backward = strcmp(kind, "train") == 0;
  job->mode = strcmp(kind, "infer") == 0 ? CUDNN_FWD_MODE_INFERENCE : CUDNN_FWD_MODE_TRAINING;
  if (!job->backward && strcmp(kind, "infer") != 0 && strcmp(kind, "forward") != 0) {
    snprintf(why, sizeof(why), "cuDNN alone has no %s", kind);
    return 0;
  }
  cudnnDropoutDescriptor_t dropout;
  CUDNN(cudnnCreateDropoutDescriptor, &dropout);
  CUDNN(cudnnSetDropoutDescriptor, dropout, handle, 0, NULL, 0, 0);
  CUDNN(cudnnCreateRNNDescriptor, &job->rnn);
  cudnnStatus_t status = call_cudnnSetRNNDescriptor_v8(
      job->rnn, w->algorithm, w->mode, CUDNN_RNN_DOUBLE_BIAS,
      w->directions == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL, w->input_mode, w->type,
      w->math, w->math_type, w->input, w->hidden, w->hidden, w->layers, dropout,
      w->varying ? CUDNN_RNN_PADDED_IO_DISABLED : CUDNN_RNN_PADDED_IO_ENABLED);
  if (status == CUDNN_STATUS_SUCCESS && w->algorithm == CUDNN_RNN_ALGO_PERSIST_DYNAMIC) {
    status = call_cudnnBuildRNNDynamic(handle, job->rnn, w->batch);
  }
  if (status != CUDNN_STATUS_SUCCESS) {
    snprintf(why, sizeof(why), "cuDNN refuses: %s", call_cudnnGetErrorString(status));
    return 0;
  }
  job->x_desc = describe(w, w->input);
  job->y_desc = describe(w, w->hidden * w->directions);
  int extents[3] = {w->layers * w->directions, w->batch, w->hidden};
  int strides[3] = {w->batch * w->hidden, w->hidden, 1};
  CUDNN(cudnnCreateTensorDescriptor, &job->h_desc);
  CUDNN(cudnnSetTensorNdDescriptor, job->h_desc, w->type, 3, extents, strides);
  CUDNN(cudnnGetRNNWeightSpaceSize, handle, job->rnn, &job->weight_bytes);
  CUDNN(cudnnGetRNNTempSpaceSizes, handle, job->rnn, job->mode, job->x_desc,
        &job->workspace_bytes, &job->reserve_bytes);
  job->inputs = w->rows * w->input;
  job->outputs = w->rows * w->hidden * w->directions;
  job->x = allocate(job->inputs * w->width);
  job->dx = allocate(job->inputs * w->width);
  job->y = allocate(job->outputs * w->width);
  job->dy = allocate(job->outputs * w->width);
  job->weights = allocate(job->weight_bytes);
  job->gradients = allocate(job->weight_bytes);
  job->workspace = allocate(job->workspace_bytes);
  job->reserve = allocate(job->reserve_bytes);
  fill(job->x, X, 0, job->inputs, 1, w);
  fill(job->dy, DY, 0, job->outputs, 1, w);
  each_parameter(job, job->weights, set_parameter);
  /* The copies are on another stream, and may have returned before they are done. */
  CUDA(cudaDeviceSynchronize);
  return 1;
}

static void run(Job* job, int times) {
  for (int i = 0; i < times; i++) {
    if (job->backward) CUDA(cudaMemsetAsync, job->gradients, 0, job->weight_bytes, stream);
    CUDNN(cudnnRNNForward, handle, job->rnn, job->mode, NULL, job->x_desc, job->x, job->y_desc,
          job->y, job->h_desc, NULL, NULL, job->h_desc, NULL, NULL, job->weight_bytes,
          job->weights, job->workspace_bytes, job->workspace, job->reserve_bytes, job->reserve);
    if (!job->backward) continue;
    CUDNN(cudnnRNNBackwardData_v8, handle, job->rnn, NULL, job->y_desc, job->y, job->dy,
          job->x_desc, job->dx, job->h_desc, NULL, NULL, NULL, job->h_desc, NULL, NULL, NULL,
          job->weight_bytes, job->weights, job->workspace_bytes, job->workspace,
          job->reserve_bytes, job->reserve);
    CUDNN(cudnnRNNBackwardWeights_v8, handle, job->rnn, CUDNN_WGRAD_MODE_ADD, NULL, job->x_desc,
          job->x, job->h_desc, NULL, job->y_desc, job->y, job->weight_bytes, job->gradients,
          job->workspace_bytes, job->workspace, job->reserve_bytes, job->reserve);
  }
  CUDA(cudaStreamSynchronize, stream);
}

static void check(Job* job) {
  run(job, 1);
  printf("= y=%.9g", sum(job->y, job->outputs, &job->work) / job->outputs);
  if (job->backward) {
    printf(" dx=%.9g dw=%.9g", sum(job->dx, job->inputs, &job->work) / job->inputs,
           each_parameter(job, job->gradients, sum_parameter) /
               each_parameter(job, job->gradients, count_parameter));
  }
  printf("\n");
}

static void close_job(Job* job) {
  void* blocks[] = {job->x, job->dx, job->y, job->dy, job->weights, job->gradients,
                    job->workspace, job->reserve};
  for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) CUDA(cudaFree, blocks[i]);
  if (job->rnn != NULL) CUDNN(cudnnDestroyRNNDescriptor, job->rnn);
  if (job->x_desc != NULL) CUDNN(cudnnDestroyRNNDataDescriptor, job->x_desc);
  if (job->y_desc != NULL) CUDNN(cudnnDestroyRNNDataDescriptor, job->y_desc);
  if (job->h_desc != NULL) CUDNN(cudnnDestroyTensorDescriptor, job->h_desc);
  memset(job, 0, sizeof(*job));
}

static void* find(const char* name, void** libraries, int count) {
  for (int i = 0; i < count; i++) {
    void* symbol = dlsym(libraries[i], name);
    if (symbol != NULL) return symbol;
  }
  fail(name, "not in any of the libraries");
  return NULL;
}

int main(int count, char** names) {
  void* libraries[16];
  int opened = 0;
  for (int i = 1; i < count && opened < 16; i++) {
    libraries[opened] = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
    if (libraries[opened++] == NULL) fail("dlopen", dlerror());
  }
#define FIND(f) *(void**)&call_##f = find(#f, libraries, opened);
  FUNCTIONS(FIND)
  CUDA(cudaStreamCreateWithFlags, &stream, cudaStreamNonBlocking);
  CUDNN(cudnnCreate, &handle);
  CUDNN(cudnnSetStream, handle, stream);
  printf("= C, cuDNN %zu\n", call_cudnnGetVersion());
  fflush(stdout);
  static Job job;
  char line[300];
  while (fgets(line, sizeof(line), stdin) != NULL) {
    char command[16] = "", first[16] = "", second[200] = "";
    sscanf(line, "%15s %15s %199s", command, first, second);
    if (strcmp(command, "quit") == 0) break;
    if (strcmp(command, "open") == 0) {
      close_job(&job);
      printf(open_job(first, second, &job) ? "= ok\n" : "= skip %s\n", why);
    } else if (strcmp(command, "check") == 0) {
      check(&job);
    } else {
      struct timespec start, end;
      clock_gettime(CLOCK_MONOTONIC, &start);
      run(&job, atoi(first));
      clock_gettime(CLOCK_MONOTONIC, &end);
      printf("= ns %lld\n", (end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec);
    }
    fflush(stdout);
  }
  return 0;
}
