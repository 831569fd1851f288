/* Everything a plugin in C or C++ needs, in one include: the ABI, views and requests, answering,
 * the host's extensions, logging and the export macros. Header-only C11, also valid C++17.
 *
 * A whole plugin:
 *
 *     #include <nylon_ring/plugin.h>
 *
 *     static NrHost host;
 *
 *     static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable)
 *     {
 *         (void)ctx;
 *         host = nr_host_v1(host_ctx, vtable);
 *         return NR_OK;
 *     }
 *
 *     static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload)
 *     {
 *         (void)ctx, (void)payload;
 *         if (!nr_str_is(request->path, "/hello")) {
 *             return NR_INVALID;
 *         }
 *         nr_answer_str(&host, sid, NR_OK, "hello, world");
 *         return NR_OK;
 *     }
 *
 *     NR_PLUGIN_EXPORT_V1("hello", "1.0.0", NULL, init, handle, NULL)
 *
 * A file that is loaded under two names is two images, each with static variables of its own. */
#ifndef NYLON_RING_PLUGIN_H
#define NYLON_RING_PLUGIN_H

#include <stdarg.h>
#include <stdio.h>

#include "abi.h"
#include "abi_v2.h"
#include "ext/cancel.h"
#include "ext/duplex.h"
#include "ext/log.h"
#include "ext/result.h"
#include "ext/state.h"
#include "ext/writable.h"
#include "request.h"
#include "view.h"

#if defined(_WIN32)
#define NR__VISIBLE __declspec(dllexport)
#else
#define NR__VISIBLE __attribute__((__visibility__("default")))
#endif

#ifdef __cplusplus
#define NR_EXPORT extern "C" NR__VISIBLE
#else
#define NR_EXPORT NR__VISIBLE
#endif

#if defined(__GNUC__)
#define NR__PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define NR__PRINTF(text, first)
#endif

/* A table that the host offers, or NULL: unknown id, or a host whose host_ctx is not ours. The
 * table lives until the process exits. [any thread] */
static inline const void *nr_find_extension(void *host_ctx, const char *id) {
    const NrHostContext *host = (const NrHostContext *)host_ctx;
    if (host == NULL || memcmp(&host->magic, NR_HOST_MAGIC, sizeof(host->magic)) != 0) {
        return NULL;
    }
    if (host->struct_size < offsetof(NrHostContext, reserved) || host->get_extension == NULL) {
        return NULL;
    }
    return host->get_extension(host_ctx, id);
}

/* The host as its plugin sees it. Filled once in init, only read afterwards; nothing to free. */
typedef struct NrHost {
    void *ctx;
    const NrHostVTable *v1;    /* NULL in a v2 plugin */
    const NrExtResult *result; /* v2's table, or nylon.result/1; NULL where the host has neither */
    const NrExtState *state;   /* NULL where the host has none */
    const NrExtLog *log;       /* NULL where the host has none */
} NrHost;

/* What a v1 plugin keeps of the arguments of its init. */
static inline NrHost nr_host_v1(void *host_ctx, const NrHostVTable *vtable) {
    NrHost host;
    host.ctx = host_ctx;
    host.v1 = vtable;
    host.result = (const NrExtResult *)nr_find_extension(host_ctx, NR_EXT_RESULT);
    host.state = (const NrExtState *)nr_find_extension(host_ctx, NR_EXT_STATE);
    host.log = (const NrExtLog *)nr_find_extension(host_ctx, NR_EXT_LOG);
    return host;
}

/* What a v2 plugin keeps of the arguments of its init. */
static inline NrHost nr_host_v2(void *host_ctx, const NrHostVTable2 *vtable) {
    NrHost host = nr_host_v1(host_ctx, NULL);
    host.result = vtable;
    return host;
}

/* Answers a call with bytes that the host copies, and tells what became of them: NR_OK, or
 * NR_BACKPRESSURE or NR_INVALID as at NrHostVTable2. Where the host has no such table (a v1 plugin
 * without nylon.result/1) it answers NR_OK always. Use it for streams. [any thread] */
static inline NrStatus nr_offer(const NrHost *host, uint64_t sid, NrStatus status,
                                NrBytes payload) {
    if (host->v1 != NULL && host->result == NULL) {
        host->v1->send_result(host->ctx, sid, status, payload);
        return NR_OK;
    }
    NrVecU8 borrowed;
    memset(&borrowed, 0, sizeof(borrowed));
    borrowed.ptr = (uint8_t *)payload.ptr; /* only read while owned is 0 */
    borrowed.len = (size_t)payload.len;
    borrowed.cap = (size_t)payload.len;
    return host->result->send_result(host->ctx, sid, status, borrowed);
}

