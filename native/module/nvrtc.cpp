#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "abi/nvrtc_abi.h"
#include "fault/call.hpp"
#include "fault/live.hpp"
#include "module/image.hpp"
#include "module/registry.hpp"
#include "runtime/handles.hpp"

using namespace cudnn4j;

namespace {

/** A program; "compiled" when its source is a kernel file that this library was built from. */
class Program {
 public:
  Program(const char* source, const char* name) : source_(source), name_(name) {}

  void add_header(const char* name, const char* text) { headers_[name] = text; }

  nvrtcResult compile(bool for_real_architecture);
  nvrtcResult add_expression(const char* expression);
  nvrtcResult lowered(const char* expression, const char** name) const;

  const std::string& log() const { return log_; }
  const std::string& ptx() const { return ptx_; }
  const std::string& cubin() const { return cubin_; }
  bool compiled() const { return file_ != nullptr; }

 private:
  /** The first header that the source includes and that was not given, empty if there is none. */
  std::string missing_header() const;

  const std::string source_;
  const std::string name_;
  std::map<std::string, std::string> headers_;
  std::set<std::string, std::less<>> expressions_;
  const EmbeddedKernel* file_ = nullptr;
  std::string log_;
  std::string ptx_;
  std::string cubin_;
  LiveToken<LiveCount::NvrtcPrograms> token_;
};

std::string Program::missing_header() const {
  constexpr std::string_view directive = "#include \"";
  for (size_t at = source_.find(directive); at != std::string::npos;
       at = source_.find(directive, at + 1)) {
    const size_t begin = at + directive.size();
    const std::string header = source_.substr(begin, source_.find('"', begin) - begin);
    if (!headers_.contains(header)) return header;
  }
  return {};
}

nvrtcResult Program::compile(bool for_real_architecture) {
  if (const std::string header = missing_header(); !header.empty()) {
    log_ = name_ + ": error: cannot open source file \"" + header + "\"\n";
    return NVRTC_ERROR_COMPILATION;
  }
  const auto file =
      std::find_if(embedded_kernels.begin(), embedded_kernels.end(),
                   [this](const EmbeddedKernel& known) { return known.source == source_; });
  if (file == embedded_kernels.end()) {
    log_ = name_ + ": error: the host device has no compiler; it runs the kernels that it was " +
           "built with, and this source is none of them\n";
    return NVRTC_ERROR_COMPILATION;
  }
  file_ = &*file;
  ptx_ = image_of(*file_);
  if (for_real_architecture) cubin_ = ptx_;
  return NVRTC_SUCCESS;
}

nvrtcResult Program::add_expression(const char* expression) {
  if (compiled()) return NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION;
  expressions_.insert(expression);
  return NVRTC_SUCCESS;
}

nvrtcResult Program::lowered(const char* expression, const char** name) const {
  if (!compiled()) return NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION;
  const auto known = expressions_.find(std::string_view(expression));
  // Kernels have C linkage: the name is the symbol.
  if (known == expressions_.end() || find_kernel(file_->name, *known) == nullptr) {
    return NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID;
  }
  *name = known->c_str();
  return NVRTC_SUCCESS;
}

HandleTable<Program>& programs() {
  static HandleTable<Program>& table = *new HandleTable<Program>;
  return table;
}

nvrtcResult size_with_end(const std::string& text, size_t* bytes) {
  *bytes = text.size() + 1;
  return NVRTC_SUCCESS;
}

nvrtcResult copy_with_end(const std::string& text, char* target) {
  std::memcpy(target, text.c_str(), text.size() + 1);
  return NVRTC_SUCCESS;
}

using CompilerCall = ApiCall<nvrtcResult, NVRTC_ERROR_OUT_OF_MEMORY>;

/** Calls f with the program behind a handle, after the checks that all functions share. */
template <class F>
nvrtcResult with_program(nvrtcProgram handle, const void* argument, F&& f) {
  Program* program = programs().find(handle);
  if (program == nullptr) return NVRTC_ERROR_INVALID_PROGRAM;
  if (argument == nullptr) return NVRTC_ERROR_INVALID_INPUT;
  return f(*program);
}

/** The same for what only a compiled program has. */
template <class F>
nvrtcResult with_compiled(nvrtcProgram handle, const void* argument, F&& f) {
  return with_program(handle, argument, [&](const Program& program) {
    return program.compiled() ? f(program) : NVRTC_ERROR_INVALID_PROGRAM;
  });
}

}  // namespace

CUDNN4J_API nvrtcResult nvrtcVersion(int* major, int* minor) {
  CUDNN4J_CALL(nvrtcResult);
  if (major == nullptr || minor == nullptr) return NVRTC_ERROR_INVALID_INPUT;
  *major = 13;
  *minor = 0;
  return NVRTC_SUCCESS;
}

