/* nylon.cancel/1, offered by a plugin: the host says that a call was given up. */
#ifndef NYLON_RING_EXT_CANCEL_H
#define NYLON_RING_EXT_CANCEL_H

#include "../abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NR_EXT_CANCEL "nylon.cancel/1"

typedef struct NrExtCancel {
    /* Nobody waits for sid any more (timeout, cancel, closed stream): stop working for it. At most
     * once per sid; must return at once. Send an ending result all the same, here or later: it is
     * dropped, but until it comes the host keeps the call's state and leases, and the image cannot
     * be unmapped, because a thread may still be working for the call. In a v2 plugin plugin_ctx is
     * what its NrPluginInfo2 holds. [host thread] */
    void (*cancel)(void *plugin_ctx, uint64_t sid);
} NrExtCancel;

NR_STATIC_ASSERT(sizeof(NrExtCancel) == 8, "NrExtCancel");
NR_STATIC_ASSERT(offsetof(NrExtCancel, cancel) == 0, "NrExtCancel.cancel");

#ifdef __cplusplus
}
#endif

#endif
