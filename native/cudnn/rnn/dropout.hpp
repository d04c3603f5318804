#pragma once

#include <cstdint>

namespace cudnn4j {

/// State of the dropout generator, as it lies in the buffer of a dropout descriptor.
///
/// The generator is counter based (Philox 4x32-10): the bits of element i are a function of the
/// seed and of offset + i, so a mask does not depend on how the work is split over threads.
struct DropoutStream {
  uint64_t seed;
  uint64_t offset;
};

/// Reserves `count` elements of the stream and returns the stream as it stood before.
DropoutStream take(DropoutStream* state, uint64_t count);

/// Writes mask[i] = 1 (kept) or 0 (dropped with probability `drop`) for elements [first, first +
/// count) counted from the stream's offset.
void dropout_mask(const DropoutStream& stream, float drop, uint64_t first, int64_t count,
                  uint8_t* mask);

/// The factor of a kept element, 1 / (1 - drop); 0 when everything is dropped.
template <class T>
T dropout_scale(float drop) {
  return drop < 1 ? T(1) / (T(1) - T(drop)) : T(0);
}

}  // namespace cudnn4j
