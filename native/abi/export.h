#pragma once

/*
 * Marks the functions that the host device offers under the names of NVIDIA's libraries. The check
 * of these headers against the vendor's own puts them into a namespace, where C linkage would make
 * both declarations the same function.
 */
#ifdef CUDNN4J_ABI_CHECK
#define CUDNN4J_API
#else
#define CUDNN4J_API extern "C" __attribute__((visibility("default")))
#endif
