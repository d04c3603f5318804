#pragma once

#include <type_traits>

/*
 * Compares declarations of two headers that declare the same C function with types of their own: an
 * enumeration is its integer, a pointer to a structure is a pointer, everything else is itself.
 */
namespace cudnn4j::check {

struct Opaque;

template <class T>
struct Abi {
  using type = T;
};

template <class T>
  requires std::is_enum_v<T>
struct Abi<T> {
  static_assert(sizeof(T) == sizeof(int));
  using type = int;
};

template <class T>
struct Abi<T*> {
  using Target = std::remove_const_t<T>;
  using type = std::conditional_t<std::is_class_v<Target>, Opaque*, typename Abi<Target>::type*>;
};

template <class Result, class... Arguments>
struct Abi<Result(Arguments...)> {
  using type = typename Abi<Result>::type(typename Abi<Arguments>::type...);
};

template <class Result, class... Arguments>
struct Abi<Result(Arguments...) noexcept> : Abi<Result(Arguments...)> {};

template <class A, class B>
constexpr bool same_abi = std::is_same_v<typename Abi<A>::type, typename Abi<B>::type>;

}  // namespace cudnn4j::check

/** The host device's function and the vendor's take and return the same. */
#define CHECK_FUNCTION(name)                                                             \
  static_assert(cudnn4j::check::same_abi<decltype(host_abi::name), decltype(::name)>, \
                #name " differs from the vendor's")

/** The host device's constant and the vendor's have the same value. */
#define CHECK_CONSTANT(name) \
  static_assert(int(host_abi::name) == int(::name), #name " differs from the vendor's")
