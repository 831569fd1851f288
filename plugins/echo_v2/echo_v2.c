/* echo_v2: what echo does, by ABI v2, and what only v2 can do.
 *
 *     echo         the payload, answered inside handle
 *     upper        the payload in capitals, in memory that the host takes over
 *     owned        the payload, in memory that the host gives back
 *     lease        the payload, in memory of the host
 *     thread       the payload, answered later from a thread
 *     stream       a stream; the payload "frames=N&interval=MS" says which (5 and 0)
 *     duplex       a stream that answers each frame of input in capitals
 *     state-demo   a value kept by the host for this call
 *
 * This file is the plugin as the host sees it. An entry is a name with a number: the host asks for
 * the number once, by resolve_entry, and calls by number from then on. */
#include "echo_v2.h"

EchoV2 echo_v2;

static const struct {
    const char *name;
    EntryHandle handle;
} entries[] = {
    {"echo", entry_echo},     {"upper", entry_upper},      {"owned", entry_owned},
    {"lease", entry_lease},   {"thread", entry_thread},    {"stream", entry_stream},
    {"duplex", entry_duplex}, {"state-demo", entry_state},
};

#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))

static uint32_t resolve_entry(NrStr name) {
    for (uint32_t id = 0; id < ENTRY_COUNT; id++) {
        if (nr_str_is(name, entries[id].name)) {
            return id;
        }
    }
    return NR_ENTRY_UNKNOWN;
}

static NrStatus handle_by_id(uint32_t id, uint64_t sid, NrBytes payload) {
    return id < ENTRY_COUNT ? entries[id].handle(sid, payload) : NR_INVALID;
}

/* For hosts that call by name, and for names that resolve_entry does not know. */
static NrStatus handle(NrStr name, uint64_t sid, NrBytes payload) {
    uint32_t id = resolve_entry(name);
    if (id == NR_ENTRY_UNKNOWN) {
        nr_logf(&echo_v2.host, sid, NR_LOG_DEBUG, "no such entry: %.*s", (int)name.len,
                (const char *)name.ptr);
    }
    return handle_by_id(id, sid, payload);
}

static NrStatus init(void *host_ctx, const NrHostVTable2 *vtable) {
    echo_v2.host = nr_host_v2(host_ctx, vtable);
    if (!worker_start(&echo_v2.worker)) {
        nr_logf(&echo_v2.host, 0, NR_LOG_ERROR, "no thread for the worker");
        return NR_ERR;
    }
    nr_logf(&echo_v2.host, 0, NR_LOG_DEBUG, "ready");
    return NR_OK;
}

static void shutdown(void) {
    worker_stop(&echo_v2.worker);
    duplex_forget_all();
}

/* The host gave the call up: whatever goes on for it stops. */
static void cancel(void *ctx, uint64_t sid) {
    (void)ctx;
    worker_cancel(&echo_v2.worker, sid);
    duplex_close(sid);
}

/* A full stream has room again. */
static void writable(void *ctx, uint64_t sid) {
    (void)ctx;
    worker_wake(&echo_v2.worker, sid);
}

static const NrExtCancel cancel_table = {cancel};
static const NrExtWritable writable_table = {writable};
static const NrPluginVTable2 vtable = {init,         handle,        shutdown,    duplex_data,
                                       duplex_close, resolve_entry, handle_by_id};

NR_PLUGIN_EXPORT_V2("echo_v2", "1.0.0", &vtable)
NR_PLUGIN_EXPORT_EXTENSIONS({NR_EXT_CANCEL, &cancel_table}, {NR_EXT_WRITABLE, &writable_table})