CUDNN4J_API const char* nvrtcGetErrorString(nvrtcResult result) {
  CUDNN4J_COUNT();
  switch (result) {
#define NAME(code) \
  case code:       \
    return #code
    NAME(NVRTC_SUCCESS);
    NAME(NVRTC_ERROR_OUT_OF_MEMORY);
    NAME(NVRTC_ERROR_PROGRAM_CREATION_FAILURE);
    NAME(NVRTC_ERROR_INVALID_INPUT);
    NAME(NVRTC_ERROR_INVALID_PROGRAM);
    NAME(NVRTC_ERROR_INVALID_OPTION);
    NAME(NVRTC_ERROR_COMPILATION);
    NAME(NVRTC_ERROR_BUILTIN_OPERATION_FAILURE);
    NAME(NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION);
    NAME(NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION);
    NAME(NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID);
    NAME(NVRTC_ERROR_INTERNAL_ERROR);
#undef NAME
  }
  return "NVRTC_ERROR unknown";
}

CUDNN4J_API nvrtcResult nvrtcCreateProgram(nvrtcProgram* program, const char* source,
                                           const char* name, int header_count,
                                           const char* const* headers,
                                           const char* const* include_names) {
  CUDNN4J_CALL_SITE(true);
  return CompilerCall{cudnn4j_call_site} << [&] {
    const bool headers_given = headers != nullptr && include_names != nullptr;
    if (program == nullptr || source == nullptr || header_count < 0 ||
        (header_count > 0 && !headers_given)) {
      return NVRTC_ERROR_INVALID_INPUT;
    }
    auto created = std::make_shared<Program>(source, name != nullptr ? name : "default_program");
    for (int i = 0; i < header_count; ++i) created->add_header(include_names[i], headers[i]);
    *program = reinterpret_cast<nvrtcProgram>(programs().add(std::move(created)));
    return NVRTC_SUCCESS;
  };
}

CUDNN4J_API nvrtcResult nvrtcDestroyProgram(nvrtcProgram* program) {
  CUDNN4J_CALL(nvrtcResult);
  if (program == nullptr || programs().remove(*program) == nullptr) {
    return NVRTC_ERROR_INVALID_PROGRAM;
  }
  *program = nullptr;
  return NVRTC_SUCCESS;
}

CUDNN4J_API nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int option_count,
                                            const char* const* options) {
  CUDNN4J_CALL_SITE(true);
  return CompilerCall{cudnn4j_call_site} << [&] {
    Program* known = programs().find(program);
    if (known == nullptr) return NVRTC_ERROR_INVALID_PROGRAM;
    if (option_count < 0 || (option_count > 0 && options == nullptr)) {
      return NVRTC_ERROR_INVALID_INPUT;
    }
    bool for_real_architecture = false;
    for (int i = 0; i < option_count; ++i) {
      if (options[i] == nullptr || options[i][0] != '-') return NVRTC_ERROR_INVALID_OPTION;
      if (std::strstr(options[i], "sm_") != nullptr) for_real_architecture = true;
    }
    return known->compile(for_real_architecture);
  };
}

CUDNN4J_API nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, size_t* bytes) {
  CUDNN4J_CALL(nvrtcResult);
  return with_program(program, bytes,
                      [&](const Program& known) { return size_with_end(known.log(), bytes); });
}

CUDNN4J_API nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char* log) {
  CUDNN4J_CALL(nvrtcResult);
  return with_program(program, log,
                      [&](const Program& known) { return copy_with_end(known.log(), log); });
}

CUDNN4J_API nvrtcResult nvrtcGetPTXSize(nvrtcProgram program, size_t* bytes) {
  CUDNN4J_CALL(nvrtcResult);
  return with_compiled(program, bytes,
                       [&](const Program& known) { return size_with_end(known.ptx(), bytes); });
}

CUDNN4J_API nvrtcResult nvrtcGetPTX(nvrtcProgram program, char* ptx) {
  CUDNN4J_CALL(nvrtcResult);
  return with_compiled(program, ptx,
                       [&](const Program& known) { return copy_with_end(known.ptx(), ptx); });
}

CUDNN4J_API nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t* bytes) {
  CUDNN4J_CALL(nvrtcResult);
  return with_compiled(program, bytes, [&](const Program& known) {
    // As for a virtual architecture: none.
    *bytes = known.cubin().empty() ? 0 : known.cubin().size() + 1;
    return NVRTC_SUCCESS;
  });
}

CUDNN4J_API nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char* cubin) {
  CUDNN4J_CALL(nvrtcResult);
  return with_compiled(program, cubin, [&](const Program& known) {
    if (known.cubin().empty()) return NVRTC_ERROR_INVALID_PROGRAM;
    return copy_with_end(known.cubin(), cubin);
  });
}

CUDNN4J_API nvrtcResult nvrtcAddNameExpression(nvrtcProgram program, const char* expression) {
  CUDNN4J_CALL_SITE(true);
  return CompilerCall{cudnn4j_call_site} << [&] {
    return with_program(program, expression,
                        [&](Program& known) { return known.add_expression(expression); });
  };
}

CUDNN4J_API nvrtcResult nvrtcGetLoweredName(nvrtcProgram program, const char* expression,
                                            const char** lowered) {
  CUDNN4J_CALL(nvrtcResult);
  if (lowered == nullptr) return NVRTC_ERROR_INVALID_INPUT;
  return with_program(program, expression, [&](const Program& known) {
    return known.lowered(expression, lowered);
  });
}
