#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "abi/cudnn_abi.h"
#include "cudnn/rnn/engine.hpp"
#include "cudnn/status.hpp"
#include "fault/live.hpp"
#include "runtime/handles.hpp"
#include "runtime/stream.hpp"

// What the opaque pointers of the interface point to.

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

struct cudnnTensorStruct {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  /** 0 until the descriptor is set. */
  int dims = 0;
  std::array<int, CUDNN_DIM_MAX> extent{};
  /** In elements. */
  std::array<int, CUDNN_DIM_MAX> stride{};
};

struct cudnnFilterStruct {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  cudnnTensorFormat_t format = CUDNN_TENSOR_NCHW;
  /** 0 until the descriptor is set. */
  int dims = 0;
  std::array<int, CUDNN_DIM_MAX> extent{};
};

struct cudnnDropoutStruct {
  float drop = 0;
  unsigned long long seed = 0;
  /** The generator, in device memory of the caller; null without one. */
  cudnn4j::DropoutStream* states = nullptr;
};

struct cudnnRNNStruct {
  struct Settings {
    cudnnRNNAlgo_t algo;
    cudnnRNNMode_t cell_mode;
    cudnnRNNBiasMode_t bias_mode;
    cudnnDirectionMode_t dir_mode;
    cudnnRNNInputMode_t input_mode;
    cudnnDataType_t data_type;
    cudnnDataType_t math_prec;
    cudnnMathType_t math_type;
    int32_t input_size;
    int32_t hidden_size;
    int32_t proj_size;
    int32_t num_layers;
    /** Kept by address: the caller may change the probability or destroy it between calls. */
    cudnnDropoutDescriptor_t dropout_desc;
    uint32_t aux_flags;
  };
  std::optional<Settings> settings;
  cudnnRNNClipMode_t clip_mode = CUDNN_RNN_CLIP_NONE;
  /** Kept for the caller alone: NaN is always propagated. */
  cudnnNanPropagation_t clip_nan = CUDNN_NOT_PROPAGATE_NAN;
  double clip_low = 0;
  double clip_high = 0;
  /** The size of batch that PERSIST_DYNAMIC was compiled for; 0 before that. */
  int compiled_batch = 0;
};

struct cudnnRNNDataStruct {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  int vector = 0;
  /**
   * Shared with the work that was queued, so that a later change does not reach it; without time
   * steps until the descriptor is set.
   */
  std::shared_ptr<const cudnn4j::Batch> batch = std::make_shared<const cudnn4j::Batch>();
  /** One element of `type`, as the caller gave it, or zero. */
  std::array<unsigned char, sizeof(double)> padding_fill{};
};

struct cudnnCTCLossStruct {
  cudnnDataType_t compute_type = CUDNN_DATA_FLOAT;
  cudnnLossNormalizationMode_t normalization = CUDNN_LOSS_NORMALIZATION_NONE;
  cudnnCTCGradMode_t gradient_mode = CUDNN_CTC_ZERO_OOB_GRADIENTS;
  int max_label_length = 0;
  /** What older functions have in place of the mode. */
  cudnnNanPropagation_t nan = CUDNN_NOT_PROPAGATE_NAN;
};

namespace cudnn4j::cudnn {

/** The live objects of one type, so that a stale pointer is an error code and not a crash. */
template <class T>
HandleTable<T>& objects() {
  // Never destroyed: a thread may still make calls while the process ends.
  static auto& table = *new HandleTable<T>;
  return table;
}

/** The object itself, refused when the pointer is NULL or not a live object of this type. */
template <class T>
T& live(T* object, const char* name) {
  require_pointer(object, name);
  require(objects<T>().find(object) != nullptr, "%s is not a live object of its type", name);
  return *object;
}

/** An object that is counted while it lives. */
template <class T>
struct Counted : T {
  LiveToken<std::is_same_v<T, cudnnContext> ? LiveCount::CudnnHandles
                                            : LiveCount::CudnnDescriptors>
      token;
};

/** The body of a Create function. */
template <class T>
cudnnStatus_t create(T** out) noexcept {
  return answer([&] {
    require_pointer(out, "the pointer that receives the object");
    *out = objects<T>().add(std::make_shared<Counted<T>>());
  });
}

/** The body of a Destroy function; NULL is fine. */
template <class T>
cudnnStatus_t destroy(T* object) noexcept {
  return answer([&] {
    require(object == nullptr || objects<T>().remove(object) != nullptr,
            "not a live object of its type");
  });
}

/** Stores a value where the caller wants it. */
template <class T>
void store(T* out, T value) {
  if (out != nullptr) {
    *out = value;
  }
}

/** The stream that a handle's work goes to; refused when the handle or its stream is gone. */
Stream& stream_of(cudnnHandle_t handle);

/** Refuses with what became of work that a stream was given. */
void require_taken(cudaError_t error);

/** Hands checked work to a stream. */
template <class Work>
void submit(Stream& stream, std::span<const Range> ranges, Work&& work) {
  require_taken(stream.submit(ranges, std::forward<Work>(work)));
}

}  // namespace cudnn4j::cudnn
