/* The Nylon Ring ABI, version 1: what a plugin and its host know of each other.
 *
 * These types are frozen. Whatever comes later arrives as an extension (ext/...), never as a
 * changed table. Sizes and offsets are those of 64-bit targets and are asserted at the end of this
 * file.
 *
 * A host opens the file, calls nylon_ring_get_plugin_v1(), checks abi_version and struct_size, then
 * calls init once. From then on each call of a script is one handle(sid, request, payload),
 * answered by send_result(sid, status, payload): once for a unary call, many times for a stream.
 *
 * Thread tags close each comment: [host thread] is a thread of the host, possibly one of several at
 * the same time; [any thread] includes those that the plugin has started.
 *
 * Nothing may unwind or jump (C++ exception, Rust panic, longjmp) across any of these functions, in
 * either direction. */
#ifndef NYLON_RING_ABI_H
#define NYLON_RING_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define NR_STATIC_ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define NR_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

#define NR_ABI_V1 1u

/* How a call, or one frame of a stream, went. Any value that is not listed is passed through to the
 * caller unchanged and ends a stream. */
typedef uint32_t NrStatus;

#define NR_OK 0u           /* a result, or a frame of a stream with more to come */
#define NR_ERR 1u          /* the plugin failed; the payload may say why */
#define NR_INVALID 2u      /* the request makes no sense to this plugin */
#define NR_UNSUPPORTED 3u  /* understood, but not offered */
#define NR_STREAM_END 4u   /* the stream's last frame; its payload may be empty */
#define NR_PANIC 5u        /* v2: the plugin's code failed badly and was caught at its edge */
#define NR_BACKPRESSURE 6u /* v2: not taken, the queue is full; offer it again later */

/* A borrowed piece of UTF-8 text, not zero-terminated. ptr may be NULL only where len is 0, and is
 * never NULL in what a host hands out. */
typedef struct NrStr {
    const uint8_t *ptr;
    uint32_t len;
    uint32_t reserved; /* write 0 */
} NrStr;

/* Borrowed bytes of any kind. ptr may be NULL only where len is 0, and is never NULL in what a host
 * hands out. */
typedef struct NrBytes {
    const uint8_t *ptr;
    uint64_t len;
} NrBytes;

typedef struct NrHeader {
    NrStr key;
    NrStr value;
} NrHeader;

/* What the caller asks for. The struct, its views and the header array belong to the host and are
 * valid until handle returns; a plugin that answers later copies what it needs. */
typedef struct NrRequest {
    NrStr path;
    NrStr method;
    NrStr query; /* without the '?' */
    const NrHeader *headers;
    uint32_t headers_len;
    uint32_t _reserved0;
    uint64_t _reserved1;
} NrRequest;

/* The host's functions. The table and host_ctx are valid from the start of init until the process
 * exits. */
typedef struct NrHostVTable {
    /* Answers the call sid. Before or after handle returns, or from inside it. payload is borrowed
     * until send_result returns; it may alias the state of the same sid. A unary call takes the
     * first result and drops the rest; a stream takes any number of NR_OK frames in the order of
     * these calls, and its first other status ends it. A result for a call that is unknown,
     * finished or given up is dropped, and so is one sent from init or shutdown. [any thread] */
    void (*send_result)(void *host_ctx, uint64_t sid, NrStatus status, NrBytes payload);
} NrHostVTable;

/* The state of a call: values by key that live as long as the call does. Found through
 * NrHostContext.host_ext or as the extension "nylon.state/1". */
typedef struct NrHostExt {
    /* Copies value under key. Answers empty bytes, or a static text that says why not: unknown or
     * ended sid, or the cap of a sid's state is reached. [any thread] */
    NrBytes (*set_state)(void *host_ctx, uint64_t sid, NrStr key, NrBytes value);

    /* Answers the value under key, or empty bytes when there is none. The value stays valid and
     * unchanged until the call ends, also when key is set again. When the host gives the call up
     * early, it stays until the plugin's own ending result. [any thread] */
    NrBytes (*get_state)(void *host_ctx, uint64_t sid, NrStr key);
} NrHostExt;

