#pragma once

namespace cudnn4j {

/** The device's only context, as an address. */
const void* primary_context();

/** The context that driver calls of this thread work in; nullptr when there is none. */
const void* current_context();
void set_current_context(const void* context);

/** Gives a thread without a context the primary one, as a call of the runtime does. */
void use_primary_context();

}  // namespace cudnn4j
