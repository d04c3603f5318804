#include <cstring>

#include "cudnn/buffers.hpp"
#include "cudnn/rnn_network.hpp"
#include "cudnn/tensor.hpp"
#include "fault/call.hpp"

using namespace cudnn4j;
using namespace cudnn4j::cudnn;

namespace {

// What the engine asks of workspace and reserve.
constexpr size_t space_alignment = 64;

/// The arguments that the three computing calls share, checked as far as they agree in all of them.
struct Call {
  Call(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn_desc, cudnnRNNDataDescriptor_t x_desc,
       cudnnRNNDataDescriptor_t y_desc)
      : stream(stream_of(handle)),
        network(network_of(rnn_desc)),
        x(sequences_of(network, x_desc, "xDesc", network.shape.input)),
        y(sequences_of(network, y_desc, "yDesc", network.output_vector())) {
    require_same_sequences(*x, *y);
  }

  /// Refuses state buffers without, or with a wrong, descriptor.
  void require_states(cudnnTensorDescriptor_t desc, const char* name, int width) const {
    require_state(network, desc, name, x->batch, width);
  }

  Buffer input_sequences(const char* name, const void* data, Use use) const {
    return elements_buffer(name, data, sequence_elements(*x, network.shape.input), use);
  }

  Buffer output_sequences(const char* name, const void* data, Use use) const {
    return elements_buffer(name, data, sequence_elements(*y, network.output_vector()), use);
  }

  Buffer states(const char* name, const void* data, int width, Use use) const {
    return elements_buffer(name, data, int64_t{network.states()} * x->batch * width, use);
  }

  Buffer weights(const char* name, const void* data, size_t bytes, Use use) const {
    require_pointer(data, name);
    require(bytes >= network.weight_bytes(), "weightSpaceSize is %zu, %zu are needed", bytes,
            network.weight_bytes());
    return {name, {data, bytes}, use, network.element_bytes};
  }

  Buffer workspace(void* data, size_t bytes, bool training) const {
    const size_t needed = workspace_bytes(network.shape, *x, training, network.element_bytes);
    require_pointer(data, "workSpace");
    require(bytes >= needed, "workSpaceSize is %zu, %zu are needed", bytes, needed);
    return {"workSpace", {data, bytes}, Use::Write, space_alignment};
  }

  Buffer reserve(void* data, size_t bytes) const {
    const size_t needed = reserve_bytes(network.shape, *x, network.element_bytes);
    require_pointer(data, "reserveSpace");
    require(bytes >= needed, "reserveSpaceSize is %zu, %zu are needed", bytes, needed);
    return {"reserveSpace", {data, bytes}, Use::Write, space_alignment};
  }

  Stream& stream;
  Network network;
  std::shared_ptr<const Batch> x;
  std::shared_ptr<const Batch> y;

 private:
  Buffer elements_buffer(const char* name, const void* data, int64_t count, Use use) const {
    return {name, {data, static_cast<size_t>(count) * network.element_bytes}, use,
            network.element_bytes};
  }
};

/// Makes a workspace useless to whoever hopes that it keeps something between calls: a cache line
/// of NaN in every page, which costs next to nothing beside the work that follows.
void poison(const Range& workspace) {
  constexpr size_t page = 4096;
  constexpr size_t line = 64;
  auto* bytes = static_cast<char*>(const_cast<void*>(workspace.address));
  for (size_t at = 0; at < workspace.bytes; at += page) {
    std::memset(bytes + at, 0xFF, std::min(line, workspace.bytes - at));
  }
}

/// Describes one parameter of a linear layer: [1, rows, columns], or nothing where there is none.
void describe(const Network& network, const char* weights, int64_t offset, int64_t rows,
              int64_t columns, cudnnTensorStruct& desc, void** address) {
  if (offset < 0) {
    desc = {};
    *address = nullptr;
    return;
  }
  set_packed(desc, network.type, 1, static_cast<int>(rows), static_cast<int>(columns));
  *address = const_cast<char*>(weights) + static_cast<size_t>(offset) * network.element_bytes;
}

}  // namespace

