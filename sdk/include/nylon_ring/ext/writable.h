/* nylon.writable/1, offered by a plugin: the host says that a full stream has room again. */
#ifndef NYLON_RING_EXT_WRITABLE_H
#define NYLON_RING_EXT_WRITABLE_H

#include "../abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NR_EXT_WRITABLE "nylon.writable/1"

typedef struct NrExtWritable {
    /* A frame of sid was answered with NR_BACKPRESSURE; now there is room. Once per
     * NR_BACKPRESSURE; must return at once. It may come before the send that was refused has
     * returned. In a v2 plugin plugin_ctx is what its NrPluginInfo2 holds. [any thread] */
    void (*writable)(void *plugin_ctx, uint64_t sid);
} NrExtWritable;

NR_STATIC_ASSERT(sizeof(NrExtWritable) == 8, "NrExtWritable");
NR_STATIC_ASSERT(offsetof(NrExtWritable, writable) == 0, "NrExtWritable.writable");

#ifdef __cplusplus
}
#endif

#endif
