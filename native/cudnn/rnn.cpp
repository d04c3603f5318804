#include "cudnn/rnn_call.hpp"
#include "cudnn/tensor.hpp"
#include "fault/call.hpp"

using namespace cudnn4j;
using namespace cudnn4j::cudnn;

namespace {

/**
 * Describes one parameter of a linear layer: [1, rows, columns], or nothing where there is none.
 * Without a weight space its address is the offset in it.
 */
void describe(const Network& network, size_t weight_bytes, const void* weights, int64_t offset,
              int64_t rows, int64_t columns, cudnnTensorStruct& desc, void** address) {
  if (offset < 0) {
    desc = {};
    *address = nullptr;
    return;
  }
  const size_t start = static_cast<size_t>(offset) * network.element_bytes;
  const size_t end = start + static_cast<size_t>(rows * columns) * network.element_bytes;
  require(weight_bytes >= end, "weightSpaceSize is %zu, the parameter ends at %zu", weight_bytes,
          end);
  set_packed(desc, network.type, 1, static_cast<int>(rows), static_cast<int>(columns));
  *address = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(weights) + start);
}

}  // namespace

cudnnStatus_t cudnnBuildRNNDynamic(cudnnHandle_t handle, cudnnRNNDescriptor_t desc,
                                   int mini_batch) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    live(handle, "handle");
    const Network network = network_of(desc);
    require(mini_batch > 0, "miniBatch is %d, not positive", mini_batch);
    // Nothing is compiled at run time here, but a call that a GPU refuses is refused.
    if (network.compiled_batch) {
      desc->compiled_batch = mini_batch;
    }
  });
}

cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t handle, cudnnRNNDescriptor_t desc,
                                        cudnnForwardMode_t mode, cudnnRNNDataDescriptor_t x_desc,
                                        size_t* work_bytes, size_t* reserved_bytes) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    live(handle, "handle");
    const Network network = network_of(desc);
    require_enum(mode, 2, "fwdMode");
    const auto& x = live(x_desc, "xDesc");
    require_kernel(network);
    require_set(x, "xDesc");
    require(x.type == network.type, "xDesc has data type %d, the network has %d", int(x.type),
            int(network.type));
    require(x.vector == network.shape.input, "xDesc has vectorSize %d, the network has %d",
            x.vector, network.shape.input);
    const bool training = mode == CUDNN_FWD_MODE_TRAINING;
    store(work_bytes, network.workspace_bytes(*x.batch, training));
    store(reserved_bytes, training ? network.reserve_bytes(*x.batch) : size_t{0});
  });
}

cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t handle, cudnnRNNDescriptor_t desc,
                                         size_t* weight_bytes) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    live(handle, "handle");
    const Network network = network_of(desc);
    require_pointer(weight_bytes, "weightSpaceSize");
    *weight_bytes = network.weight_bytes();
  });
}

cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t handle, cudnnRNNDescriptor_t desc,
                                      int32_t pseudo_layer, size_t weight_bytes,
                                      const void* weights, int32_t linear_layer,
                                      cudnnTensorDescriptor_t matrix_desc, void** matrix_address,
                                      cudnnTensorDescriptor_t bias_desc, void** bias_address) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    live(handle, "handle");
    const Network network = network_of(desc);
    require((matrix_desc == nullptr) == (matrix_address == nullptr),
            "one of mDesc and mAddr is NULL, the other is not");
    require((bias_desc == nullptr) == (bias_address == nullptr),
            "one of bDesc and bAddr is NULL, the other is not");
    require_enum(pseudo_layer, network.states(), "pseudoLayer");
    // The projection has an identifier in every network; without one it is a layer of nothing.
    const int linear_layers = 2 * gates(network.shape.cell);
    require_enum(linear_layer, linear_layers + 1, "linLayerID");
    const auto slot = weight_slot(network.shape, pseudo_layer, linear_layer)
                          .value_or(WeightSlot{-1, 0, 0, -1});
    if (matrix_desc != nullptr) {
      describe(network, weight_bytes, weights, slot.matrix_offset, slot.rows, slot.cols,
               live(matrix_desc, "mDesc"), matrix_address);
    }
    if (bias_desc != nullptr) {
      describe(network, weight_bytes, weights, slot.bias_offset, slot.rows, 1,
               live(bias_desc, "bDesc"), bias_address);
    }
  });
}