cudnnStatus_t cudnnBuildRNNDynamic(cudnnHandle_t handle, cudnnRNNDescriptor_t desc,
                                   int mini_batch) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    live(handle, "handle");
    // Nothing is compiled at run time here, whatever the algorithm.
    network_of(desc);
    require(mini_batch > 0, "miniBatch is %d, not positive", mini_batch);
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
    const auto x = sequences_of(network, x_desc, "xDesc", network.shape.input);
    const bool training = mode == CUDNN_FWD_MODE_TRAINING;
    store(work_bytes, workspace_bytes(network.shape, *x, training, network.element_bytes));
    store(reserved_bytes,
          training ? reserve_bytes(network.shape, *x, network.element_bytes) : size_t{0});
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
    require_pointer(weights, "weightSpace");
    require(weight_bytes >= network.weight_bytes(), "weightSpaceSize is %zu, %zu are needed",
            weight_bytes, network.weight_bytes());
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
    const auto* base = static_cast<const char*>(weights);
    if (matrix_desc != nullptr) {
      describe(network, base, slot.matrix_offset, slot.rows, slot.cols,
               live(matrix_desc, "mDesc"), matrix_address);
    }
    if (bias_desc != nullptr) {
      describe(network, base, slot.bias_offset, slot.rows, 1, live(bias_desc, "bDesc"),
               bias_address);
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
    require_enum(mode, 2, "fwdMode");
    Call call(handle, desc, x_desc, y_desc);
    const auto& shape = call.network.shape;
    const bool training = mode == CUDNN_FWD_MODE_TRAINING;
    require_pointer(x, "x");
    require_pointer(y, "y");
    call.require_states(h_desc, "hDesc", shape.output);
    if (shape.cell == Cell::Lstm) {
      call.require_states(c_desc, "cDesc", shape.hidden);
    } else {
      cx = nullptr;
      cy = nullptr;
    }
    auto* dropout = training ? attach_dropout(call.network) : nullptr;
    reserve = training ? reserve : nullptr;

    const Buffer x_buffer = call.input_sequences("x", x, Use::Read);
    const Buffer y_buffer = call.output_sequences("y", y, Use::Write);
    const Buffer hx_buffer = call.states("hx", hx, shape.output, Use::Read);
    const Buffer hy_buffer = call.states("hy", hy, shape.output, Use::Write);
    const Buffer cx_buffer = call.states("cx", cx, shape.hidden, Use::Read);
    const Buffer cy_buffer = call.states("cy", cy, shape.hidden, Use::Write);
    const Buffer weight_buffer = call.weights("weightSpace", weights, weight_bytes, Use::Read);
    const Buffer work_buffer = call.workspace(work, work_bytes, training);
    const Buffer reserve_buffer = training ? call.reserve(reserve, reserved_bytes)
                                           : Buffer{"reserveSpace", {nullptr, 0}, Use::Write, 1};
    const Buffer dropout_buffer{"the dropout states", {dropout, sizeof(DropoutStream)}, Use::Write,
                                sizeof(uint64_t)};
    const auto all = {x_buffer,  y_buffer,      hx_buffer,   hy_buffer,      cx_buffer,
                      cy_buffer, weight_buffer, work_buffer, reserve_buffer, dropout_buffer};
    require_buffers(all);
    require_disjoint(all);
    submit(call.stream,
           {x_buffer.range, y_buffer.range, hx_buffer.range, hy_buffer.range, cx_buffer.range,
            cy_buffer.range, weight_buffer.range, work_buffer.range, reserve_buffer.range,
            dropout_buffer.range},
           [=, network = call.network, batch = call.y, work_range = work_buffer.range] {
             poison(work_range);
             with_element(network, [&]<class T>(T) {
               forward<T>(network.shape, *batch, static_cast<const T*>(x), static_cast<T*>(y),
                          static_cast<const T*>(hx), static_cast<T*>(hy),
                          static_cast<const T*>(cx), static_cast<T*>(cy),
                          static_cast<const T*>(weights), work, reserve, dropout);
             });
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
    Call call(handle, desc, x_desc, y_desc);
    const auto& shape = call.network.shape;
    require_pointer(y, "y");
    require_pointer(dy, "dy");
    require_pointer(dx, "dx");
    if (h_desc != nullptr || hx != nullptr || dhy != nullptr || dhx != nullptr) {
      call.require_states(h_desc, "hDesc", shape.output);
    }
    if (shape.cell != Cell::Lstm) {
      cx = nullptr;
      dcy = nullptr;
      dcx = nullptr;
    } else if (c_desc != nullptr || cx != nullptr || dcy != nullptr || dcx != nullptr) {
      call.require_states(c_desc, "cDesc", shape.hidden);
    }
    // The mask is in the reserve; the probability says how the kept elements were scaled.
    attach_dropout(call.network);

    const Buffer y_buffer = call.output_sequences("y", y, Use::Read);
    const Buffer dy_buffer = call.output_sequences("dy", dy, Use::Read);
    const Buffer dx_buffer = call.input_sequences("dx", dx, Use::Write);
    const Buffer hx_buffer = call.states("hx", hx, shape.output, Use::Read);
    const Buffer dhy_buffer = call.states("dhy", dhy, shape.output, Use::Read);
    const Buffer dhx_buffer = call.states("dhx", dhx, shape.output, Use::Write);
    const Buffer cx_buffer = call.states("cx", cx, shape.hidden, Use::Read);
    const Buffer dcy_buffer = call.states("dcy", dcy, shape.hidden, Use::Read);
    const Buffer dcx_buffer = call.states("dcx", dcx, shape.hidden, Use::Write);
    const Buffer weight_buffer = call.weights("weightSpace", weights, weight_bytes, Use::Read);
    const Buffer work_buffer = call.workspace(work, work_bytes, true);
    const Buffer reserve_buffer = call.reserve(reserve, reserved_bytes);
    const auto all = {y_buffer,   dy_buffer, dx_buffer,  hx_buffer,  dhy_buffer,    dhx_buffer,
                      cx_buffer, dcy_buffer, dcx_buffer, weight_buffer, work_buffer,
                      reserve_buffer};
    require_buffers(all);
    require_disjoint(all);
    submit(call.stream,
           {y_buffer.range, dy_buffer.range, dx_buffer.range, hx_buffer.range, dhy_buffer.range,
            dhx_buffer.range, cx_buffer.range, dcy_buffer.range, dcx_buffer.range,
            weight_buffer.range, work_buffer.range, reserve_buffer.range},
           [=, network = call.network, batch = call.x, work_range = work_buffer.range] {
             poison(work_range);
             with_element(network, [&]<class T>(T) {
               backward_data<T>(network.shape, *batch, static_cast<const T*>(y),
                                static_cast<const T*>(dy), static_cast<T*>(dx),
                                static_cast<const T*>(hx), static_cast<const T*>(dhy),
                                static_cast<T*>(dhx), static_cast<const T*>(cx),
                                static_cast<const T*>(dcy), static_cast<T*>(dcx),
                                static_cast<const T*>(weights), work, reserve);
             });
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
    require_enum(mode, 2, "addGrad");
    Call call(handle, desc, x_desc, y_desc);
    const auto& shape = call.network.shape;
    require_pointer(x, "x");
    require_pointer(y, "y");
    if (h_desc != nullptr || hx != nullptr) {
      call.require_states(h_desc, "hDesc", shape.output);
    }
    attach_dropout(call.network);

    const Buffer x_buffer = call.input_sequences("x", x, Use::Read);
    const Buffer hx_buffer = call.states("hx", hx, shape.output, Use::Read);
    const Buffer y_buffer = call.output_sequences("y", y, Use::Read);
    const Buffer gradient_buffer =
        call.weights("dweightSpace", weight_gradients, weight_bytes, Use::Write);
    const Buffer work_buffer = call.workspace(work, work_bytes, true);
    const Buffer reserve_buffer = call.reserve(reserve, reserved_bytes);
    const auto all = {x_buffer, hx_buffer, y_buffer, gradient_buffer, work_buffer, reserve_buffer};
    require_buffers(all);
    require_disjoint(all);
    const size_t overwritten = mode == CUDNN_WGRAD_MODE_SET ? call.network.weight_bytes() : 0;
    submit(call.stream,
           {x_buffer.range, hx_buffer.range, y_buffer.range, gradient_buffer.range,
            work_buffer.range, reserve_buffer.range},
           [=, network = call.network, batch = call.x, work_range = work_buffer.range] {
             poison(work_range);
             std::memset(weight_gradients, 0, overwritten);
             with_element(network, [&]<class T>(T) {
               backward_weights<T>(network.shape, *batch, static_cast<const T*>(x),
                                   static_cast<const T*>(hx), static_cast<const T*>(y),
                                   static_cast<T*>(weight_gradients), work, reserve);
             });
           });
  });
}
