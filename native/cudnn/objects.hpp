#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "abi/cudnn_abi.h"
#include "cudnn/rnn/engine.hpp"
#include "cudnn/status.hpp"
#include "runtime/stream.hpp"

namespace cudnn4j::cudnn {

enum class ObjectKind { Handle, Tensor, Dropout, Rnn, RnnData, CtcLoss };

}  // namespace cudnn4j::cudnn

// What the opaque pointers of the interface point to.

struct cudnnContext {
  static constexpr auto kind = cudnn4j::cudnn::ObjectKind::Handle;
  cudaStream_t stream = nullptr;
};

struct cudnnTensorStruct {
  static constexpr auto kind = cudnn4j::cudnn::ObjectKind::Tensor;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  /** 0 until the descriptor is set. */
  int dims = 0;
  std::array<int, CUDNN_DIM_MAX> extent{};
  /** In elements. */
  std::array<int, CUDNN_DIM_MAX> stride{};
};

struct cudnnDropoutStruct {
  static constexpr auto kind = cudnn4j::cudnn::ObjectKind::Dropout;
  float drop = 0;
  unsigned long long seed = 0;
  /** The generator, in device memory of the caller; null without one. */
  cudnn4j::DropoutStream* states = nullptr;
};

struct cudnnRNNStruct {
  static constexpr auto kind = cudnn4j::cudnn::ObjectKind::Rnn;
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
  double clip_low = 0;
  double clip_high = 0;
};

struct cudnnRNNDataStruct {
  static constexpr auto kind = cudnn4j::cudnn::ObjectKind::RnnData;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  int vector = 0;
  /**
   * Shared with the work that was queued, so that a later change does not reach it; null until
   * the descriptor is set.
   */
  std::shared_ptr<const cudnn4j::Batch> batch;
  /** One element of `type`, as the caller gave it. */
  std::array<unsigned char, sizeof(double)> padding_fill{};
};

struct cudnnCTCLossStruct {
  static constexpr auto kind = cudnn4j::cudnn::ObjectKind::CtcLoss;
  cudnnDataType_t compute_type = CUDNN_DATA_FLOAT;
  cudnnLossNormalizationMode_t normalization = CUDNN_LOSS_NORMALIZATION_NONE;
  cudnnCTCGradMode_t gradient_mode = CUDNN_CTC_ZERO_OOB_GRADIENTS;
  int max_label_length = 0;
};

namespace cudnn4j::cudnn {

// Every live object is registered, so that a stale pointer is an error code and not a crash. Any
// thread may call these.
void register_object(const void* object, ObjectKind kind);
bool unregister_object(const void* object, ObjectKind kind);
bool is_live(const void* object, ObjectKind kind);

/** The object itself, refused when the pointer is NULL or not a live object of this kind. */
template <class T>
T& live(T* object, const char* name) {
  require_pointer(object, name);
  require(is_live(object, T::kind), "%s is not a live object of its kind", name);
  return *object;
}

/** The body of a Create function. */
template <class T>
cudnnStatus_t create(T** out) noexcept {
  return answer([&] {
    require_pointer(out, "the pointer that receives the object");
    auto object = std::make_unique<T>();
    register_object(object.get(), T::kind);
    *out = object.release();
  });
}

/** The body of a Destroy function; NULL is fine. */
template <class T>
cudnnStatus_t destroy(T* object) noexcept {
  return answer([&] {
    if (object != nullptr) {
      require(unregister_object(object, T::kind), "not a live object of its kind");
      delete object;
    }
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
