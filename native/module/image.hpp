#pragma once

#include <string>
#include <string_view>

#include "module/embedded_kernels.hpp"

namespace cudnn4j {

/** What the compiler makes of a kernel file here: a text that names the file. */
std::string image_of(const EmbeddedKernel& file);

/** The file that an image names; nullptr if it is not an image of `image_of`. */
const EmbeddedKernel* file_of_image(const char* image);

/** The kernel file or header of that name, nullptr if there is none. */
const EmbeddedKernel* find_embedded(std::string_view name);

}  // namespace cudnn4j
