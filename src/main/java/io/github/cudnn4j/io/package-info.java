/** Files: tensors in the safetensors format, and JSON. Nothing here touches a device. */
package io.github.cudnn4j.io;