/* Answers a call, or sends one frame of a stream, with bytes that the host copies. A v1 plugin's
 * frames are queued or end the stream, they are never refused. [any thread] */
static inline void nr_answer(const NrHost *host, uint64_t sid, NrStatus status, NrBytes payload) {
    if (host->v1 != NULL) {
        host->v1->send_result(host->ctx, sid, status, payload);
    } else {
        (void)nr_offer(host, sid, status, payload);
    }
}

/* nr_answer with a zero-terminated text, such as the reason of an NR_ERR. [any thread] */
static inline void nr_answer_str(const NrHost *host, uint64_t sid, NrStatus status,
                                 const char *text) {
    nr_answer(host, sid, status, nr_bytes_str(text));
}

/* Logs one line in the manner of printf, cut to 1,023 bytes; does nothing where the host takes no
 * logs. sid 0: not about a call. [any thread] */
NR__PRINTF(4, 5)
static inline void nr_logf(const NrHost *host, uint64_t sid, uint32_t level, const char *format,
                           ...) {
    if (host->log == NULL) {
        return;
    }
    char line[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (len >= 0) {
        host->log->log(host->ctx, sid, level, nr_str(line));
    }
}

/* One table that a plugin offers, for NR_PLUGIN_EXPORT_EXTENSIONS. */
typedef struct NrExtensionEntry {
    const char *id;
    const void *table;
} NrExtensionEntry;

static inline const void *nr__extension_lookup(const NrExtensionEntry *entries, size_t count,
                                               const char *id) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(entries[i].id, id) == 0) {
            return entries[i].table;
        }
    }
    return NULL;
}

#define NR__STR_LITERAL(text)                                                                      \
    { (const uint8_t *)(text), (uint32_t)(sizeof(text) - 1), 0 }

/* Exports a v1 plugin, at file scope, once. name and version are string literals, ctx is handed
 * back as plugin_ctx in every call and may be NULL, shutdown may be NULL. */
#define NR_PLUGIN_EXPORT_V1(name, version, ctx, init, handle, shutdown)                            \
    NR_EXPORT const NrPluginInfo *nylon_ring_get_plugin_v1(void);                                  \
    NR_EXPORT const NrPluginInfo *nylon_ring_get_plugin_v1(void) {                                 \
        static const NrPluginVTable nr__vtable = {init, handle, shutdown};                         \
        static const NrPluginInfo nr__info = {NR_ABI_V1,                                           \
                                              (uint32_t)sizeof(NrPluginInfo),                      \
                                              NR__STR_LITERAL(name),                               \
                                              NR__STR_LITERAL(version),                            \
                                              ctx,                                                 \
                                              &nr__vtable};                                        \
        return &nr__info;                                                                          \
    }

/* Exports a v2 plugin, at file scope, once: name and version are string literals, vtable is the
 * address of a static NrPluginVTable2. */
#define NR_PLUGIN_EXPORT_V2(name, version, vtable)                                                 \
    NR_EXPORT const NrPluginInfo2 *nylon_ring_get_plugin(void);                                    \
    NR_EXPORT const NrPluginInfo2 *nylon_ring_get_plugin(void) {                                   \
        static const NrPluginInfo2 nr__info = {NR_ABI_V2,                                          \
                                               (uint32_t)sizeof(NrPluginInfo2),                    \
                                               NR__STR_LITERAL(name),                              \
                                               NR__STR_LITERAL(version),                           \
                                               NULL,                                               \
                                               vtable};                                            \
        return &nr__info;                                                                          \
    }

/* Exports the plugin's own extensions, at file scope, once:
 *
 *     NR_PLUGIN_EXPORT_EXTENSIONS({NR_EXT_CANCEL, &cancel_table}, {NR_EXT_DUPLEX, &duplex_table})
 */
#define NR_PLUGIN_EXPORT_EXTENSIONS(...)                                                           \
    NR_EXPORT const void *nylon_ring_get_plugin_extension_v1(const char *id);                      \
    NR_EXPORT const void *nylon_ring_get_plugin_extension_v1(const char *id) {                     \
        static const NrExtensionEntry nr__entries[] = {__VA_ARGS__};                               \
        return nr__extension_lookup(nr__entries, sizeof(nr__entries) / sizeof(nr__entries[0]),     \
                                    id);                                                           \
    }

#endif