cudnnStatus_t cudnnRNNForward(
    cudnnHandle_t handle, cudnnRNNDescriptor_t desc, cudnnForwardMode_t mode,
    const int32_t /* device_seq_lengths */[], cudnnRNNDataDescriptor_t x_desc, const void* x,
    cudnnRNNDataDescriptor_t y_desc, void* y, cudnnTensorDescriptor_t h_desc, const void* hx,
    void* hy, cudnnTensorDescriptor_t c_desc, const void* cx, void* cy, size_t weight_bytes,
    const void* weights, size_t work_bytes, void* work, size_t reserved_bytes, void* reserve) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    RnnCall call(RnnCall::Pass::Forward, handle, desc, x_desc, y_desc);
    // Like cuDNN it takes any other mode for inference.
    const bool training = mode == CUDNN_FWD_MODE_TRAINING;
    if (hx != nullptr || hy != nullptr) {
      call.require_states(h_desc, "hDesc", call.shape().output);
    }
    if (cx != nullptr || cy != nullptr) {
      call.require_states(c_desc, "cDesc", call.shape().hidden);
    }
    call.add_input("x", x, Use::Read);
    call.add_output("y", y, Use::Write);
    call.add_states("hx", hx, call.shape().output, Use::Read);
    call.add_states("hy", hy, call.shape().output, Use::Write);
    if (call.shape().cell == Cell::Lstm) {
      call.add_states("cx", cx, call.shape().hidden, Use::Read);
      call.add_states("cy", cy, call.shape().hidden, Use::Write);
    }
    call.add_weights("weightSpace", weights, weight_bytes, Use::Read);
    call.add_workspace(work, work_bytes, training);
    DropoutStream* generator = nullptr;
    if (training) {
      call.add_reserve(reserve, reserved_bytes);
      call.add_generator();
      generator = call.network().generator;
    }
    void* kept = training ? reserve : nullptr;
    call.run([=, batch = call.y_batch()]<class T>(const RnnShape& shape, T) {
      forward<T>(shape, *batch, static_cast<const T*>(x), static_cast<T*>(y),
                 static_cast<const T*>(hx), static_cast<T*>(hy), static_cast<const T*>(cx),
                 static_cast<T*>(cy), static_cast<const T*>(weights), work, kept, generator);
    });
  });
}

cudnnStatus_t cudnnRNNBackwardData_v8(
    cudnnHandle_t handle, cudnnRNNDescriptor_t desc, const int32_t /* device_seq_lengths */[],
    cudnnRNNDataDescriptor_t y_desc, const void* y, const void* dy,
    cudnnRNNDataDescriptor_t x_desc, void* dx, cudnnTensorDescriptor_t h_desc, const void* hx,
    const void* dhy, void* dhx, cudnnTensorDescriptor_t c_desc, const void* cx, const void* dcy,
    void* dcx, size_t weight_bytes, const void* weights, size_t work_bytes, void* work,
    size_t reserved_bytes, void* reserve) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    RnnCall call(RnnCall::Pass::Backward, handle, desc, x_desc, y_desc);
    if (dhy != nullptr || dhx != nullptr) {
      call.require_states(h_desc, "hDesc", call.shape().output);
    }
    if (dcy != nullptr || dcx != nullptr) {
      call.require_states(c_desc, "cDesc", call.shape().hidden);
    }
    call.add_output("y", y, Use::Read);
    call.add_output("dy", dy, Use::Read);
    call.add_input("dx", dx, Use::Write);
    call.add_states("hx", hx, call.shape().output, Use::Read);
    call.add_states("dhy", dhy, call.shape().output, Use::Read);
    call.add_states("dhx", dhx, call.shape().output, Use::Write);
    if (call.shape().cell == Cell::Lstm) {
      call.add_states("cx", cx, call.shape().hidden, Use::Read);
      call.add_states("dcy", dcy, call.shape().hidden, Use::Read);
      call.add_states("dcx", dcx, call.shape().hidden, Use::Write);
    }
    call.add_weights("weightSpace", weights, weight_bytes, Use::Read);
    call.add_workspace(work, work_bytes, true);
    call.add_reserve(reserve, reserved_bytes);
    call.run([=, batch = call.x_batch()]<class T>(const RnnShape& shape, T) {
      backward_data<T>(shape, *batch, static_cast<const T*>(y), static_cast<const T*>(dy),
                       static_cast<T*>(dx), static_cast<const T*>(hx), static_cast<const T*>(dhy),
                       static_cast<T*>(dhx), static_cast<const T*>(cx), static_cast<const T*>(dcy),
                       static_cast<T*>(dcx), static_cast<const T*>(weights), work, reserve);
    });
  });
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(
    cudnnHandle_t handle, cudnnRNNDescriptor_t desc, cudnnWgradMode_t mode,
    const int32_t /* device_seq_lengths */[], cudnnRNNDataDescriptor_t x_desc, const void* x,
    cudnnTensorDescriptor_t h_desc, const void* hx, cudnnRNNDataDescriptor_t y_desc, const void* y,
    size_t weight_bytes, void* weight_gradients, size_t work_bytes, void* work,
    size_t reserved_bytes, void* reserve) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    require_pointer(x_desc, "xDesc");
    require_enum(mode, 2, "addGrad");
    require_supported(mode == CUDNN_WGRAD_MODE_ADD,
                      "addGrad is CUDNN_WGRAD_MODE_SET, only CUDNN_WGRAD_MODE_ADD is supported");
    RnnCall call(RnnCall::Pass::Backward, handle, desc, x_desc, y_desc);
    if (hx != nullptr) {
      call.require_states(h_desc, "hDesc", call.shape().output);
    }
    call.add_input("x", x, Use::Read);
    call.add_states("hx", hx, call.shape().output, Use::Read);
    call.add_output("y", y, Use::Read);
    call.add_weights("dweightSpace", weight_gradients, weight_bytes, Use::Write);
    call.add_workspace(work, work_bytes, true);
    call.add_reserve(reserve, reserved_bytes);
    call.run([=, batch = call.x_batch()]<class T>(const RnnShape& shape, T) {
      backward_weights<T>(shape, *batch, static_cast<const T*>(x), static_cast<const T*>(hx),
                          static_cast<const T*>(y), static_cast<T*>(weight_gradients), work,
                          reserve);
    });
  });
}
