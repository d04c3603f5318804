#pragma once

#include <optional>
#include <string>

#include "abi/cudart_abi.h"

namespace cudnn4j {

/** The CUDA version whose interface the host device offers. */
constexpr int cuda_version = 13000;

/** An attribute of the device; nothing for one that is not known. */
std::optional<int> device_attribute(cudaDeviceAttr attribute);

/** The device in words, with what makes it fast. */
std::string device_name();

}  // namespace cudnn4j
