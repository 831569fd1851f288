/* From an opened library to what its plugin tells of itself, checked step by step. */
#ifndef NR__LOADER_H
#define NR__LOADER_H

#include "image.h"

/* The longest name and version that a plugin may have, in bytes. */
#define NR__NAME_MAX 255

/* Finds the plugin in the image's library, checks all that can be checked before `init`, and fills
 * what the image knows of it: abi, struct_size, plugin_ctx, v1 or v2, own_name, version. `abi` as
 * in nr_load_options_t. Errors: MISSING_SYMBOL, NULL_PLUGIN_INFO, INCOMPATIBLE_ABI_VERSION,
 * INCOMPATIBLE_INFO_SIZE, INVALID_PLUGIN_INFO, NULL_PLUGIN_VTABLE, MISSING_REQUIRED_FUNCTIONS,
 * MISUSE, NO_MEMORY. [any thread] */
int nr__loader_check(nr__image_t *image, uint32_t abi, nr_error_t *err);

/* Asks the plugin for the extensions that the host knows; those without their functions count as
 * not there. [any thread] */
void nr__loader_extensions(nr__image_t *image);

/* What makes `text` no name (or version) of a plugin, as the end of a sentence, or NULL.
 * [any thread] */
const char *nr__loader_text_fault(NrStr text, int may_be_empty);

#endif
