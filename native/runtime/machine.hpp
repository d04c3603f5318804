#pragma once

#include <cstddef>
#include <string>

namespace cudnn4j {

/** Bytes of memory that the machine, or the control group that we are in, has. */
struct MachineMemory {
  size_t free;
  size_t total;
};
MachineMemory machine_memory();

/** The processors that this process may use: its affinity mask, cut down to its control group. */
int machine_processors();

/** The widest vector instructions of this processor, such as "AVX-512". */
std::string machine_vectors();

}  // namespace cudnn4j
