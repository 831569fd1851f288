/* The Nylon Ring ABI, version 2: what differs from version 1.
 *
 * A v2 plugin is called by entry name instead of by request, has no plugin_ctx, and its host can
 * take over a result's memory, lend memory for one, and refuse a frame. Statuses, views and the
 * thread tags are those of abi.h; both headers may be included together. */
#ifndef NYLON_RING_ABI_V2_H
#define NYLON_RING_ABI_V2_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NR_ABI_V2 2u

/* What resolve_entry answers for a name that it does not know. */
#define NR_ENTRY_UNKNOWN UINT32_MAX

/* A payload by value. owned = 1: the host takes the memory and calls drop_fn exactly once, from any
 * thread; NULL drop_fn means nothing to free. owned = 0: borrowed, the host copies before it
 * returns. */
typedef struct NrVecU8 {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    uint8_t owned;
    uint8_t reserved[7]; /* write 0 */
    void (*drop_fn)(uint8_t *ptr, size_t len, size_t cap);
} NrVecU8;

/* A payload that the plugin lends: valid until the host calls release, exactly once, from any
 * thread, also when the result is dropped. NULL release means nothing to free. */
typedef struct NrOwnedBytes {
    const uint8_t *ptr;
    uint64_t len;
    void *owner_ctx;
    void (*release)(void *owner_ctx, const uint8_t *ptr, uint64_t len);
} NrOwnedBytes;

/* Memory of the host to write a unary result into. ptr is NULL when none can be had. */
typedef struct NrBufferLease {
    uint8_t *ptr;
    uint64_t cap;
    uint64_t token;
} NrBufferLease;

/* The host's functions. Each one consumes the payload it was given, whatever it answers: after
 * NR_BACKPRESSURE or NR_INVALID the bytes are gone, and trying again takes a fresh payload.
 *
 * The answers: NR_OK, taken. NR_BACKPRESSURE, the queue of the stream is full and the frame was not
 * taken; an ending frame always has room. NR_INVALID, nobody waits for it: sid is unknown, finished
 * or given up, or the arguments are malformed. */
typedef struct NrHostVTable2 {
    /* Answers the call sid with a payload that is copied or taken over. [any thread] */
    NrStatus (*send_result)(void *host_ctx, uint64_t sid, NrStatus status, NrVecU8 payload);

    /* Answers the call sid with a payload that stays with the plugin until its release.
     * [any thread] */
    NrStatus (*send_result_owned)(void *host_ctx, uint64_t sid, NrStatus status,
                                  NrOwnedBytes payload);

    /* Lends at least capacity bytes for the result of a unary call, one lease per sid at most. The
     * memory stays writable until commit_result_buffer or until the call is answered in another
     * way, also when the host gives the call up meanwhile. [any thread] */
    NrBufferLease (*acquire_result_buffer)(void *host_ctx, uint64_t sid, uint64_t capacity);

    /* Answers the call sid with the first initialized_len bytes of its lease. NR_INVALID for a
     * wrong token or too great a length leaves the lease usable. [any thread] */
    NrStatus (*commit_result_buffer)(void *host_ctx, uint64_t sid, NrStatus status, uint64_t token,
                                     uint64_t initialized_len);
} NrHostVTable2;

/* The plugin's functions. init and handle are required; resolve_entry and handle_by_id come both or
 * not at all. */
typedef struct NrPluginVTable2 {
    /* As in v1. [host thread] */
    NrStatus (*init)(void *host_ctx, const NrHostVTable2 *host_vtable);

    /* Takes one call to the entry of that name, as v1's handle. entry and payload are borrowed
     * until the return. [host thread] */
    NrStatus (*handle)(NrStr entry, uint64_t sid, NrBytes payload);

    /* As in v1. [host thread] */
    void (*shutdown)(void);

    /* Takes one frame of input for the stream sid, borrowed for the call. NR_BACKPRESSURE: not
     * taken, offer it again later. NULL: the plugin takes no input. [host thread] */
    NrStatus (*stream_data)(uint64_t sid, NrBytes data);

    /* No more input for the stream sid: the reader has finished or the host gave the stream up. At
     * most once, never after the stream's end. [host thread] */
    NrStatus (*stream_close)(uint64_t sid);

    /* The number of an entry for handle_by_id, fixed while the plugin is loaded, or
     * NR_ENTRY_UNKNOWN: the host then calls handle with the name. [host thread] */
    uint32_t (*resolve_entry)(NrStr entry);

    /* handle for an entry that was resolved before. [host thread] */
    NrStatus (*handle_by_id)(uint32_t id, uint64_t sid, NrBytes payload);
} NrPluginVTable2;

/* As NrPluginInfo, with v2's table. plugin_ctx is not used. */
typedef struct NrPluginInfo2 {
    uint32_t abi_version; /* NR_ABI_V2 */
    uint32_t struct_size; /* sizeof(NrPluginInfo2) or more */
    NrStr name;
    NrStr version;
    void *plugin_ctx;
    const NrPluginVTable2 *vtable;
} NrPluginInfo2;

