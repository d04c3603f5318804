#include "module/image.hpp"

#include <algorithm>
#include <cstring>

namespace cudnn4j {

namespace {

constexpr std::string_view image_begin = "// cudnn4j host device, kernels of ";

template <class Condition>
const EmbeddedKernel* find_if(Condition condition) {
  const auto found = std::find_if(embedded_kernels.begin(), embedded_kernels.end(), condition);
  return found != embedded_kernels.end() ? &*found : nullptr;
}

}  // namespace

std::string image_of(const EmbeddedKernel& file) {
  return std::string(image_begin).append(file.name).append("\n");
}

const EmbeddedKernel* file_of_image(const char* image) {
  // Not more is read than matches, because the end of a foreign image is not known.
  return find_if([image](const EmbeddedKernel& file) {
    const std::string expected = image_of(file);
    return std::strncmp(image, expected.c_str(), expected.size()) == 0;
  });
}

const EmbeddedKernel* find_embedded(std::string_view name) {
  return find_if([name](const EmbeddedKernel& file) { return file.name == name; });
}

}  // namespace cudnn4j
