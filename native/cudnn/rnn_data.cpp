#include <algorithm>
#include <cstring>

#include "cudnn/objects.hpp"
#include "cudnn/tensor.hpp"
#include "fault/call.hpp"

using namespace cudnn4j;
using namespace cudnn4j::cudnn;

namespace {

constexpr int layouts = 3;
constexpr int longest_sequence = 65535;
// Counted with those that only cuDNN's graph interface has.
constexpr int data_types = 22;

Layout layout_of(cudnnRNNDataLayout_t layout) {
  switch (layout) {
    case CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED:
      return Layout::Packed;
    case CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED:
      return Layout::BatchMajor;
    default:
      return Layout::TimeMajor;
  }
}

cudnnRNNDataLayout_t name_of(Layout layout) {
  switch (layout) {
    case Layout::Packed:
      return CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
    case Layout::BatchMajor:
      return CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED;
    default:
      return CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED;
  }
}

bool has_sequences(cudnnDataType_t type) {
  return type == CUDNN_DATA_FLOAT || type == CUDNN_DATA_DOUBLE || type == CUDNN_DATA_HALF ||
         type == CUDNN_DATA_BFLOAT16;
}

/** The number that padding_fill points to. */
double padding_of(cudnnDataType_t type, const void* padding_fill) {
  return with_element(type, "rnnDataDesc", [&]<class S>(S) {
    return double{static_cast<Computed<S>>(*static_cast<const S*>(padding_fill))};
  });
}

void require_lengths(const Batch& batch) {
  const auto& lengths = batch.lengths;
  for (int row = 0; row < batch.batch; ++row) {
    require(lengths[row] >= 0 && lengths[row] <= batch.time,
            "seqLengthArray[%d] is %d, not in [0, %d]", row, lengths[row], batch.time);
  }
  if (batch.layout == Layout::Packed) {
    require(std::is_sorted(lengths.rbegin(), lengths.rend()),
            "seqLengthArray is not in descending order, which the packed layout needs");
    require(lengths.front() == batch.time,
            "the longest sequence has %d steps, in the packed layout that must be maxSeqLength %d",
            lengths.front(), batch.time);
    require(lengths.back() > 0, "seqLengthArray has a 0, which the packed layout has no room for");
  }
}

}  // namespace

cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t* desc) {
  CUDNN4J_CALL(cudnnStatus_t);
  return create(desc);
}

cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t desc) {
  CUDNN4J_CALL(cudnnStatus_t);
  return destroy(desc);
}

cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t desc, cudnnDataType_t data_type,
                                        cudnnRNNDataLayout_t layout, int max_seq_length,
                                        int batch_size, int vector_size, const int seq_lengths[],
                                        void* padding_fill) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    auto& data = live(desc, "rnnDataDesc");
    require_pointer(seq_lengths, "seqLengthArray");
    require_enum(data_type, data_types, "dataType");
    require_supported(has_sequences(data_type), "dataType is %d, which sequences cannot have",
                      int(data_type));
    require_enum(layout, layouts, "layout");
    require(max_seq_length > 0, "maxSeqLength is %d, not positive", max_seq_length);
    require(batch_size > 0, "batchSize is %d, not positive", batch_size);
    require(vector_size > 0, "vectorSize is %d, not positive", vector_size);
    require_supported(max_seq_length <= longest_sequence,
                      "maxSeqLength is %d, at most %d are supported", max_seq_length,
                      longest_sequence);
    auto batch = std::make_shared<Batch>();
    batch->layout = layout_of(layout);
    batch->time = max_seq_length;
    batch->batch = batch_size;
    batch->lengths.assign(seq_lengths, seq_lengths + batch_size);
    require_lengths(*batch);
    cudnnRNNDataStruct changed;
    changed.type = data_type;
    changed.vector = vector_size;
    if (padding_fill != nullptr) {
      batch->has_fill = true;
      batch->fill = padding_of(data_type, padding_fill);
      std::memcpy(changed.padding_fill.data(), padding_fill, element_bytes(data_type));
    }
    changed.batch = std::move(batch);
    data = std::move(changed);
  });
}

cudnnStatus_t cudnnGetRNNDataDescriptor(cudnnRNNDataDescriptor_t desc, cudnnDataType_t* data_type,
                                        cudnnRNNDataLayout_t* layout, int* max_seq_length,
                                        int* batch_size, int* vector_size, int lengths_requested,
                                        int seq_lengths[], void* padding_fill) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    const auto& data = live(desc, "rnnDataDesc");
    require_pointer(data_type, "dataType");
    require_pointer(layout, "layout");
    require_pointer(max_seq_length, "maxSeqLength");
    require_pointer(batch_size, "batchSize");
    require_pointer(vector_size, "vectorSize");
    require(lengths_requested >= 0, "arrayLengthRequested is %d, negative", lengths_requested);
    require(seq_lengths != nullptr || lengths_requested == 0, "seqLengthArray is NULL");
    require_pointer(padding_fill, "paddingFill");
    const Batch& batch = *data.batch;
    *data_type = data.type;
    *layout = name_of(batch.layout);
    *max_seq_length = batch.time;
    *batch_size = batch.batch;
    *vector_size = data.vector;
    for (int row = 0; row < lengths_requested; ++row) {
      seq_lengths[row] = row < batch.batch ? batch.lengths[row] : 0;
    }
    // Zero without a fill.
    std::memcpy(padding_fill, data.padding_fill.data(), element_bytes(data.type));
  });
}