/* The symbol that a v2 plugin exports. The info may be read until the plugin is unloaded.
 * [host thread] */
#define NR_PLUGIN_SYMBOL_V2 "nylon_ring_get_plugin"
typedef const NrPluginInfo2 *(*NrGetPluginV2)(void);

NR_STATIC_ASSERT(sizeof(size_t) == 8, "the ABI is defined for 64-bit targets");

NR_STATIC_ASSERT(sizeof(NrVecU8) == 40, "NrVecU8");
NR_STATIC_ASSERT(offsetof(NrVecU8, ptr) == 0, "NrVecU8.ptr");
NR_STATIC_ASSERT(offsetof(NrVecU8, len) == 8, "NrVecU8.len");
NR_STATIC_ASSERT(offsetof(NrVecU8, cap) == 16, "NrVecU8.cap");
NR_STATIC_ASSERT(offsetof(NrVecU8, owned) == 24, "NrVecU8.owned");
NR_STATIC_ASSERT(offsetof(NrVecU8, reserved) == 25, "NrVecU8.reserved");
NR_STATIC_ASSERT(offsetof(NrVecU8, drop_fn) == 32, "NrVecU8.drop_fn");

NR_STATIC_ASSERT(sizeof(NrOwnedBytes) == 32, "NrOwnedBytes");
NR_STATIC_ASSERT(offsetof(NrOwnedBytes, ptr) == 0, "NrOwnedBytes.ptr");
NR_STATIC_ASSERT(offsetof(NrOwnedBytes, len) == 8, "NrOwnedBytes.len");
NR_STATIC_ASSERT(offsetof(NrOwnedBytes, owner_ctx) == 16, "NrOwnedBytes.owner_ctx");
NR_STATIC_ASSERT(offsetof(NrOwnedBytes, release) == 24, "NrOwnedBytes.release");

NR_STATIC_ASSERT(sizeof(NrBufferLease) == 24, "NrBufferLease");
NR_STATIC_ASSERT(offsetof(NrBufferLease, ptr) == 0, "NrBufferLease.ptr");
NR_STATIC_ASSERT(offsetof(NrBufferLease, cap) == 8, "NrBufferLease.cap");
NR_STATIC_ASSERT(offsetof(NrBufferLease, token) == 16, "NrBufferLease.token");

NR_STATIC_ASSERT(sizeof(NrHostVTable2) == 32, "NrHostVTable2");
NR_STATIC_ASSERT(offsetof(NrHostVTable2, send_result) == 0, "NrHostVTable2.send_result");
NR_STATIC_ASSERT(offsetof(NrHostVTable2, send_result_owned) == 8,
                 "NrHostVTable2.send_result_owned");
NR_STATIC_ASSERT(offsetof(NrHostVTable2, acquire_result_buffer) == 16,
                 "NrHostVTable2.acquire_result_buffer");
NR_STATIC_ASSERT(offsetof(NrHostVTable2, commit_result_buffer) == 24,
                 "NrHostVTable2.commit_result_buffer");

NR_STATIC_ASSERT(sizeof(NrPluginVTable2) == 56, "NrPluginVTable2");
NR_STATIC_ASSERT(offsetof(NrPluginVTable2, init) == 0, "NrPluginVTable2.init");
NR_STATIC_ASSERT(offsetof(NrPluginVTable2, handle) == 8, "NrPluginVTable2.handle");
NR_STATIC_ASSERT(offsetof(NrPluginVTable2, shutdown) == 16, "NrPluginVTable2.shutdown");
NR_STATIC_ASSERT(offsetof(NrPluginVTable2, stream_data) == 24, "NrPluginVTable2.stream_data");
NR_STATIC_ASSERT(offsetof(NrPluginVTable2, stream_close) == 32, "NrPluginVTable2.stream_close");
NR_STATIC_ASSERT(offsetof(NrPluginVTable2, resolve_entry) == 40, "NrPluginVTable2.resolve_entry");
NR_STATIC_ASSERT(offsetof(NrPluginVTable2, handle_by_id) == 48, "NrPluginVTable2.handle_by_id");

NR_STATIC_ASSERT(sizeof(NrPluginInfo2) == 56, "NrPluginInfo2");
NR_STATIC_ASSERT(offsetof(NrPluginInfo2, abi_version) == 0, "NrPluginInfo2.abi_version");
NR_STATIC_ASSERT(offsetof(NrPluginInfo2, struct_size) == 4, "NrPluginInfo2.struct_size");
NR_STATIC_ASSERT(offsetof(NrPluginInfo2, name) == 8, "NrPluginInfo2.name");
NR_STATIC_ASSERT(offsetof(NrPluginInfo2, version) == 24, "NrPluginInfo2.version");
NR_STATIC_ASSERT(offsetof(NrPluginInfo2, plugin_ctx) == 40, "NrPluginInfo2.plugin_ctx");
NR_STATIC_ASSERT(offsetof(NrPluginInfo2, vtable) == 48, "NrPluginInfo2.vtable");

#ifdef __cplusplus
}
#endif

#endif
