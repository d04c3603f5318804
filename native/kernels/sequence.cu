// Vectors of sequences from one order into another. Copied as bits, so that a vector of any type
// arrives as it was, and 0 is 0 in all of them.
#include "dialect.cuh"

// What has no place in the source (a negative one) is 0, or the vector of `otherwise` at the same
// place as in the target if `has_otherwise` is not 0.
template <class Bits>
DEVICE void gather(const int* places, const void* source, const void* otherwise, int has_otherwise,
                   void* target, int rows, int width) {
  const Bits* from = static_cast<const Bits*>(source);
  const Bits* other = static_cast<const Bits*>(otherwise);
  Bits* to = static_cast<Bits*>(target);
  FOR_EACH_ROW(r, rows) {
    const long long place = places[r];
    const bool copied = place >= 0 || has_otherwise != 0;
    const Bits* vector = place >= 0 ? from + place * width : other + r * width;
    FOR_EACH_COLUMN(c, width) { to[r * width + c] = copied ? vector[c] : Bits(0); }
  }
}

// target[rows, width] = source[places, :], for elements of 2, 4 and 8 bytes. How far the places go
// only they know.
KERNEL(gather_rows_2, (const int* places, const void* source, const void* otherwise,
                       int has_otherwise, void* target, int rows, int width),
       (rows, 0, times(2, has_otherwise, rows, width), times(2, rows, width))) {
  gather<unsigned short>(places, source, otherwise, has_otherwise, target, rows, width);
}
KERNEL(gather_rows_4, (const int* places, const void* source, const void* otherwise,
                       int has_otherwise, void* target, int rows, int width),
       (rows, 0, times(4, has_otherwise, rows, width), times(4, rows, width))) {
  gather<unsigned int>(places, source, otherwise, has_otherwise, target, rows, width);
}
KERNEL(gather_rows_8, (const int* places, const void* source, const void* otherwise,
                       int has_otherwise, void* target, int rows, int width),
       (rows, 0, times(8, has_otherwise, rows, width), times(8, rows, width))) {
  gather<unsigned long long>(places, source, otherwise, has_otherwise, target, rows, width);
}

// The other way: target[places, :] = source[rows, width]. No two places are the same; what has none
// (a negative one) goes nowhere. The target has at least one vector.
template <class Bits>
DEVICE void scatter(const int* places, const void* source, void* target, int rows, int width) {
  const Bits* from = static_cast<const Bits*>(source);
  Bits* to = static_cast<Bits*>(target);
  FOR_EACH_ROW(r, rows) {
    const long long place = places[r];
    const int columns = place >= 0 ? width : 0;
    FOR_EACH_COLUMN(c, columns) { to[place * width + c] = from[r * width + c]; }
  }
}

KERNEL(scatter_rows_2, (const int* places, const void* source, void* target, int rows, int width),
       (rows, times(2, rows, width), times(2, width))) {
  scatter<unsigned short>(places, source, target, rows, width);
}
KERNEL(scatter_rows_4, (const int* places, const void* source, void* target, int rows, int width),
       (rows, times(4, rows, width), times(4, width))) {
  scatter<unsigned int>(places, source, target, rows, width);
}
KERNEL(scatter_rows_8, (const int* places, const void* source, void* target, int rows, int width),
       (rows, times(8, rows, width), times(8, width))) {
  scatter<unsigned long long>(places, source, target, rows, width);
}
