#pragma once

/*
 * Before a function's definition: compiles it, and what is inlined into it, for each level of
 * vector instructions; the loader picks by processor. Not with sanitizers, whose runtime begins
 * after the loader has picked.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CUDNN4J_VECTORS
#else
#define CUDNN4J_VECTORS \
  __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#endif
