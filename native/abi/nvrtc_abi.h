#pragma once

/*
 * The part of the CUDA run-time compiler that the host device exports. Names, values and signatures
 * are those of NVRTC 13.0.
 */

#include <cstddef>

#include "abi/export.h"

typedef struct _nvrtcProgram* nvrtcProgram;

enum nvrtcResult : int {
  NVRTC_SUCCESS = 0,
  NVRTC_ERROR_OUT_OF_MEMORY = 1,
  NVRTC_ERROR_PROGRAM_CREATION_FAILURE = 2,
  NVRTC_ERROR_INVALID_INPUT = 3,
  NVRTC_ERROR_INVALID_PROGRAM = 4,
  NVRTC_ERROR_INVALID_OPTION = 5,
  NVRTC_ERROR_COMPILATION = 6,
  NVRTC_ERROR_BUILTIN_OPERATION_FAILURE = 7,
  NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION = 8,
  NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION = 9,
  NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID = 10,
  NVRTC_ERROR_INTERNAL_ERROR = 11,
};

CUDNN4J_API nvrtcResult nvrtcVersion(int* major, int* minor);
CUDNN4J_API const char* nvrtcGetErrorString(nvrtcResult result);
CUDNN4J_API nvrtcResult nvrtcCreateProgram(nvrtcProgram* program, const char* source,
                                           const char* name, int header_count,
                                           const char* const* headers,
                                           const char* const* include_names);
CUDNN4J_API nvrtcResult nvrtcDestroyProgram(nvrtcProgram* program);
CUDNN4J_API nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int option_count,
                                            const char* const* options);
CUDNN4J_API nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, size_t* bytes);
CUDNN4J_API nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char* log);
CUDNN4J_API nvrtcResult nvrtcGetPTXSize(nvrtcProgram program, size_t* bytes);
CUDNN4J_API nvrtcResult nvrtcGetPTX(nvrtcProgram program, char* ptx);
CUDNN4J_API nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t* bytes);
CUDNN4J_API nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char* cubin);
CUDNN4J_API nvrtcResult nvrtcAddNameExpression(nvrtcProgram program, const char* expression);
CUDNN4J_API nvrtcResult nvrtcGetLoweredName(nvrtcProgram program, const char* expression,
                                            const char** lowered);