/* The plugin's functions. init and handle are required. */
typedef struct NrPluginVTable {
    /* Runs once per image, before any other call into it. Anything but NR_OK refuses the load, and
     * nothing else is called then. Keep host_ctx and the table: they are the way to answer.
     * [host thread] */
    NrStatus (*init)(void *plugin_ctx, void *host_ctx, const NrHostVTable *host_vtable);

    /* Takes one call and returns at once; work that takes time belongs on a thread of the plugin.
     * NR_OK: the plugin owes results for sid. Anything else: it owes none, the call fails with that
     * status, and what was already sent for sid is discarded. request and payload are borrowed
     * until the return. May run on several threads at the same time. [host thread] */
    NrStatus (*handle)(void *plugin_ctx, uint64_t sid, const NrRequest *request, NrBytes payload);

    /* Runs once, after the last other call into the image has returned. When it returns, none of
     * the plugin's threads may run its code or call the host. May block. NULL is allowed; the
     * image then stays in memory when it is unloaded. [host thread] */
    void (*shutdown)(void *plugin_ctx);
} NrPluginVTable;

/* What a plugin tells of itself. Belongs to the plugin and stays valid while it is loaded. */
typedef struct NrPluginInfo {
    uint32_t abi_version; /* NR_ABI_V1 */
    uint32_t struct_size; /* sizeof(NrPluginInfo) or more */
    NrStr name;
    NrStr version;
    void *plugin_ctx; /* handed back in every call; may be NULL */
    const NrPluginVTable *vtable;
} NrPluginInfo;

/* The bytes of NrHostContext.magic in memory order. */
#define NR_HOST_MAGIC "NYLNRING"

/* What host_ctx points to: one per image, readable until the process exits. Other hosts may pass
 * something else, so check magic first, then that struct_size covers the field; plugin.h's
 * nr_find_extension does both. */
typedef struct NrHostContext {
    uint64_t magic;       /* NR_HOST_MAGIC */
    uint32_t struct_size; /* bytes that are valid from offset 0 */
    uint32_t abi_version; /* the highest ABI that the host speaks */

    /* A table that belongs to the host and lives until the process exits, or NULL when it does not
     * know id. [any thread] */
    const void *(*get_extension)(void *host_ctx, const char *id);

    uint64_t reserved[11];
    const NrHostExt *host_ext;
} NrHostContext;

/* The symbol that a v1 plugin exports. The info may be read until the plugin is unloaded.
 * [host thread] */
#define NR_PLUGIN_SYMBOL_V1 "nylon_ring_get_plugin_v1"
typedef const NrPluginInfo *(*NrGetPluginV1)(void);

/* An optional symbol of any generation: the tables that the plugin offers to the host, by id. They
 * belong to the plugin and live as long as it is loaded; NULL when it does not know id.
 * [host thread] */
#define NR_PLUGIN_EXTENSION_SYMBOL "nylon_ring_get_plugin_extension_v1"
typedef const void *(*NrGetPluginExtension)(const char *id);

NR_STATIC_ASSERT(sizeof(void *) == 8, "the ABI is defined for 64-bit targets");

NR_STATIC_ASSERT(sizeof(NrStatus) == 4, "NrStatus");

NR_STATIC_ASSERT(sizeof(NrStr) == 16, "NrStr");
NR_STATIC_ASSERT(offsetof(NrStr, ptr) == 0, "NrStr.ptr");
NR_STATIC_ASSERT(offsetof(NrStr, len) == 8, "NrStr.len");
NR_STATIC_ASSERT(offsetof(NrStr, reserved) == 12, "NrStr.reserved");

NR_STATIC_ASSERT(sizeof(NrBytes) == 16, "NrBytes");
NR_STATIC_ASSERT(offsetof(NrBytes, ptr) == 0, "NrBytes.ptr");
NR_STATIC_ASSERT(offsetof(NrBytes, len) == 8, "NrBytes.len");

