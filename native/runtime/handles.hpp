#pragma once

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace cudnn4j {

/** The live objects of one kind; a handle is the address of its object. Thread-safe. */
template <class T>
class HandleTable {
 public:
  /** Takes the object in; its address is the handle. */
  T* add(std::shared_ptr<T> object) {
    T* handle = object.get();
    const std::unique_lock lock(mutex_);
    objects_.emplace(handle, std::move(object));
    return handle;
  }

  /** The object behind a handle, nullptr if there is none. */
  T* find(const void* handle) const {
    const std::shared_lock lock(mutex_);
    const auto entry = objects_.find(handle);
    return entry != objects_.end() ? entry->second.get() : nullptr;
  }

  /** The same, kept alive while the caller holds it; null if there is none. */
  std::shared_ptr<T> hold(const void* handle) const {
    const std::shared_lock lock(mutex_);
    const auto entry = objects_.find(handle);
    return entry != objects_.end() ? entry->second : nullptr;
  }

  /** Takes the object out; null if there is none. */
  std::shared_ptr<T> remove(const void* handle) {
    const std::unique_lock lock(mutex_);
    const auto entry = objects_.find(handle);
    if (entry == objects_.end()) return nullptr;
    std::shared_ptr<T> object = std::move(entry->second);
    objects_.erase(entry);
    return object;
  }

  /** Some object that a condition holds for, null if there is none; reserves no memory. */
  template <class Condition>
  std::shared_ptr<T> find_if(Condition condition) const {
    const std::shared_lock lock(mutex_);
    for (const auto& [handle, object] : objects_) {
      if (condition(*object)) return object;
    }
    return nullptr;
  }

  /** All objects, kept alive while the caller looks at them. */
  std::vector<std::shared_ptr<T>> all() const {
    const std::shared_lock lock(mutex_);
    std::vector<std::shared_ptr<T>> objects;
    objects.reserve(objects_.size());
    for (const auto& [handle, object] : objects_) objects.push_back(object);
    return objects;
  }

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<const void*, std::shared_ptr<T>> objects_;
};

}  // namespace cudnn4j
