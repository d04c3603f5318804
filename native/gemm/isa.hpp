#pragma once

namespace cudnn4j {

/// Instruction sets that the *.isa.cpp sources are compiled for, each containing the former.
enum class Isa { v2, v3, v4 };

/// The best set that this processor runs, or a lower one named by the environment variable
/// CUDNN4J_ISA (v2, v3, v4); chosen once per process.
Isa isa();

/// Picks one of three variants by isa().
template <class Variant>
const Variant& choose(const Variant& v2, const Variant& v3, const Variant& v4) {
  switch (isa()) {
    case Isa::v4:
      return v4;
    case Isa::v3:
      return v3;
    default:
      return v2;
  }
}

}  // namespace cudnn4j