NR_STATIC_ASSERT(sizeof(NrHeader) == 32, "NrHeader");
NR_STATIC_ASSERT(offsetof(NrHeader, key) == 0, "NrHeader.key");
NR_STATIC_ASSERT(offsetof(NrHeader, value) == 16, "NrHeader.value");

NR_STATIC_ASSERT(sizeof(NrRequest) == 72, "NrRequest");
NR_STATIC_ASSERT(offsetof(NrRequest, path) == 0, "NrRequest.path");
NR_STATIC_ASSERT(offsetof(NrRequest, method) == 16, "NrRequest.method");
NR_STATIC_ASSERT(offsetof(NrRequest, query) == 32, "NrRequest.query");
NR_STATIC_ASSERT(offsetof(NrRequest, headers) == 48, "NrRequest.headers");
NR_STATIC_ASSERT(offsetof(NrRequest, headers_len) == 56, "NrRequest.headers_len");
NR_STATIC_ASSERT(offsetof(NrRequest, _reserved0) == 60, "NrRequest._reserved0");
NR_STATIC_ASSERT(offsetof(NrRequest, _reserved1) == 64, "NrRequest._reserved1");

NR_STATIC_ASSERT(sizeof(NrHostVTable) == 8, "NrHostVTable");
NR_STATIC_ASSERT(offsetof(NrHostVTable, send_result) == 0, "NrHostVTable.send_result");

NR_STATIC_ASSERT(sizeof(NrHostExt) == 16, "NrHostExt");
NR_STATIC_ASSERT(offsetof(NrHostExt, set_state) == 0, "NrHostExt.set_state");
NR_STATIC_ASSERT(offsetof(NrHostExt, get_state) == 8, "NrHostExt.get_state");

NR_STATIC_ASSERT(sizeof(NrPluginVTable) == 24, "NrPluginVTable");
NR_STATIC_ASSERT(offsetof(NrPluginVTable, init) == 0, "NrPluginVTable.init");
NR_STATIC_ASSERT(offsetof(NrPluginVTable, handle) == 8, "NrPluginVTable.handle");
NR_STATIC_ASSERT(offsetof(NrPluginVTable, shutdown) == 16, "NrPluginVTable.shutdown");

NR_STATIC_ASSERT(sizeof(NrPluginInfo) == 56, "NrPluginInfo");
NR_STATIC_ASSERT(offsetof(NrPluginInfo, abi_version) == 0, "NrPluginInfo.abi_version");
NR_STATIC_ASSERT(offsetof(NrPluginInfo, struct_size) == 4, "NrPluginInfo.struct_size");
NR_STATIC_ASSERT(offsetof(NrPluginInfo, name) == 8, "NrPluginInfo.name");
NR_STATIC_ASSERT(offsetof(NrPluginInfo, version) == 24, "NrPluginInfo.version");
NR_STATIC_ASSERT(offsetof(NrPluginInfo, plugin_ctx) == 40, "NrPluginInfo.plugin_ctx");
NR_STATIC_ASSERT(offsetof(NrPluginInfo, vtable) == 48, "NrPluginInfo.vtable");

NR_STATIC_ASSERT(sizeof(NrHostContext) == 120, "NrHostContext");
NR_STATIC_ASSERT(offsetof(NrHostContext, magic) == 0, "NrHostContext.magic");
NR_STATIC_ASSERT(offsetof(NrHostContext, struct_size) == 8, "NrHostContext.struct_size");
NR_STATIC_ASSERT(offsetof(NrHostContext, abi_version) == 12, "NrHostContext.abi_version");
NR_STATIC_ASSERT(offsetof(NrHostContext, get_extension) == 16, "NrHostContext.get_extension");
NR_STATIC_ASSERT(offsetof(NrHostContext, reserved) == 24, "NrHostContext.reserved");
NR_STATIC_ASSERT(offsetof(NrHostContext, host_ext) == 112, "NrHostContext.host_ext");

#ifdef __cplusplus
}
#endif

#endif
